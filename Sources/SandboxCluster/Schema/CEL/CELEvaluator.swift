/// Walks an expression. Every step costs, and a rule that costs too much is stopped.
struct CELEvaluator {
  /// About what a real API server lets one rule cost.
  static let costLimit = 1_000_000

  private var variables: [String: CELValue]
  private(set) var cost = 0

  init(variables: [String: CELValue]) {
    self.variables = variables
  }

  mutating func evaluate(_ expression: CELExpression) throws(CELError) -> CELValue {
    try charge(1)
    switch expression {
    case .literal(let value): return value
    case .identifier(let name): return try identifier(name)
    case .select(let operand, let field, let isOptional):
      if let type = Self.qualifiedType(expression), !isOptional { return .type(type) }
      return try select(try evaluate(operand), field, isOptional: isOptional)
    case .has(let operand, let field): return try has(try evaluate(operand), field)
    case .index(let operand, let index, let isOptional):
      return try self.index(try evaluate(operand), try evaluate(index), isOptional: isOptional)
    case .call(let name, let target, let arguments): return try call(name, target, arguments)
    case .list(let elements): return try list(elements)
    case .map(let entries): return try map(entries)
    case .not(let operand):
      guard case .bool(let value) = try evaluate(operand) else { throw .noOverload("!_") }
      return .bool(!value)
    case .negate(let operand): return try CELOperators.negate(try evaluate(operand))
    case .binary(let symbol, let left, let right):
      let left = try evaluate(left)
      let right = try evaluate(right)
      try charge(Self.weight(left) / 10 + Self.weight(right) / 10)
      return try CELOperators.binary(symbol, left, right)
    case .and(let left, let right): return try logical(left, right, decisive: false)
    case .or(let left, let right): return try logical(left, right, decisive: true)
    case .conditional(let condition, let yes, let no):
      guard case .bool(let value) = try evaluate(condition) else { throw .noOverload("_?_:_") }
      return try evaluate(value ? yes : no)
    case .comprehension(let macro, let range, let variable, let filter, let body):
      return try comprehension(macro, try evaluate(range), variable, filter, body)
    case .bind(let name, let value, let body):
      return try with(name, try evaluate(value), body)
    case .optionalMap(let operand, let variable, let body, let flattens):
      guard case .optional(let value) = try evaluate(operand) else { throw .noOverload("optMap") }
      guard let value else { return .optional(nil) }
      let result = try with(variable, value, body)
      return flattens ? result : .optional(result)
    }
  }

  private mutating func charge(_ units: Int) throws(CELError) {
    cost += units
    guard cost <= Self.costLimit else { throw CELError("operation cancelled: actual cost limit exceeded") }
  }

  private static func weight(_ value: CELValue) -> Int {
    switch value {
    case .string(let text): text.utf8.count
    case .bytes(let bytes): bytes.count
    case .list(let elements): elements.count * 10
    default: 0
    }
  }

  private mutating func with(_ name: String, _ value: CELValue, _ body: CELExpression) throws(CELError) -> CELValue {
    let outer = variables[name]
    variables[name] = value
    defer { variables[name] = outer }
    return try evaluate(body)
  }

  static let typeNames: Set<String> = [
    "bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type", "optional_type",
  ]

  private func identifier(_ name: String) throws(CELError) -> CELValue {
    if let value = variables[name] { return value }
    if Self.typeNames.contains(name) { return .type(name) }
    throw CELError("no such attribute: \(name)")
  }

  /// `google.protobuf.Timestamp` and `Duration`.
  static func qualifiedType(_ expression: CELExpression) -> String? {
    guard case .select(.select(.identifier("google"), "protobuf", _), let name, _) = expression else { return nil }
    return "google.protobuf.\(name)"
  }

  private func select(_ operand: CELValue, _ field: String, isOptional: Bool) throws(CELError) -> CELValue {
    switch operand {
    case .map(let entries):
      if isOptional { return .optional(entries[.string(field)]) }
      guard let value = entries[.string(field)] else { throw CELError("no such key: \(field)") }
      return value
    case .optional(let value):
      guard let value else { return .optional(nil) }
      let found = try? select(value, field, isOptional: true)
      if case .optional(let inner)? = found { return .optional(inner) }
      return .optional(nil)
    default: throw CELError("no such overload: \(operand.typeName).\(field)")
    }
  }

  private func has(_ operand: CELValue, _ field: String) throws(CELError) -> CELValue {
    switch operand {
    case .map(let entries): return .bool(entries[.string(field)] != nil)
    case .optional(let value):
      guard let value else { return .bool(false) }
      return try has(value, field)
    default: throw CELError("no such overload: has(\(operand.typeName).\(field))")
    }
  }

  private func index(_ operand: CELValue, _ index: CELValue, isOptional: Bool) throws(CELError) -> CELValue {
    switch operand {
    case .list(let elements):
      let position: Int64? =
        switch index {
        case .int(let value): value
        case .uint(let value): Int64(exactly: value)
        case .double(let value): Int64(exactly: value)
        default: nil
        }
      guard let position else { throw .noOverload("list[\(index.typeName)]") }
      let isInside = position >= 0 && position < elements.count
      if isOptional { return .optional(isInside ? elements[Int(position)] : nil) }
      guard isInside else { throw CELError("index out of bounds: \(position)") }
      return elements[Int(position)]
    case .map(let entries):
      guard let key = CELKey(index) else { throw .noOverload("map[\(index.typeName)]") }
      if isOptional { return .optional(entries[key]) }
      guard let value = entries[key] else { throw CELError("no such key: \(CELConversions.text(index) ?? "")") }
      return value
    case .optional(let value):
      guard let value else { return .optional(nil) }
      return try self.index(value, index, isOptional: true)
    default: throw .noOverload("\(operand.typeName)[\(index.typeName)]")
    }
  }

  private mutating func call(
    _ name: String, _ target: CELExpression?, _ arguments: [CELExpression]
  ) throws(CELError) -> CELValue {
    // `optional.of(x)` and its kin, and other names in a namespace, have no receiver.
    if let target, case .identifier(let space) = target, CELFunctions.namespaces.contains(space),
      variables[space] == nil
    {
      return try call("\(space).\(name)", nil, arguments)
    }
    if name == "orValue" || name == "or", let target, arguments.count == 1,
      case .optional(let value) = try evaluate(target)
    {
      if let value { return name == "orValue" ? value : .optional(value) }
      return try evaluate(arguments[0])
    }
    var values: [CELValue] = []
    if let target { values.append(try evaluate(target)) }
    for argument in arguments { values.append(try evaluate(argument)) }
    try charge(values.reduce(0) { $0 + Self.weight($1) / 10 })
    return try CELFunctions.call(name, isMember: target != nil, values)
  }

  private mutating func list(_ elements: [(value: CELExpression, isOptional: Bool)]) throws(CELError) -> CELValue {
    var values: [CELValue] = []
    for element in elements {
      let value = try evaluate(element.value)
      if element.isOptional {
        guard case .optional(let inner) = value else { throw .noOverload("[?_]") }
        if let inner { values.append(inner) }
      } else {
        values.append(value)
      }
    }
    return .list(values)
  }

  private mutating func map(
    _ entries: [(key: CELExpression, value: CELExpression, isOptional: Bool)]
  ) throws(CELError) -> CELValue {
    var result: [CELKey: CELValue] = [:]
    for entry in entries {
      guard let key = CELKey(try evaluate(entry.key)) else { throw CELError("unsupported key type") }
      let value = try evaluate(entry.value)
      guard result[key] == nil else { throw CELError("Failed with repeated key") }
      if entry.isOptional {
        guard case .optional(let inner) = value else { throw .noOverload("{?_:_}") }
        if let inner { result[key] = inner }
      } else {
        result[key] = value
      }
    }
    return .map(result)
  }

  /// `&&` and `||`: a side that decides wins even when the other side fails.
  private mutating func logical(
    _ left: CELExpression, _ right: CELExpression, decisive: Bool
  ) throws(CELError) -> CELValue {
    var failure: CELError?
    for side in [left, right] {
      do throws(CELError) {
        guard case .bool(let value) = try evaluate(side) else { throw CELError.noOverload(decisive ? "_||_" : "_&&_") }
        if value == decisive { return .bool(decisive) }
      } catch {
        if cost > Self.costLimit { throw error }
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    return .bool(!decisive)
  }

  private mutating func comprehension(
    _ macro: CELExpression.Macro, _ range: CELValue, _ variable: String, _ filter: CELExpression?, _ body: CELExpression
  ) throws(CELError) -> CELValue {
    let elements: [CELValue]
    switch range {
    case .list(let values): elements = values
    case .map(let entries): elements = entries.keys.sorted().map(\.value)
    default: throw .noOverload("\(range.typeName).\(macro.rawValue)()")
    }
    let outer = variables[variable]
    defer { variables[variable] = outer }
    var failure: CELError?
    var matches = 0
    var results: [CELValue] = []
    for element in elements {
      variables[variable] = element
      try charge(1)
      if let filter {
        guard case .bool(let keeps) = try evaluate(filter) else { throw .noOverload("map filter") }
        if !keeps { continue }
      }
      do throws(CELError) {
        let value = try evaluate(body)
        if macro == .map {
          results.append(value)
          continue
        }
        guard case .bool(let holds) = value else { throw CELError.noOverload(macro.rawValue) }
        switch macro {
        case .all where !holds: return .bool(false)
        case .exists where holds: return .bool(true)
        case .exists_one where holds: matches += 1
        case .filter where holds: results.append(element)
        default: break
        }
      } catch {
        // Only all() and exists() can still be decided by another element.
        guard macro == .all || macro == .exists, cost <= Self.costLimit else { throw error }
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    switch macro {
    case .all: return .bool(true)
    case .exists: return .bool(false)
    case .exists_one: return .bool(matches == 1)
    case .filter, .map: return .list(results)
    }
  }
}
