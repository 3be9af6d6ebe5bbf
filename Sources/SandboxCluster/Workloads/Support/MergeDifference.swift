import KubernetesModels

/// The RFC 7386 merge patch that turns one JSON value into another.
enum MergeDifference {
  /// Nil when they are equal already: then there is nothing to send.
  static func patch(from old: JSONValue?, to new: JSONValue?) -> JSONValue? {
    let old = old ?? .object([:])
    let new = new ?? .object([:])
    return old == new ? nil : difference(old, new)
  }

  private static func difference(_ old: JSONValue, _ new: JSONValue) -> JSONValue {
    guard case .object(let before) = old, case .object(let after) = new else { return new }
    var patch: [String: JSONValue] = [:]
    for (key, value) in after where before[key] != value {
      patch[key] = before[key].map { difference($0, value) } ?? value
    }
    for key in before.keys where after[key] == nil { patch[key] = .null }
    return .object(patch)
  }
}
