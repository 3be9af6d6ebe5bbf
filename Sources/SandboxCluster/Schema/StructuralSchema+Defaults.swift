import KubernetesModels

extension StructuralSchema {
  /// Fills in the schema's defaults, parents before children, so that `default: {}` opens a section whose own defaults follow.
  ///
  /// A null in a field that has a default and is not nullable counts as absent (apiextensions PruneNonNullableDefaultedNulls).
  func applyDefaults(to value: inout JSONValue) {
    Self.applyDefaults(to: &value, root)
  }

  private static func applyDefaults(to value: inout JSONValue, _ site: SchemaNode) {
    let node = site.resolved
    switch value {
    case .object(var fields):
      value = .null  // keeps the storage unique while it is edited
      for (name, child) in node.properties {
        if let current = fields[name], !(current.isNull && !child.nullable && child.defaultValue != nil) { continue }
        if let fallback = child.usableDefault { fields[name] = fallback }
      }
      for (name, child) in node.properties where fields[name] != nil {
        applyDefaults(to: &fields[name, default: .null], child)
      }
      if case .schema(let schema) = node.additional {
        for name in fields.keys where node.properties[name] == nil {
          if fields[name]?.isNull == true, !schema.nullable, let fallback = schema.usableDefault {
            fields[name] = fallback
          }
          applyDefaults(to: &fields[name, default: .null], schema)
        }
      }
      value = .object(fields)
    case .array(var elements):
      guard let items = node.items else { return }
      value = .null
      for index in elements.indices {
        if elements[index].isNull, !items.nullable, let fallback = items.usableDefault { elements[index] = fallback }
        applyDefaults(to: &elements[index], items)
      }
      value = .array(elements)
    default: break
    }
  }
}

extension SchemaNode {
  /// The default, unless it is an artefact of generated documents.
  fileprivate var usableDefault: JSONValue? {
    guard let defaultValue else { return nil }
    if isGoType, [.object([:]), .string(""), .integer(0), .bool(false)].contains(defaultValue) { return nil }
    return defaultValue
  }
}
