extension Timestamp {
  /// Reads RFC 3339: `2026-11-22T20:41:07Z`, with up to nine digits of a second's fraction, of which three count, or with an
  /// offset such as `+01:00` in place of Z. Nil for anything else, for a leap second, and for years outside 1970 to 9999.
  public init?(parsing text: String) {
    var rest = Array(text.utf8)[...]
    func number(_ digits: Int, _ range: ClosedRange<Int64>) -> Int64? {
      guard rest.count >= digits else { return nil }
      var value: Int64 = 0
      for byte in rest.prefix(digits) {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        value = value * 10 + Int64(byte - UInt8(ascii: "0"))
      }
      rest = rest.dropFirst(digits)
      return range.contains(value) ? value : nil
    }
    func skip(_ character: Unicode.Scalar) -> Bool {
      guard rest.first == UInt8(ascii: character) else { return false }
      rest = rest.dropFirst()
      return true
    }
    guard let year = number(4, 1970...9999), skip("-"), let month = number(2, 1...12), skip("-"),
      let day = number(2, 1...Self.days(in: month, of: year)), skip("T"), let hour = number(2, 0...23), skip(":"),
      let minute = number(2, 0...59), skip(":"), let second = number(2, 0...59)
    else { return nil }

    var fraction: Int64 = 0
    if skip(".") {
      let digits = rest.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
      guard (1...9).contains(digits.count) else { return nil }
      rest = rest.dropFirst(digits.count)
      let padded = Array(digits.prefix(3)) + Array(repeating: UInt8(ascii: "0"), count: max(0, 3 - digits.count))
      for byte in padded { fraction = fraction * 10 + Int64(byte - UInt8(ascii: "0")) }
    }

    var offset: Int64 = 0
    if !skip("Z") {
      let isEast = rest.first == UInt8(ascii: "+")
      guard skip("+") || skip("-"), let hours = number(2, 0...23), skip(":"), let minutes = number(2, 0...59) else {
        return nil
      }
      offset = (isEast ? 1 : -1) * (hours * 60 + minutes)
    }
    guard rest.isEmpty else { return nil }
    let minutes = (Self.daysSinceEpoch(year, month, day) * 24 + hour) * 60 + minute - offset
    self.init(milliseconds: (minutes * 60 + second) * 1_000 + fraction)
  }

  private static func days(in month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// The proleptic Gregorian date, counted in eras of 400 years that start on the first of March.
  private static func daysSinceEpoch(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let (era, yearOfEra) = (shifted / 400, shifted % 400)
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}
