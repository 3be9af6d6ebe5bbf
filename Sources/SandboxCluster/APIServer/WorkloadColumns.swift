import KubernetesModels

/// Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, CronJobs, ControllerRevisions.
enum WorkloadColumns {
  private static let template = ["spec", "template"]

  static func columns(_ kind: String) -> [TableColumn] {
    switch kind {
    case "Deployment":
      [
        .name, ready("Ready"), BuiltinColumns.number("Up-to-date", "status", "updatedReplicas"),
        BuiltinColumns.number("Available", "status", "availableReplicas"), .age,
      ] + BuiltinColumns.templateColumns(template)
    case "ReplicaSet":
      [
        .name, BuiltinColumns.number("Desired", "spec", "replicas"),
        BuiltinColumns.number("Current", "status", "replicas"),
        BuiltinColumns.number("Ready", "status", "readyReplicas"), .age,
      ] + BuiltinColumns.templateColumns(template)
    case "StatefulSet": [.name, ready("Ready"), .age] + BuiltinColumns.templateColumns(template, selector: nil)
    case "DaemonSet":
      [
        .name, BuiltinColumns.number("Desired", "status", "desiredNumberScheduled"),
        BuiltinColumns.number("Current", "status", "currentNumberScheduled"),
        BuiltinColumns.number("Ready", "status", "numberReady"),
        BuiltinColumns.number("Up-to-date", "status", "updatedNumberScheduled"),
        BuiltinColumns.number("Available", "status", "numberAvailable"),
        TableColumn("Node Selector") { object in
          let labels = object.mapAt("spec", "template", "spec", "nodeSelector").map { "\($0)=\($1.stringValue ?? "")" }
            .sorted()
          return .string(labels.isEmpty ? "<none>" : labels.joined(separator: ","))
        }, .age,
      ] + BuiltinColumns.templateColumns(template)
    case "Job":
      [
        .name, TableColumn("Status") { .string(jobStatus($0)) },
        TableColumn("Completions") { .string(completions($0)) },
        TableColumn("Duration") { .string(duration($0)) }, .age,
      ] + BuiltinColumns.templateColumns(template)
    case "CronJob":
      [
        .name, BuiltinColumns.text("Schedule", "spec", "schedule"), BuiltinColumns.text("Timezone", "spec", "timeZone"),
        TableColumn("Suspend") { .string($0.boolAt("spec", "suspend") ? "True" : "False") },
        TableColumn("Active", type: "integer") { .integer(Int64($0.itemsAt("status", "active").count)) },
        TableColumn("Last Schedule") { object in
          .string(object.textAt("status", "lastScheduleTime").map { Age.text(since: $0) } ?? "<none>")
        }, .age,
      ] + BuiltinColumns.templateColumns(["spec", "jobTemplate", "spec", "template"])
    case "ControllerRevision":
      [
        .name,
        TableColumn("Controller") { object in
          let owner = object.itemsAt("metadata", "ownerReferences").first { $0.boolAt("controller") }
          guard let owner else { return "<none>" }
          let group = cut(owner.textAt("apiVersion") ?? "", "/")?.0
          return .string(
            "\((owner.textAt("kind") ?? "").lowercased())\(group.map { ".\($0)" } ?? "")/\(owner.textAt("name") ?? "")")
        }, BuiltinColumns.number("Revision", "revision"), .age,
      ]
    default: TableColumn.nameAndAge
    }
  }

  private static func ready(_ name: String) -> TableColumn {
    TableColumn(name) { .string("\($0.intAt("status", "readyReplicas") ?? 0)/\($0.intAt("spec", "replicas") ?? 1)") }
  }

  private static func jobStatus(_ job: JSONValue) -> String {
    func has(_ type: String) -> Bool {
      job.itemsAt("status", "conditions").contains { $0.textAt("type") == type && $0.textAt("status") == "True" }
    }
    if has("Complete") { return "Complete" }
    if has("Failed") { return "Failed" }
    if job.isDeleting { return "Terminating" }
    if has("Suspended") { return "Suspended" }
    if has("FailureTarget") { return "FailureTarget" }
    return has("SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running"
  }

  private static func completions(_ job: JSONValue) -> String {
    let succeeded = job.intAt("status", "succeeded") ?? 0
    if let wanted = job.intAt("spec", "completions") { return "\(succeeded)/\(wanted)" }
    let parallel = job.intAt("spec", "parallelism") ?? 0
    return parallel > 1 ? "\(succeeded)/1 of \(parallel)" : "\(succeeded)/1"
  }

  private static func duration(_ job: JSONValue) -> String {
    guard let start = job.textAt("status", "startTime").flatMap({ Timestamp($0) }) else { return "" }
    let end = job.textAt("status", "completionTime").flatMap { Timestamp($0) } ?? .now
    return Age.text(seconds: Int(end.secondsSinceEpoch - start.secondsSinceEpoch))
  }
}

enum AutoscalerColumns {
  static let all: [TableColumn] = [
    .name,
    TableColumn("Reference") { hpa in
      .string(
        "\(hpa.textAt("spec", "scaleTargetRef", "kind") ?? "")/\(hpa.textAt("spec", "scaleTargetRef", "name") ?? "")")
    }, TableColumn("Targets") { .string(targets($0)) },
    TableColumn("MinPods") { .string(String($0.intAt("spec", "minReplicas") ?? 1)) },
    BuiltinColumns.number("MaxPods", "spec", "maxReplicas"),
    BuiltinColumns.number("Replicas", "status", "currentReplicas"), .age,
  ]

  private static func targets(_ hpa: JSONValue) -> String {
    let current = hpa.itemsAt("status", "currentMetrics")
    let texts = hpa.itemsAt("spec", "metrics").enumerated().map { index, metric -> String in
      let source = metric.textAt("type").map { $0.prefix(1).lowercased() + $0.dropFirst() } ?? ""
      let target = metric.at(String(source), "target") ?? [:]
      let seen = current.indices.contains(index) ? current[index].at(String(source), "current") : nil
      let name = metric.textAt(String(source), "name") ?? metric.textAt(String(source), "metric", "name") ?? source
      if let percent = target.intAt("averageUtilization") {
        return "\(name): \(seen?.intAt("averageUtilization").map { "\($0)%" } ?? "<unknown>")/\(percent)%"
      }
      let field = target["averageValue"] != nil ? "averageValue" : "value"
      return
        "\(name): \(BuiltinColumns.plain(seen?[field]) ?? "<unknown>")/\(BuiltinColumns.plain(target[field]) ?? "<auto>")"
    }
    return texts.isEmpty ? "<none>" : texts.joined(separator: ", ")
  }
}
