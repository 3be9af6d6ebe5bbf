/// Finds mistakes in a rule that need no value: names nobody declared, functions nobody wrote, fields the schema has not.
struct CELChecker {
  private var scope: [String: SchemaNode?]

  /// - Parameter schema: what `self` and `oldSelf` are; nil leaves fields unchecked.
  static func problem(in expression: CELExpression, schema: SchemaNode?, isResource: Bool) -> CELError? {
    var checker = CELChecker(scope: ["self": schema, "oldSelf": schema])
    checker.isResource = isResource
    do {
      _ = try checker.check(expression)
      return nil
    } catch {
      return error
    }
  }

  private var isResource = false

  private init(scope: [String: SchemaNode?]) {
    self.scope = scope
  }

  /// - Returns: the schema of the value, where it is known.
  private mutating func check(_ expression: CELExpression) throws(CELError) -> SchemaNode? {
    switch expression {
    case .literal: return nil
    case .identifier(let name):
      if let schema = scope[name] { return schema }
      guard CELEvaluator.typeNames.contains(name) else {
        throw CELError("undeclared reference to '\(name)' (in container '')")
      }
      return nil
    case .select(let operand, let field, let isOptional):
      if CELEvaluator.qualifiedType(expression) != nil { return nil }
      let child = try self.field(field, of: operand)
      return isOptional ? nil : child
    case .has(let operand, let field): return try self.field(field, of: operand)
    case .index(let operand, let index, let isOptional):
      let container = try check(operand)?.resolved
      _ = try check(index)
      if isOptional { return nil }
      if let items = container?.items { return items }
      if case .schema(let schema)? = container?.additional { return schema }
      return nil
    case .call(let name, let target, let arguments): return try call(name, target, arguments)
    case .list(let elements):
      for element in elements { _ = try check(element.value) }
      return nil
    case .map(let entries):
      for entry in entries {
        _ = try check(entry.key)
        _ = try check(entry.value)
      }
      return nil
    case .not(let operand), .negate(let operand):
      _ = try check(operand)
      return nil
    case .binary(_, let left, let right), .and(let left, let right), .or(let left, let right):
      _ = try check(left)
      _ = try check(right)
      return nil
    case .conditional(let condition, let yes, let no):
      _ = try check(condition)
      let schema = try check(yes)
      _ = try check(no)
      return schema
    case .comprehension(let macro, let range, let variable, let filter, let body):
      let container = try check(range)
      try with(variable, container?.resolved.items) { (checker) throws(CELError) in
        if let filter { _ = try checker.check(filter) }
        _ = try checker.check(body)
      }
      return macro == .filter ? container : nil
    case .bind(let name, let value, let body):
      let schema = try check(value)
      try with(name, schema) { (checker) throws(CELError) in _ = try checker.check(body) }
      return nil
    case .optionalMap(let operand, let variable, let body, _):
      _ = try check(operand)
      try with(variable, nil) { (checker) throws(CELError) in _ = try checker.check(body) }
      return nil
    }
  }

  private mutating func with(
    _ name: String, _ schema: SchemaNode?, _ body: (inout CELChecker) throws(CELError) -> Void
  ) throws(CELError) {
    let outer = scope[name]
    scope[name] = .some(schema)
    defer { scope[name] = outer }
    try body(&self)
  }

  private mutating func field(_ name: String, of operand: CELExpression) throws(CELError) -> SchemaNode? {
    guard let schema = try check(operand) else { return nil }
    if let child = schema.child(name) { return child }
    if case .identifier("self") = operand, isResource, ["apiVersion", "kind", "metadata"].contains(name) { return nil }
    if schema.allowsUnknownFields || schema.isEmbeddedResource { return nil }
    guard schema.resolved.types == [.object] else { return nil }
    throw CELError("undefined field '\(name)'")
  }

  private mutating func call(
    _ name: String, _ target: CELExpression?, _ arguments: [CELExpression]
  ) throws(CELError) -> SchemaNode? {
    var name = name
    if case .identifier(let space)? = target, CELFunctions.namespaces.contains(space), scope[space] == nil {
      name = "\(space).\(name)"
    } else if let target {
      _ = try check(target)
    }
    guard CELFunctions.names.contains(name) else {
      throw CELError("undeclared reference to '\(name)' (in container '')")
    }
    for argument in arguments { _ = try check(argument) }
    return nil
  }
}
