/// An amount that does not fit the integer that holds it. Nothing was changed when this is thrown.
public struct AmountOverflow: Error, Hashable, Sendable {
  public init() {}
}

/// What becomes of the part below the smallest unit.
public enum RoundingRule: Sendable, Hashable {
  /// To the nearest unit, a tie to the even one (ISO 80000-1 rule A): for everything that is booked, so that gains and
  /// losses are rounded alike and no side collects the halves.
  case halfToEven
  /// Away from zero: for margin, which must never be understated.
  case awayFromZero
}

/// A fraction of 128-bit integers with a positive denominator, kept exact until `rounded` makes units of it.
///
/// Every product is checked. Prices up to 10^9 points, positions of 10^7 hundredths of a lot and two conversions at common prices fit with
/// room to spare; what does not fit throws `AmountOverflow` and is never wrapped or clamped.
public struct Ratio: Sendable, Hashable {
  public let numerator: Int128
  public let denominator: Int128

  /// - Parameter denominator: must be positive.
  public init(_ numerator: Int128, over denominator: Int128 = 1) {
    precondition(denominator > 0, "the denominator of a ratio is positive")
    self.numerator = numerator
    self.denominator = denominator
  }

  /// The exact product.
  public func multiplied(by other: Ratio) throws(AmountOverflow) -> Ratio {
    Ratio(
      try numerator.multiplied(byChecked: other.numerator),
      over: try denominator.multiplied(byChecked: other.denominator)
    )
  }

  /// The nearest integer under `rule`.
  public func rounded(_ rule: RoundingRule) throws(AmountOverflow) -> Int64 {
    let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: denominator)
    var result = quotient
    if remainder != 0 {
      let direction: Int128 = numerator < 0 ? -1 : 1
      switch rule {
      case .awayFromZero: result += direction
      case .halfToEven:
        // remainder < denominator, so the distance to the next unit cannot overflow where doubling could.
        let below = remainder.magnitude
        let above = denominator.magnitude - below
        if below > above || (below == above && quotient & 1 == 1) { result += direction }
      }
    }
    guard let value = Int64(exactly: result) else { throw AmountOverflow() }
    return value
  }
}

extension FixedWidthInteger {
  func multiplied(byChecked other: Self) throws(AmountOverflow) -> Self {
    let (value, overflow) = multipliedReportingOverflow(by: other)
    if overflow { throw AmountOverflow() }
    return value
  }

  func adding(checked other: Self) throws(AmountOverflow) -> Self {
    let (value, overflow) = addingReportingOverflow(other)
    if overflow { throw AmountOverflow() }
    return value
  }
}

/// Powers of ten, for the scales of prices and currencies.
enum PowerOfTen {
  /// 10^`exponent` for 0 to 18, the scales that a price or a currency can have.
  static func of(_ exponent: Int) -> Int128 { table[min(max(exponent, 0), 18)] }

  private static let table: [Int128] = (0...18).map { exponent in
    (0..<exponent).reduce(Int128(1)) { value, _ in value * 10 }
  }
}
