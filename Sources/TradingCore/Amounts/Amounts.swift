/// A price in integer points: the last decimal digit that the instrument is quoted in.
///
/// Points mean nothing without the instrument: 108512 points are 1.08512 for EURUSD (5 digits).
public struct Price: Sendable, Hashable, Comparable, Codable {
  /// Count of points.
  public let points: Int64

  public init(points: Int64) { self.points = points }

  /// The prices that the core computes with. Beyond them a feed is broken, and products would outgrow 128 bits.
  public static let valid: ClosedRange<Int64> = 1...1_000_000_000

  /// Whether the price is one that can be traded at.
  public var isValid: Bool { Self.valid.contains(points) }

  public init(from decoder: any Decoder) throws { points = try decoder.singleValueContainer().decode(Int64.self) }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(points)
  }

  public static func < (left: Price, right: Price) -> Bool { left.points < right.points }
}

/// A traded volume in integer hundredths of a lot, the smallest volume that any instrument trades.
public struct Volume: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Count of hundredths of a lot: 10 is 0.10 lots.
  public let hundredths: Int64

  public init(hundredths: Int64) { self.hundredths = hundredths }

  /// Reads decimal lots such as "0.10".
  public init(parsing text: String) throws(DecimalText.ParseError) {
    hundredths = try DecimalText.parse(text, fractionDigits: 2)
  }

  /// Decimal lots with two fraction digits.
  public var description: String { DecimalText.format(hundredths, fractionDigits: 2) }

  public static func < (left: Volume, right: Volume) -> Bool { left.hundredths < right.hundredths }
}
