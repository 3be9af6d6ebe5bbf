import KubernetesModels

/// What the API server knows about the shape of one kind: defaulting, pruning, validation, and how lists merge.
///
/// Made from a CustomResourceDefinition's `openAPIV3Schema`, or for built-in kinds by ``BuiltinSchemaRegistry``.
struct StructuralSchema: Sendable {
  let root: SchemaNode

  /// - Parameters:
  ///   - openAPIV3: the schema of the whole object.
  ///   - definitions: what `$ref`s in it point to; given only for types that are Go structs in a real API server.
  init(openAPIV3 schema: JSONValue, definitions: SchemaDefinitions? = nil) {
    root = SchemaNode(schema, definitions: definitions)
  }

  init(root: SchemaNode) {
    self.root = root
  }

  /// Errors in the CEL rules of this schema, by schema path; a CRD with any must not be stored.
  func ruleErrors() -> [FieldError] {
    var errors: [FieldError] = []
    Self.collectRuleErrors(root, path: "openAPIV3Schema", depth: 0, into: &errors)
    return errors
  }

  private static func collectRuleErrors(_ node: SchemaNode, path: String, depth: Int, into errors: inout [FieldError]) {
    guard depth < 64, !node.isGoType else { return }
    for (index, rule) in node.rules.enumerated() {
      if let problem = rule.problem(for: node, isResource: depth == 0) {
        let rulePath = "\(path).x-kubernetes-validations[\(index)].rule"
        errors.append(.invalid(rulePath, .string(rule.text), "compilation failed: \(problem)"))
      }
    }
    if let pattern = node.bounds.pattern, node.bounds.compiledPattern == nil {
      errors.append(.invalid("\(path).pattern", .string(pattern), "must be a valid regular expression"))
    }
    for (name, child) in node.properties.sorted(by: { $0.key < $1.key }) {
      collectRuleErrors(child, path: "\(path).properties[\(name)]", depth: depth + 1, into: &errors)
    }
    if let items = node.items {
      collectRuleErrors(items, path: "\(path).items", depth: depth + 1, into: &errors)
    }
    if case .schema(let schema) = node.additional {
      collectRuleErrors(schema, path: "\(path).additionalProperties", depth: depth + 1, into: &errors)
    }
  }
}

extension JSONValue {
  /// Equal as JSON data: `1` and `1.0` are the same number.
  func isEquivalent(to other: JSONValue) -> Bool {
    switch (self, other) {
    case (.integer(let a), .double(let b)), (.double(let b), .integer(let a)): Double(a) == b
    case (.array(let a), .array(let b)):
      a.count == b.count && zip(a, b).allSatisfy { $0.isEquivalent(to: $1) }
    case (.object(let a), .object(let b)):
      a.count == b.count && a.allSatisfy { key, value in b[key].map(value.isEquivalent(to:)) ?? false }
    default: self == other
    }
  }
}
