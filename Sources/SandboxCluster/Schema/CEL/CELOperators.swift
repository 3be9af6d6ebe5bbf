/// Arithmetic and comparison; integer overflow is an error, never a wrap.
enum CELOperators {
  static func negate(_ value: CELValue) throws(CELError) -> CELValue {
    switch value {
    case .int(let number):
      guard number != .min else { throw CELError("integer overflow") }
      return .int(-number)
    case .double(let number): return .double(-number)
    default: throw .noOverload("-_")
    }
  }

  static func binary(_ symbol: String, _ left: CELValue, _ right: CELValue) throws(CELError) -> CELValue {
    switch symbol {
    case "==": return .bool(left.isEqual(to: right))
    case "!=": return .bool(!left.isEqual(to: right))
    case "in": return .bool(try contains(left, right))
    case "<", "<=", ">", ">=":
      guard let order = left.compare(with: right) else {
        throw .noOverload("\(left.typeName) \(symbol) \(right.typeName)")
      }
      switch symbol {
      case "<": return .bool(order < 0)
      case "<=": return .bool(order <= 0)
      case ">": return .bool(order > 0)
      default: return .bool(order >= 0)
      }
    default: return try arithmetic(symbol, left, right)
    }
  }

  private static func contains(_ element: CELValue, _ container: CELValue) throws(CELError) -> Bool {
    switch container {
    case .list(let elements): return elements.contains { $0.isEqual(to: element) }
    case .map(let entries): return CELKey(element).map { entries[$0] != nil } ?? false
    default: throw .noOverload("\(element.typeName) in \(container.typeName)")
    }
  }

  private static func arithmetic(_ symbol: String, _ left: CELValue, _ right: CELValue) throws(CELError) -> CELValue {
    switch (left, right) {
    case (.int(let a), .int(let b)): return .int(try integer(symbol, a, b, name: "integer"))
    case (.uint(let a), .uint(let b)): return .uint(try integer(symbol, a, b, name: "unsigned integer"))
    case (.double(let a), .double(let b)):
      switch symbol {
      case "+": return .double(a + b)
      case "-": return .double(a - b)
      case "*": return .double(a * b)
      case "/": return .double(a / b)
      default: break
      }
    case (.string(let a), .string(let b)) where symbol == "+": return .string(a + b)
    case (.bytes(let a), .bytes(let b)) where symbol == "+": return .bytes(a + b)
    case (.list(let a), .list(let b)) where symbol == "+": return .list(a + b)
    case (.timestamp(let a), .duration(let b)):
      if symbol == "+" { return .timestamp(a + b) }
      if symbol == "-" { return .timestamp(a + CELDuration(nanoseconds: -b.nanoseconds)) }
    case (.duration(let a), .timestamp(let b)) where symbol == "+": return .timestamp(b + a)
    case (.timestamp(let a), .timestamp(let b)) where symbol == "-": return .duration(try a - b)
    case (.duration(let a), .duration(let b)) where symbol == "+" || symbol == "-":
      let total = try integer(symbol, a.nanoseconds, b.nanoseconds, name: "duration")
      return .duration(CELDuration(nanoseconds: total))
    default: break
    }
    throw .noOverload("\(left.typeName) \(symbol) \(right.typeName)")
  }

  private static func integer<T: FixedWidthInteger>(
    _ symbol: String, _ a: T, _ b: T, name: String
  ) throws(CELError) -> T {
    let result: (partialValue: T, overflow: Bool)
    switch symbol {
    case "+": result = a.addingReportingOverflow(b)
    case "-": result = a.subtractingReportingOverflow(b)
    case "*": result = a.multipliedReportingOverflow(by: b)
    case "/":
      guard b != 0 else { throw CELError("division by zero") }
      result = a.dividedReportingOverflow(by: b)
    default:
      guard b != 0 else { throw CELError("modulus by zero") }
      result = a.remainderReportingOverflow(dividingBy: b)
    }
    guard !result.overflow else { throw CELError("\(name) overflow") }
    return result.partialValue
  }
}
