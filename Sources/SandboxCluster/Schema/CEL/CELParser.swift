/// Recursive descent over the grammar of the language definition; macros are expanded here.
struct CELParser {
  private let tokens: [(token: CELToken, offset: Int)]
  private var position = 0
  private var depth = 0
  private static let deepest = 200

  /// - Throws: `CELError` with the offset of the first token that does not fit.
  static func parse(_ text: String) throws(CELError) -> CELExpression {
    var parser = CELParser(tokens: try CELLexer.tokens(of: text))
    let expression = try parser.expression()
    guard parser.peek == .end else { throw parser.unexpected() }
    return expression
  }

  private init(tokens: [(token: CELToken, offset: Int)]) {
    self.tokens = tokens
  }

  private var peek: CELToken { tokens[position].token }
  private var offset: Int { tokens[position].offset }

  private func unexpected() -> CELError {
    let text =
      switch peek {
      case .end: "<EOF>"
      case .symbol(let text), .identifier(let text), .quotedIdentifier(let text): "'\(text)'"
      case .int, .uint, .double: "number"
      case .string, .bytes: "string"
      }
    return CELError("Syntax error: unexpected \(text) at position \(offset + 1)", at: offset)
  }

  private mutating func take(_ symbol: String) -> Bool {
    guard peek == .symbol(symbol) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ symbol: String) throws(CELError) {
    guard take(symbol) else { throw unexpected() }
  }

  private mutating func expression() throws(CELError) -> CELExpression {
    depth += 1
    defer { depth -= 1 }
    guard depth < Self.deepest else { throw CELError("expression nests too deeply", at: offset) }
    let condition = try disjunction()
    guard take("?") else { return condition }
    let yes = try disjunction()
    try expect(":")
    return .conditional(condition, yes, try expression())
  }

  private mutating func disjunction() throws(CELError) -> CELExpression {
    var left = try conjunction()
    while take("||") { left = .or(left, try conjunction()) }
    return left
  }

  private mutating func conjunction() throws(CELError) -> CELExpression {
    var left = try relation()
    while take("&&") { left = .and(left, try relation()) }
    return left
  }

  private mutating func relation() throws(CELError) -> CELExpression {
    var left = try sum()
    while true {
      switch peek {
      case .symbol(let symbol) where ["<", "<=", ">", ">=", "==", "!="].contains(symbol):
        position += 1
        left = .binary(symbol, left, try sum())
      case .identifier("in"):
        position += 1
        left = .binary("in", left, try sum())
      default: return left
      }
    }
  }

  private mutating func sum() throws(CELError) -> CELExpression {
    var left = try product()
    while case .symbol(let symbol) = peek, symbol == "+" || symbol == "-" {
      position += 1
      left = .binary(symbol, left, try product())
    }
    return left
  }

  private mutating func product() throws(CELError) -> CELExpression {
    var left = try unary()
    while case .symbol(let symbol) = peek, ["*", "/", "%"].contains(symbol) {
      position += 1
      left = .binary(symbol, left, try unary())
    }
    return left
  }

  private mutating func unary() throws(CELError) -> CELExpression {
    depth += 1
    defer { depth -= 1 }
    guard depth < Self.deepest else { throw CELError("expression nests too deeply", at: offset) }
    if take("!") { return .not(try unary()) }
    if peek == .symbol("-") {
      position += 1
      switch peek {
      case .int(let value):
        guard value <= UInt64(Int64.max) + 1 else { throw CELError("Syntax error: invalid int literal", at: offset) }
        position += 1
        return try members(of: .literal(.int(Int64(bitPattern: 0 &- value))))
      case .double(let value):
        position += 1
        return try members(of: .literal(.double(-value)))
      default: return .negate(try unary())
      }
    }
    return try members(of: try primary())
  }

  private mutating func members(of primary: CELExpression) throws(CELError) -> CELExpression {
    var expression = primary
    while true {
      if take(".") {
        let isOptional = take("?")
        let start = offset
        switch peek {
        case .quotedIdentifier(let name):
          position += 1
          expression = .select(expression, field: name, isOptional: isOptional)
        case .identifier(let name):
          position += 1
          if !isOptional, take("(") {
            expression = try call(name, target: expression, try arguments(until: ")"), at: start)
          } else {
            expression = .select(expression, field: Self.unescaped(name), isOptional: isOptional)
          }
        default: throw unexpected()
        }
      } else if take("[") {
        let isOptional = take("?")
        expression = .index(expression, try self.expression(), isOptional: isOptional)
        try expect("]")
      } else {
        return expression
      }
    }
  }

  private mutating func arguments(until end: String) throws(CELError) -> [CELExpression] {
    var arguments: [CELExpression] = []
    while !take(end) {
      if !arguments.isEmpty {
        try expect(",")
        if take(end) { break }
      }
      arguments.append(try expression())
    }
    return arguments
  }

  private mutating func primary() throws(CELError) -> CELExpression {
    let start = offset
    switch peek {
    case .int(let value):
      guard let number = Int64(exactly: value) else { throw CELError("Syntax error: invalid int literal", at: start) }
      position += 1
      return .literal(.int(number))
    case .uint(let value): position += 1; return .literal(.uint(value))
    case .double(let value): position += 1; return .literal(.double(value))
    case .string(let value): position += 1; return .literal(.string(value))
    case .bytes(let value): position += 1; return .literal(.bytes(value))
    case .identifier(let name):
      position += 1
      switch name {
      case "true": return .literal(.bool(true))
      case "false": return .literal(.bool(false))
      case "null": return .literal(.null)
      case "in": throw CELError("Syntax error: unexpected 'in' at position \(start + 1)", at: start)
      default:
        guard take("(") else { return .identifier(name) }
        return try call(name, target: nil, try arguments(until: ")"), at: start)
      }
    case .symbol("."):
      position += 1
      return try primary()
    case .symbol("("):
      position += 1
      let inner = try expression()
      try expect(")")
      return inner
    case .symbol("["):
      position += 1
      return try list()
    case .symbol("{"):
      position += 1
      return try map()
    default: throw unexpected()
    }
  }

  private mutating func list() throws(CELError) -> CELExpression {
    var elements: [(CELExpression, Bool)] = []
    while !take("]") {
      if !elements.isEmpty {
        try expect(",")
        if take("]") { break }
      }
      let isOptional = take("?")
      elements.append((try expression(), isOptional))
    }
    return .list(elements)
  }

  private mutating func map() throws(CELError) -> CELExpression {
    var entries: [(CELExpression, CELExpression, Bool)] = []
    while !take("}") {
      if !entries.isEmpty {
        try expect(",")
        if take("}") { break }
      }
      let isOptional = take("?")
      let key = try expression()
      try expect(":")
      entries.append((key, try expression(), isOptional))
    }
    return .map(entries)
  }

  // MARK: Macros

  private func call(
    _ name: String, target: CELExpression?, _ arguments: [CELExpression], at start: Int
  ) throws(CELError) -> CELExpression {
    guard let target else {
      guard name == "has" else { return .call(name, target: nil, arguments) }
      guard arguments.count == 1, case .select(let operand, let field, false) = arguments[0] else {
        throw CELError("invalid argument to has() macro at position \(start + 1)", at: start)
      }
      return .has(operand, field: field)
    }
    func variable() throws(CELError) -> String {
      guard case .identifier(let name) = arguments[0] else {
        throw CELError("argument must be a simple name at position \(start + 1)", at: start)
      }
      return name
    }
    if case .identifier("cel") = target, name == "bind", arguments.count == 3 {
      return .bind(try variable(), arguments[1], body: arguments[2])
    }
    switch (name, arguments.count) {
    case ("all", 2), ("exists", 2), ("exists_one", 2), ("existsOne", 2), ("filter", 2), ("map", 2):
      let macro = CELExpression.Macro(rawValue: name == "existsOne" ? "exists_one" : name) ?? .all
      return .comprehension(macro, range: target, variable: try variable(), filter: nil, body: arguments[1])
    case ("map", 3):
      return .comprehension(
        .map, range: target, variable: try variable(), filter: arguments[1], body: arguments[2])
    case ("optMap", 2), ("optFlatMap", 2):
      return .optionalMap(
        target, variable: try variable(), body: arguments[1], flattens: name == "optFlatMap")
    default: return .call(name, target: target, arguments)
    }
  }

  /// Property names that are no identifiers are written with escapes (Kubernetes CRD validation rules, "Escaping").
  static func unescaped(_ name: String) -> String {
    guard name.contains("__") else { return name }
    var inner = name
    if name.hasPrefix("__"), name.hasSuffix("__"), name.count > 4 {
      let word = String(name.dropFirst(2).dropLast(2))
      if reserved.contains(word) { return word }
    }
    for (escape, text) in [("__dot__", "."), ("__dash__", "-"), ("__slash__", "/"), ("__underscores__", "__")] {
      inner = inner.replacing(escape, with: text)
    }
    return inner
  }

  private static let reserved: Set<String> = [
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let",
    "loop", "package", "namespace", "return", "var", "void", "while",
  ]
}
