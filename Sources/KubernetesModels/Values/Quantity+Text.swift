/// Why a text is no quantity.
public struct QuantityParseError: Error, Hashable, CustomStringConvertible {
  public var text: String

  public var description: String {
    "\"\(text)\" is no quantity; write a number with an optional suffix (m, k, M, G, T, Ki, Mi, Gi, Ti), as in 500m or 20Gi"
  }
}

extension Quantity {
  private static let decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]
  private static let binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]

  /// Parses the quantity grammar of the Kubernetes API: a signed decimal number and one suffix or exponent.
  /// - Throws: `QuantityParseError`.
  public init(parsing text: String) throws(QuantityParseError) {
    guard let parsed = Self.parse(text) else { throw QuantityParseError(text: text) }
    self = parsed
  }

  /// Parses a quantity; nil for anything else.
  public init?(_ text: String) {
    guard let parsed = Self.parse(text) else { return nil }
    self = parsed
  }

  private static func parse(_ text: String) -> Quantity? {
    var rest = Substring(text)
    var isNegative = false
    if let sign = rest.first, sign == "+" || sign == "-" {
      isNegative = sign == "-"
      rest = rest.dropFirst()
    }
    let whole = rest.prefix { $0.isASCII && $0.isNumber }
    rest = rest.dropFirst(whole.count)
    var fraction = Substring()
    if rest.first == "." {
      rest = rest.dropFirst()
      fraction = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(fraction.count)
    }
    guard !whole.isEmpty || !fraction.isEmpty, let suffix = suffix(String(rest)) else { return nil }
    let digits = Array((whole + fraction).utf8)
    let magnitude = nanos(digits: digits, decimalExponent: suffix.ten + 9 - fraction.utf8.count, shift: suffix.two)
    return Quantity(nanos: isNegative ? -magnitude : magnitude, format: suffix.format)
  }

  private static func suffix(_ text: String) -> (ten: Int, two: Int, format: Format)? {
    if let index = decimalSuffixes.firstIndex(of: text) { return ((index - 3) * 3, 0, .decimal) }
    if let index = binarySuffixes.firstIndex(of: text) { return (0, index * 10, .binary) }
    guard text.first == "e" || text.first == "E", let exponent = Int32(text.dropFirst()) else { return nil }
    return (Int(exponent), 0, .exponent)
  }

  /// digits × 10^decimalExponent × 2^shift, rounded up and limited.
  private static func nanos(digits: [UInt8], decimalExponent: Int, shift: Int) -> Int128 {
    var value: Int128 = 0
    var exponent = decimalExponent
    var hasRest = false
    for digit in digits {
      let digit = Int128(digit - UInt8(ascii: "0"))
      // 10²⁸ is beyond the limit already (in billionths), so what follows only moves the point or is rounded off.
      if value >= limit {
        exponent += 1
        hasRest = hasRest || digit > 0
      } else {
        value = value * 10 + digit
      }
    }
    guard value > 0 || hasRest else { return 0 }
    // Two's part goes in while there is room, so that dividing by ten loses nothing that the result could show.
    var remainingShift = shift
    while exponent < 0 {
      while remainingShift > 0, value < Int128.max >> 1 {
        value <<= 1
        remainingShift -= 1
      }
      if value == 0 { return 1 }
      let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10)
      hasRest = hasRest || remainder > 0
      value = quotient
      exponent += 1
    }
    while exponent > 0, value < limit {
      value *= 10
      exponent -= 1
    }
    while remainingShift > 0, value < limit {
      value <<= 1
      remainingShift -= 1
    }
    return min(hasRest ? value + 1 : value, limit)
  }
}

extension Quantity: CustomStringConvertible, ExpressibleByStringLiteral {
  /// The canonical form: no fraction, the largest suffix that is exact. Binary amounts below 1024, or that are not
  /// whole, are written in decimal form so that nothing is lost.
  public var description: String {
    guard nanos != 0 else { return "0" }
    if format == .binary, abs(nanos) >= 1024 * Self.nanosPerUnit, nanos % Self.nanosPerUnit == 0 {
      var amount = nanos / Self.nanosPerUnit
      var index = 0
      while amount % 1024 == 0, index < Self.binarySuffixes.count - 1 {
        amount /= 1024
        index += 1
      }
      return "\(amount)\(Self.binarySuffixes[index])"
    }
    var amount = nanos
    var index = 0
    while amount % 1000 == 0, index < Self.decimalSuffixes.count - 1 {
      amount /= 1000
      index += 1
    }
    guard format == .exponent else { return "\(amount)\(Self.decimalSuffixes[index])" }
    return index == 3 ? "\(amount)" : "\(amount)e\((index - 3) * 3)"
  }

  /// A quantity written in source code. Anything read at run time goes through `init(parsing:)`.
  public init(stringLiteral value: String) {
    guard let parsed = Self.parse(value) else {
      preconditionFailure("\(value) is no quantity")  // safe: a literal is fixed text, wrong on its first run
    }
    self = parsed
  }
}
