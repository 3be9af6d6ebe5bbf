/// A field that takes a number or a text, such as a port (80 or "http") or a share (1 or "25%").
public enum IntOrString: Sendable, Hashable {
  case int(Int)
  case string(String)

  /// The number; nil for a text.
  public var intValue: Int? {
    if case .int(let value) = self { return value }
    return nil
  }

  /// The text; nil for a number.
  public var stringValue: String? {
    if case .string(let value) = self { return value }
    return nil
  }

  /// The number, or the text's percentage of `total`, rounded as asked (deployments round surge up and unavailable
  /// down). Nil for a text that is no percentage.
  public func scaled(of total: Int, roundingUp: Bool) -> Int? {
    switch self {
    case .int(let value):
      return value
    case .string(let text):
      guard text.hasSuffix("%"), let percent = Int(text.dropLast()) else { return nil }
      let product = percent * total
      return roundingUp ? (product + 99) / 100 : product / 100
    }
  }
}

extension IntOrString: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, CustomStringConvertible {
  public init(integerLiteral value: Int) { self = .int(value) }
  public init(stringLiteral value: String) { self = .string(value) }

  public var description: String {
    switch self {
    case .int(let value): return "\(value)"
    case .string(let value): return value
    }
  }
}

extension IntOrString: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Int.self) {
      self = .int(number)
    } else {
      self = .string(try container.decode(String.self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .int(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    }
  }
}
