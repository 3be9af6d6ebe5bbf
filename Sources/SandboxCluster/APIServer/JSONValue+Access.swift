import KubernetesModels

/// Reading and changing deep places of an object, as the server's rules do all the time.
extension JSONValue {
  func at(_ path: String...) -> JSONValue? { value(at: path) }
  func textAt(_ path: String...) -> String? { value(at: path)?.stringValue }
  func intAt(_ path: String...) -> Int? { value(at: path)?.intValue }
  func boolAt(_ path: String...) -> Bool { value(at: path)?.boolValue ?? false }
  func itemsAt(_ path: String...) -> [JSONValue] { value(at: path)?.arrayValue ?? [] }
  func mapAt(_ path: String...) -> [String: JSONValue] { value(at: path)?.objectValue ?? [:] }

  /// Sets a value where none stands.
  mutating func setDefault(_ value: JSONValue, _ path: String...) {
    if let present = self.value(at: path), !present.isNull { return }
    set(value, at: path)
  }

  /// Changes the value under a key, if there is one.
  mutating func change(_ key: String, _ body: (inout JSONValue) throws -> Void) rethrows {
    guard var value = self[key], !value.isNull else { return }
    try body(&value)
    self[key] = value
  }

  /// Changes each item of the list under a key, if there is one.
  mutating func changeItems(_ key: String, _ body: (inout JSONValue) throws -> Void) rethrows {
    guard var items = self[key]?.arrayValue else { return }
    for index in items.indices { try body(&items[index]) }
    self[key] = .array(items)
  }

  /// Without null members, at any depth: to a typed decoder null and absent are the same.
  var withoutNulls: JSONValue {
    switch self {
    case .object(let members):
      .object(members.filter { !$0.value.isNull }.mapValues(\.withoutNulls))
    case .array(let items): .array(items.map(\.withoutNulls))
    default: self
    }
  }

  var metadataName: String { textAt("metadata", "name") ?? "" }
  var metadataNamespace: String { textAt("metadata", "namespace") ?? "" }
  var metadataUID: String { textAt("metadata", "uid") ?? "" }
  var finalizers: [String] { itemsAt("metadata", "finalizers").compactMap(\.stringValue) }
  var isDeleting: Bool { at("metadata", "deletionTimestamp") != nil }
  var metadataLabels: [String: JSONValue] { mapAt("metadata", "labels") }

  mutating func setFinalizers(_ names: [String]) {
    set(names.isEmpty ? nil : .array(names.map(JSONValue.string)), at: ["metadata", "finalizers"])
  }
}
