import KubernetesModels

/// The columns of `kubectl get` for built-in kinds (kubernetes pkg/printers/internalversion).
enum BuiltinColumns {
  static func columns(group: String, kind: String) -> [TableColumn] {
    switch (group, kind) {
    case ("", "Pod"): PodColumns.all
    case ("", "Node"): NodeColumns.all
    case ("", _): core(kind)
    case ("apps", _), ("batch", _): WorkloadColumns.columns(kind)
    case ("autoscaling", _): AutoscalerColumns.all
    case ("events.k8s.io", _): EventColumns.all
    case ("rbac.authorization.k8s.io", _): rbac(kind)
    case ("networking.k8s.io", _), ("discovery.k8s.io", _): NetworkColumns.columns(kind)
    default: other(kind)
    }
  }

  private static func core(_ kind: String) -> [TableColumn] {
    switch kind {
    case "Service", "Endpoints": NetworkColumns.columns(kind)
    case "Event": EventColumns.all
    case "PersistentVolumeClaim", "PersistentVolume": StorageColumns.columns(kind)
    case "Namespace": [.name, text("Status", "status", "phase"), .age]
    case "ConfigMap":
      [.name, count("Data") { $0.mapAt("data").count + $0.mapAt("binaryData").count }, .age]
    case "Secret": [.name, text("Type", "type"), count("Data") { $0.mapAt("data").count }, .age]
    case "ServiceAccount": [.name, count("Secrets", type: "string") { $0.itemsAt("secrets").count }, .age]
    case "LimitRange": [.name, TableColumn("Created At") { $0.at("metadata", "creationTimestamp") ?? .null }]
    case "ResourceQuota":
      [
        .name, .age,
        TableColumn("Request") { quota($0) { !$0.hasPrefix("limits.") } },
        TableColumn("Limit") { quota($0) { $0.hasPrefix("limits.") } },
      ]
    default: TableColumn.nameAndAge
    }
  }

  private static func rbac(_ kind: String) -> [TableColumn] {
    guard kind.hasSuffix("Binding") else { return [.name, createdAt] }
    func subjects(_ kind: String) -> @Sendable (JSONValue) -> JSONValue {
      { object in
        let found = object.itemsAt("subjects").filter { $0.textAt("kind") == kind }.map { subject in
          (subject.textAt("namespace").map { "\($0)/" } ?? "") + (subject.textAt("name") ?? "")
        }
        return .string(found.joined(separator: ", "))
      }
    }
    return [
      .name,
      TableColumn("Role") { .string("\($0.textAt("roleRef", "kind") ?? "")/\($0.textAt("roleRef", "name") ?? "")") },
      .age,
      TableColumn("Users", priority: 1, subjects("User")), TableColumn("Groups", priority: 1, subjects("Group")),
      TableColumn("ServiceAccounts", priority: 1, subjects("ServiceAccount")),
    ]
  }

  private static func other(_ kind: String) -> [TableColumn] {
    switch kind {
    case "Lease": [.name, text("Holder", "spec", "holderIdentity"), .age]
    case "PodDisruptionBudget":
      [
        .name, text("Min Available", "spec", "minAvailable", none: "N/A"),
        text("Max Unavailable", "spec", "maxUnavailable", none: "N/A"),
        number("Allowed Disruptions", "status", "disruptionsAllowed"), .age,
      ]
    case "StorageClass": StorageColumns.columns(kind)
    case "PriorityClass":
      [
        .name, number("Value", "value"),
        TableColumn("Global-Default", type: "boolean") { .bool($0.boolAt("globalDefault")) }, .age,
        text("PreemptionPolicy", "preemptionPolicy"),
      ]
    case "CustomResourceDefinition": [.name, createdAt]
    default: TableColumn.nameAndAge
    }
  }

  private static let createdAt = TableColumn("Created At", type: "date") {
    $0.at("metadata", "creationTimestamp") ?? .null
  }

  private static func quota(_ object: JSONValue, _ wanted: (String) -> Bool) -> JSONValue {
    let hard = object.mapAt("status", "hard").isEmpty ? object.mapAt("spec", "hard") : object.mapAt("status", "hard")
    let entries = hard.keys.filter(wanted).sorted().map { name in
      "\(name): \(plain(object.at("status", "used", name)) ?? "0")/\(plain(hard[name]) ?? "")"
    }
    return .string(entries.joined(separator: ", "))
  }

  /// A scalar as plain text.
  static func plain(_ value: JSONValue?) -> String? {
    switch value {
    case .string(let text): text
    case nil, .null: nil
    case .some(let other): other.serializedString()
    }
  }

  /// A column that shows one field.
  static func text(_ name: String, _ path: String..., none: String = "<none>", priority: Int = 0) -> TableColumn {
    TableColumn(name, priority: priority) { .string(plain($0.value(at: path)) ?? none) }
  }

  static func number(_ name: String, _ path: String..., priority: Int = 0) -> TableColumn {
    TableColumn(name, type: "integer", priority: priority) { .integer(Int64($0.value(at: path)?.intValue ?? 0)) }
  }

  static func count(_ name: String, type: String = "string", _ value: @escaping @Sendable (JSONValue) -> Int)
    -> TableColumn
  {
    TableColumn(name, type: type) { type == "string" ? .string(String(value($0))) : .integer(Int64(value($0))) }
  }

  /// Containers, images and selector: the last columns of `-o wide` for workloads.
  static func templateColumns(_ path: [String], selector: [String]? = ["spec", "selector"]) -> [TableColumn] {
    func containers(_ field: String) -> @Sendable (JSONValue) -> JSONValue {
      { object in
        let found = object.value(at: path)?.itemsAt("spec", "containers").compactMap { $0.textAt(field) } ?? []
        return .string(found.joined(separator: ","))
      }
    }
    var columns = [
      TableColumn("Containers", priority: 1, containers("name")),
      TableColumn("Images", priority: 1, containers("image")),
    ]
    if let selector {
      columns.append(
        TableColumn("Selector", priority: 1) {
          .string(LabelSelector(object: $0.value(at: selector))?.text ?? "<none>")
        })
    }
    return columns
  }
}
