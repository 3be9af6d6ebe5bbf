/// Exact decimal text for amounts that are held as scaled integers.
///
/// Prices and volumes never pass through binary floating point: text is read digit by digit into an integer
/// count of the smallest unit, and printed from it.
public enum DecimalText {
  /// Why a text is not an amount.
  public enum ParseError: Error, Hashable, Sendable {
    /// Not of the form `-?digits[.digits]`. Exponents, plus signs, spaces and separators are refused.
    case malformed
    /// More digits after the point than the amount has; trailing zeros do not count.
    case tooManyFractionDigits(allowed: Int)
    /// Does not fit the integer that holds it.
    case outOfRange
  }

  /// Reads `text` as a count of units of 10^-`fractionDigits`: "1.08" with 5 digits is 108000.
  public static func parse(_ text: String, fractionDigits: Int) throws(ParseError) -> Int64 {
    var bytes = Array(text.utf8)[...]
    let isNegative = bytes.first == UInt8(ascii: "-")
    if isNegative { bytes = bytes.dropFirst() }

    let parts = bytes.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isDigit) }) else { throw .malformed }
    var fraction = parts.count == 2 ? parts[1] : []
    while fraction.count > fractionDigits {
      guard fraction.popLast() == UInt8(ascii: "0") else { throw .tooManyFractionDigits(allowed: fractionDigits) }
    }

    var value: Int64 = 0
    let padding = repeatElement(UInt8(ascii: "0"), count: fractionDigits - fraction.count)
    for digit in Array(parts[0]) + Array(fraction) + Array(padding) {
      let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = shifted.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
      if overflow || carry { throw .outOfRange }
      value = sum
    }
    return isNegative ? -value : value
  }

  /// Prints a count of units of 10^-`fractionDigits`, always with all its fraction digits: 10 with 2 digits is "0.10".
  public static func format(_ value: Int64, fractionDigits: Int) -> String {
    var digits = Array(String(value.magnitude).utf8)
    if digits.count <= fractionDigits {
      digits.insert(contentsOf: repeatElement(UInt8(ascii: "0"), count: fractionDigits + 1 - digits.count), at: 0)
    }
    if fractionDigits > 0 { digits.insert(UInt8(ascii: "."), at: digits.count - fractionDigits) }
    return (value < 0 ? "-" : "") + String(decoding: digits, as: UTF8.self)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }
}
