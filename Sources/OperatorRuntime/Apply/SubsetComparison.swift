import KubernetesModels

/// Whether an object that the server stores has everything that a desired one asks for.
///
/// The server adds defaults, status and fields of other managers, so equality is too much to ask. Maps are compared key
/// by key; lists of maps by the key that names their items (the `x-kubernetes-list-map-keys` of the API, known here by
/// name); other lists as a whole; numbers and quantities by value.
enum SubsetComparison {
  /// Where `desired` is not met, as a path like `spec.template.spec.containers[app].image`; nil when it is all there.
  static func firstDifference(desired: JSONValue, observed: JSONValue) -> String? {
    difference(desired, observed, path: [])?.joined()
  }

  /// In order of preference; a list is matched by the first that all its items have and that tells them apart.
  private static let listKeys = [
    "name", "containerPort", "port", "mountPath", "devicePath", "key", "uid", "ip", "type",
  ]

  private static func difference(_ desired: JSONValue, _ observed: JSONValue?, path: [String]) -> [String]? {
    switch (desired, observed) {
    case (.null, _): return nil
    case (.object(let wanted), .object(let present)?):
      for (key, value) in wanted.sorted(by: { $0.key < $1.key }) {
        let step = path.isEmpty ? key : "." + key
        if let found = difference(value, present[key], path: path + [step]) { return found }
      }
      return nil
    // The server drops empty maps and lists; asking for none is met by having none.
    case (.object(let wanted), nil):
      return wanted.values.allSatisfy { $0.isNull } ? nil : path
    case (.array(let wanted), nil): return wanted.isEmpty ? nil : path
    // So it does with zero, false and "" in most fields (`omitempty`), but not in maps that people fill.
    case (.integer(0), nil), (.bool(false), nil): return nil
    case (.string(""), nil): return isEntryOfUsersMap(path) ? path : nil
    case (.array(let wanted), .array(let present)?):
      return listDifference(wanted, present, path: path)
    case (let wanted, let present?):
      return equalScalars(wanted, present) ? nil : path
    default: return path
    }
  }

  /// Labels, annotations and the data of a ConfigMap or Secret keep empty values.
  private static func isEntryOfUsersMap(_ path: [String]) -> Bool {
    let maps: Set = [".labels", ".annotations", ".matchLabels", ".nodeSelector", "data", "binaryData"]
    return path.dropLast().last.map { maps.contains($0) } ?? false
  }

  private static func listDifference(_ wanted: [JSONValue], _ present: [JSONValue], path: [String]) -> [String]? {
    if path.last == ".finalizers" {
      return wanted.allSatisfy { present.contains($0) } ? nil : path
    }
    guard let key = matchingKey(wanted, present) else {
      guard wanted.count == present.count else { return path }
      for (index, value) in wanted.enumerated() {
        if let found = difference(value, present[index], path: path + ["[\(index)]"]) { return found }
      }
      return nil
    }
    for value in wanted {
      guard let identity = value[key] else { return path }
      let step = "[\(identity.stringValue ?? identity.serializedString())]"
      guard let counterpart = present.first(where: { $0[key] == identity && sameProtocol(value, $0) }) else {
        return path + [step]
      }
      if let found = difference(value, counterpart, path: path + [step]) { return found }
    }
    return nil
  }

  private static func matchingKey(_ wanted: [JSONValue], _ present: [JSONValue]) -> String? {
    guard !wanted.isEmpty, wanted.allSatisfy({ $0.objectValue != nil }) else { return nil }
    return listKeys.first { key in
      let identities = wanted.map { ($0[key], $0["protocol"]) }
      guard identities.allSatisfy({ $0.0 != nil }), present.allSatisfy({ $0[key] != nil }) else { return false }
      let texts = identities.map { "\($0.0?.serializedString() ?? "")/\($0.1?.stringValue ?? "TCP")" }
      return Set(texts).count == texts.count
    }
  }

  /// Ports are told apart by number and protocol together; TCP is the API's default.
  private static func sameProtocol(_ left: JSONValue, _ right: JSONValue) -> Bool {
    (left["protocol"]?.stringValue ?? "TCP") == (right["protocol"]?.stringValue ?? "TCP")
  }

  private static func equalScalars(_ wanted: JSONValue, _ present: JSONValue) -> Bool {
    if wanted == present { return true }
    if let left = wanted.doubleValue, let right = present.doubleValue { return left == right }
    // "1000m" is stored as "1", "1.0" as 1; the server keeps the canonical form of a quantity.
    guard let left = quantityText(wanted), let right = quantityText(present) else { return false }
    guard let left = try? Quantity(parsing: left), let right = try? Quantity(parsing: right) else { return false }
    return left == right
  }

  private static func quantityText(_ value: JSONValue) -> String? {
    switch value {
    case .string(let text): text
    case .integer(let number): String(number)
    case .double(let number): String(number)
    default: nil
    }
  }
}
