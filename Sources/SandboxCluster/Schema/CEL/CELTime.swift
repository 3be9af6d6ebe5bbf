import KubernetesModels

/// A moment with nanoseconds (google.protobuf.Timestamp).
struct CELTimestamp: Sendable, Hashable, Comparable {
  var seconds: Int64
  var nanoseconds: Int64

  init(seconds: Int64, nanoseconds: Int64 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  /// - Throws: `CELError` for anything but RFC 3339.
  init(rfc3339 text: String) throws(CELError) {
    guard let moment = Timestamp(text) else { throw CELError("invalid timestamp: \(text)") }
    seconds = moment.secondsSinceEpoch
    nanoseconds = 0
    if let dot = text.firstIndex(of: ".") {
      let digits = text[text.index(after: dot)...].prefix { $0.isASCII && $0.isNumber }.prefix(9)
      nanoseconds = Int64(digits + String(repeating: "0", count: 9 - digits.count)) ?? 0
    }
  }

  static func < (left: CELTimestamp, right: CELTimestamp) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }

  static func + (left: CELTimestamp, right: CELDuration) -> CELTimestamp {
    let total = left.nanoseconds + right.nanoseconds % 1_000_000_000
    let carry = total >= 1_000_000_000 ? 1 : total < 0 ? -1 : 0
    return CELTimestamp(
      seconds: left.seconds + right.nanoseconds / 1_000_000_000 + Int64(carry),
      nanoseconds: total - Int64(carry) * 1_000_000_000)
  }

  static func - (left: CELTimestamp, right: CELTimestamp) throws(CELError) -> CELDuration {
    let (product, overflow) = (left.seconds - right.seconds).multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { throw CELError("duration overflow") }
    return CELDuration(nanoseconds: product + left.nanoseconds - right.nanoseconds)
  }

  var text: String {
    let whole = Timestamp(secondsSinceEpoch: seconds).description
    guard nanoseconds != 0 else { return whole }
    let digits = String(1_000_000_000 + nanoseconds).dropFirst()
    let trimmed = digits.reversed().drop { $0 == "0" }.reversed()
    return whole.dropLast() + "." + String(trimmed) + "Z"
  }

  /// Calendar parts in a fixed offset from UTC, in seconds.
  func part(_ name: String, offset: Int64) -> Int64? {
    let local = Timestamp(secondsSinceEpoch: seconds + offset).description
    let digits = local.split { !$0.isNumber }.compactMap { Int64($0) }
    guard digits.count == 6 else { return nil }
    let days = (seconds + offset) / 86_400 - ((seconds + offset) % 86_400 < 0 ? 1 : 0)
    switch name {
    case "getFullYear": return digits[0]
    case "getMonth": return digits[1] - 1
    case "getDate": return digits[2]
    case "getDayOfMonth": return digits[2] - 1
    case "getDayOfWeek": return ((days + 4) % 7 + 7) % 7
    case "getDayOfYear":
      let year = String(digits[0])
      let padded = String(repeating: "0", count: max(0, 4 - year.count)) + year
      guard let start = Timestamp("\(padded)-01-01T00:00:00Z") else { return nil }
      return days - start.secondsSinceEpoch / 86_400
    case "getHours": return digits[3]
    case "getMinutes": return digits[4]
    case "getSeconds": return digits[5]
    case "getMilliseconds": return nanoseconds / 1_000_000
    default: return nil
    }
  }

  /// Seconds east of UTC for `UTC`, `Z`, `+01:00` and `-08:00`; names of places have no table here.
  static func offset(of zone: String) -> Int64? {
    if ["UTC", "Z", ""].contains(zone) { return 0 }
    let text = zone.hasPrefix("+") || zone.hasPrefix("-") ? zone : "+" + zone
    guard let shifted = Timestamp("1970-01-02T00:00:00" + text) else { return nil }
    return 86_400 - shifted.secondsSinceEpoch
  }
}

/// A length of time in nanoseconds (google.protobuf.Duration).
struct CELDuration: Sendable, Hashable, Comparable {
  var nanoseconds: Int64

  init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  /// Go's notation: `1h30m`, `1.5s`, `-200ms`.
  ///
  /// - Throws: `CELError` for anything else.
  init(parsing text: String) throws(CELError) {
    var rest = Substring(text)
    var sign = 1.0
    if let first = rest.first, first == "-" || first == "+" {
      sign = first == "-" ? -1 : 1
      rest.removeFirst()
    }
    if rest == "0" {
      nanoseconds = 0
      return
    }
    var total = 0.0
    guard !rest.isEmpty else { throw CELError("invalid duration: \(text)") }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { !($0.isASCII && ($0.isNumber || $0 == ".")) }
      rest = rest.dropFirst(unit.count)
      guard let number = Double(digits.hasPrefix(".") ? "0" + digits : digits), let scale = Self.units[String(unit)]
      else {
        throw CELError("invalid duration: \(text)")
      }
      total += (number * scale).rounded()
    }
    guard total < 9.2e18 else { throw CELError("invalid duration: \(text)") }
    nanoseconds = Int64(sign * total)
  }

  private static let units: [String: Double] = [
    "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9,
  ]

  static func < (left: CELDuration, right: CELDuration) -> Bool { left.nanoseconds < right.nanoseconds }

  /// Protobuf's notation, in seconds: `5400s`, `1.5s`.
  var text: String {
    let (seconds, rest) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
    var text = (nanoseconds < 0 ? "-" : "") + String(seconds)
    if rest != 0 {
      let digits = String(1_000_000_000 + rest).dropFirst()
      text += "." + String(digits.reversed().drop { $0 == "0" }.reversed())
    }
    return text + "s"
  }
}
