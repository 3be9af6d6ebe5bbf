import KubernetesModels

/// Strategic merge patch: a merge patch in which lists of objects merge by a key and directives say the rest.
///
/// Directives (apimachinery strategicpatch): `$patch: replace|delete|merge`, `$retainKeys`, `$deleteFromPrimitiveList/<field>`,
/// `$setElementOrder/<field>`.
enum StrategicMerge {
  private static let deletePrefix = "$deleteFromPrimitiveList/"
  private static let orderPrefix = "$setElementOrder/"

  static func object(_ patch: JSONValue, into target: JSONValue, _ schema: SchemaNode?) throws -> JSONValue {
    guard case .object(var changes) = patch else { return patch }
    if let directive = changes.removeValue(forKey: "$patch") {
      switch directive.stringValue {
      case "replace"?: return .object(changes)
      case "delete"?: return .object([:])
      case "merge"?: break
      default: throw PatchError.malformed("unknown patch type found in map: \(directive.serializedString())")
      }
    }
    var fields = target.objectValue ?? [:]
    if let retained = changes.removeValue(forKey: "$retainKeys") {
      guard let names = retained.arrayValue?.compactMap(\.stringValue) else {
        throw PatchError.malformed("$retainKeys must be a list of field names")
      }
      fields = fields.filter { names.contains($0.key) }
    }
    for (name, values) in changes where name.hasPrefix(deletePrefix) {
      let field = String(name.dropFirst(deletePrefix.count))
      let doomed = Set(values.arrayValue ?? [])
      if let current = fields[field]?.arrayValue { fields[field] = .array(current.filter { !doomed.contains($0) }) }
    }
    for (name, change) in changes where !name.hasPrefix("$") {
      let child = schema?.child(name)
      let order = changes[orderPrefix + name]?.arrayValue
      fields[name] = try merged(change, into: fields[name], child, order: order, field: name)
    }
    // An order may come without changes to the list itself.
    for (name, order) in changes where name.hasPrefix(orderPrefix) {
      let field = String(name.dropFirst(orderPrefix.count))
      guard changes[field] == nil, let current = fields[field]?.arrayValue else { continue }
      let key = schema?.child(field)?.mergeKey
      fields[field] = .array(sorted(current, by: order.arrayValue ?? [], server: current, key: key))
    }
    return .object(fields)
  }

  private static func merged(
    _ change: JSONValue, into current: JSONValue?, _ schema: SchemaNode?, order: [JSONValue]?, field: String
  ) throws -> JSONValue? {
    switch change {
    case .null: return nil
    case .object(let changes):
      if schema?.patchStrategies.contains("replace") == true { return change }
      if changes["$patch"] == "delete" { return nil }
      return try object(change, into: current ?? .object([:]), schema)
    case .array(let elements):
      guard schema?.patchStrategies.contains("merge") == true else {
        return .array(elements.filter { $0["$patch"] == nil })
      }
      let server = current?.arrayValue ?? []
      let key = schema?.mergeKey
      let result =
        if let key {
          try objects(elements, into: server, key: key, schema?.resolved.items, field: field)
        } else {
          server + elements.filter { !server.contains($0) }
        }
      guard let result else { return .array(elements.filter { $0["$patch"] == nil }) }
      guard let order else { return .array(result) }
      return .array(sorted(result, by: order, server: server, key: key))
    default: return change
    }
  }

  /// Merges entries by key; nil when a `$patch: replace` entry asks for the patch's list as it is.
  private static func objects(
    _ changes: [JSONValue], into server: [JSONValue], key: String, _ items: SchemaNode?, field: String
  ) throws -> [JSONValue]? {
    if changes.contains(where: { $0["$patch"] == "replace" }) { return nil }
    var result = server
    for change in changes {
      guard let identity = change[key] else {
        throw PatchError.malformed(
          "map: \(change.serializedString()) does not contain declared merge key: \(key)")
      }
      let index = result.firstIndex { $0[key] == identity }
      if change["$patch"] == "delete" {
        result.removeAll { $0[key] == identity }
      } else if let index {
        result[index] = try object(change, into: result[index], items)
      } else {
        result.append(try object(change, into: .object([:]), items))
      }
    }
    return result
  }

  /// Entries named by the patch come in its order; the server's other entries keep their place relative to their neighbours.
  private static func sorted(
    _ elements: [JSONValue], by order: [JSONValue], server: [JSONValue], key: String?
  ) -> [JSONValue] {
    func identity(_ element: JSONValue) -> JSONValue { key.flatMap { element[$0] } ?? element }
    let position = Dictionary(
      order.enumerated().map { (identity($0.element), $0.offset) }, uniquingKeysWith: { first, _ in first })
    let named = elements.filter { position[identity($0)] != nil }
      .sorted { (position[identity($0)] ?? 0) < (position[identity($1)] ?? 0) }
    let others = elements.filter { position[identity($0)] == nil }
    let serverPosition = Dictionary(
      server.enumerated().map { (identity($0.element), $0.offset) }, uniquingKeysWith: { first, _ in first })
    var result: [JSONValue] = []
    var nextOther = others.startIndex
    for element in named {
      while nextOther < others.endIndex,
        let mine = serverPosition[identity(others[nextOther])],
        let its = serverPosition[identity(element)], mine < its
      {
        result.append(others[nextOther])
        nextOther += 1
      }
      result.append(element)
    }
    return result + others[nextOther...]
  }
}

extension SchemaNode {
  /// The field that tells entries of a list apart in a strategic merge patch.
  fileprivate var mergeKey: String? { patchMergeKey ?? resolved.patchMergeKey }
}
