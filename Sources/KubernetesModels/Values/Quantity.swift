/// An amount of a resource, such as "500m" of a CPU or "20Gi" of storage, kept exactly.
///
/// Rules of apimachinery's `resource.Quantity`: nothing finer than a billionth is kept (it is rounded away from zero),
/// and amounts beyond ±(2⁶³-1) become that limit. Two quantities are equal when their amounts are, however written.
public struct Quantity: Sendable {
  /// The family of suffixes that a quantity is written with.
  public enum Format: Sendable {
    /// Powers of 1000: n, u, m, k, M, G, T, P, E.
    case decimal
    /// Powers of 1024: Ki, Mi, Gi, Ti, Pi, Ei.
    case binary
    /// Powers of ten: e3, e6, …
    case exponent
  }

  /// Billionths. The range of amounts needs 94 of the 128 bits, so sums of a few cannot overflow.
  let nanos: Int128
  /// How the quantity was written, and is printed again where that is exact.
  public let format: Format

  static let nanosPerUnit: Int128 = 1_000_000_000
  static let limit: Int128 = Int128(Int64.max) * nanosPerUnit

  init(nanos: Int128, format: Format) {
    self.nanos = min(max(nanos, -Self.limit), Self.limit)
    self.format = format
  }

  public init(_ units: Int, format: Format = .decimal) {
    self.init(nanos: Int128(units) * Self.nanosPerUnit, format: format)
  }

  /// Thousandths, the unit that CPU is counted in.
  public init(milli: Int) {
    self.init(nanos: Int128(milli) * 1_000_000, format: .decimal)
  }

  public static let zero = Quantity(0)

  /// Whole units, rounded away from zero: bytes of memory or storage, counts.
  public var value: Int { Int(divideAwayFromZero(nanos, Self.nanosPerUnit)) }

  /// Thousandths, rounded away from zero and limited to what `Int` holds.
  public var milliValue: Int {
    Int(clamping: divideAwayFromZero(nanos, 1_000_000))
  }

  /// The nearest double, in units.
  public var doubleValue: Double { Double(nanos) / 1e9 }

  public var isZero: Bool { nanos == 0 }
}

func divideAwayFromZero(_ value: Int128, _ divisor: Int128) -> Int128 {
  let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
  return remainder == 0 ? quotient : quotient + remainder.signum()
}

extension Quantity: Hashable, Comparable {
  public static func == (left: Quantity, right: Quantity) -> Bool { left.nanos == right.nanos }
  public static func < (left: Quantity, right: Quantity) -> Bool { left.nanos < right.nanos }
  public func hash(into hasher: inout Hasher) { hasher.combine(nanos) }
}

extension Quantity {
  /// The sum, written as `left` is (as `right` where `left` is zero).
  public static func + (left: Quantity, right: Quantity) -> Quantity {
    Quantity(nanos: left.nanos + right.nanos, format: left.isZero ? right.format : left.format)
  }

  /// The difference, written as `left` is (as `right` where `left` is zero).
  public static func - (left: Quantity, right: Quantity) -> Quantity {
    Quantity(nanos: left.nanos - right.nanos, format: left.isZero ? right.format : left.format)
  }

  public static func += (left: inout Quantity, right: Quantity) { left = left + right }
  public static func -= (left: inout Quantity, right: Quantity) { left = left - right }

  public static prefix func - (value: Quantity) -> Quantity { Quantity(nanos: -value.nanos, format: value.format) }

  /// The product with a whole number, as for `replicas` times a request.
  public static func * (left: Quantity, right: Int) -> Quantity {
    let (product, overflow) = left.nanos.multipliedReportingOverflow(by: Int128(right))
    guard !overflow else {
      let positive = (left.nanos > 0) == (right > 0)
      return Quantity(nanos: positive ? limit : -limit, format: left.format)
    }
    return Quantity(nanos: product, format: left.format)
  }
}

extension Quantity: Codable {
  /// Reads a string or a bare number.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text: String
    if let string = try? container.decode(String.self) {
      text = string
    } else if let number = try? container.decode(Int64.self) {
      text = String(number)
    } else {
      text = try container.decode(Double.self).description
    }
    do {
      try self.init(parsing: text)
    } catch {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(codingPath: decoder.codingPath, debugDescription: error.description))
    }
  }

  /// Writes the canonical form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
