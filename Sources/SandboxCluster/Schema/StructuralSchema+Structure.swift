import KubernetesModels

extension StructuralSchema {
  /// What keeps this from being a structural schema (Kubernetes: "Specifying a structural schema"), by schema path: parts
  /// without a type, and defaults that the schema itself refuses. A CRD with any must not be stored.
  func structureErrors() -> [FieldError] {
    var errors: [FieldError] = []
    Self.collect(root, "openAPIV3Schema", "at the root", depth: 0, into: &errors)
    return errors
  }

  private static func collect(
    _ node: SchemaNode, _ path: String, _ place: String, depth: Int, into errors: inout [FieldError]
  ) {
    guard depth < 64, !node.isGoType else { return }
    if node.types.isEmpty, !node.isIntOrString, !node.preservesUnknownFields {
      errors.append(.required("\(path).type", "must not be empty \(place)"))
    }
    if let value = node.defaultValue {
      var validator = SchemaValidator()
      validator.validate(value, old: nil, against: node, path: "\(path).default")
      errors += validator.errors
    }
    for (name, child) in node.properties.sorted(by: { $0.key < $1.key }) {
      collect(child, "\(path).properties[\(name)]", "for specified object fields", depth: depth + 1, into: &errors)
    }
    if let items = node.items {
      collect(items, "\(path).items", "for specified array items", depth: depth + 1, into: &errors)
    }
    if case .schema(let schema) = node.additional {
      collect(schema, "\(path).additionalProperties", "for specified object fields", depth: depth + 1, into: &errors)
    }
  }
}
