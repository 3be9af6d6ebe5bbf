/// Strings: the standard functions, the strings extension, and regular expressions.
enum CELStrings {
  static let names: Set<String> = [
    "startsWith", "endsWith", "contains", "matches", "find", "findAll", "split", "join", "replace", "trim",
    "lowerAscii",
    "upperAscii", "substring", "indexOf", "lastIndexOf", "charAt", "format", "reverse", "strings.quote",
  ]

  static func global(_ name: String, _ arguments: [CELValue]) throws(CELError) -> CELValue? {
    if name == "matches" { return try member(name, arguments) }
    if name == "strings.quote", case .string(let text)? = arguments.first {
      return .string("\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\"")
    }
    return nil
  }

  static func member(_ name: String, _ arguments: [CELValue]) throws(CELError) -> CELValue? {
    guard case .string(let text)? = arguments.first else { return nil }
    let rest = Array(arguments.dropFirst())
    switch (name, rest.first, rest.count) {
    case ("startsWith", .string(let other)?, 1): return .bool(text.utf8.starts(with: other.utf8))
    case ("endsWith", .string(let other)?, 1): return .bool(text.utf8.reversed().starts(with: other.utf8.reversed()))
    case ("contains", .string(let other)?, 1): return .bool(position(of: other, in: text, from: 0) != nil)
    case ("matches", .string(let pattern)?, 1): return .bool(try regex(pattern).matches(text))
    case ("find", .string(let pattern)?, 1):
      return .string(try regex(pattern).allMatches(in: text, limit: 1).first ?? "")
    case ("findAll", .string(let pattern)?, 1...2):
      let limit = integer(rest, 1) ?? -1
      return .list(
        try regex(pattern).allMatches(in: text, limit: limit < 0 ? Int.max : Int(limit)).map(CELValue.string))
    case ("split", .string(let separator)?, 1...2):
      return .list(split(text, by: separator, limit: integer(rest, 1) ?? -1).map(CELValue.string))
    case ("replace", .string(let old)?, 2...3):
      guard case .string(let new) = rest[1] else { return nil }
      return .string(replace(text, old, new, limit: integer(rest, 2) ?? -1))
    case ("trim", nil, 0):
      let scalars = text.unicodeScalars.drop { $0.properties.isWhitespace }.reversed()
        .drop { $0.properties.isWhitespace }.reversed()
      return .string(String(String.UnicodeScalarView(scalars)))
    case ("lowerAscii", nil, 0): return .string(mapASCII(text, 65...90) { $0 + 32 })
    case ("upperAscii", nil, 0): return .string(mapASCII(text, 97...122) { $0 - 32 })
    case ("reverse", nil, 0): return .string(String(String.UnicodeScalarView(text.unicodeScalars.reversed())))
    case ("substring", .int(let start)?, 1...2):
      return .string(try CELFunctions.slice(text, start, integer(rest, 1)))
    case ("charAt", .int(let index)?, 1):
      let count = Int64(text.unicodeScalars.count)
      return .string(index == count ? "" : try CELFunctions.slice(text, index, index + 1))
    case ("indexOf", .string(let other)?, 1...2):
      return .int(Int64(position(of: other, in: text, from: Int(clamping: integer(rest, 1) ?? 0)) ?? -1))
    case ("lastIndexOf", .string(let other)?, 1...2):
      return .int(Int64(lastPosition(of: other, in: text, upTo: integer(rest, 1).map { Int(clamping: $0) }) ?? -1))
    case ("format", .list(let values)?, 1): return .string(try format(text, values))
    default: return nil
    }
  }

  private static func integer(_ values: [CELValue], _ index: Int) -> Int64? {
    guard index < values.count, case .int(let value) = values[index] else { return nil }
    return value
  }

  private static func regex(_ pattern: String) throws(CELError) -> PatternMatcher {
    do { return try PatternMatcher(pattern) } catch { throw CELError(error.description) }
  }

  private static func mapASCII(_ text: String, _ range: ClosedRange<UInt8>, _ change: (UInt8) -> UInt8) -> String {
    String(decoding: text.utf8.map { range.contains($0) ? change($0) : $0 }, as: UTF8.self)
  }

  private static func position(of other: String, in text: String, from start: Int) -> Int? {
    let hay = Array(text.unicodeScalars)
    let needle = Array(other.unicodeScalars)
    guard start >= 0, start + needle.count <= hay.count else { return nil }
    return (start...hay.count - needle.count).first { hay[$0...].starts(with: needle) }
  }

  private static func lastPosition(of other: String, in text: String, upTo end: Int?) -> Int? {
    let hay = Array(text.unicodeScalars)
    let needle = Array(other.unicodeScalars)
    guard needle.count <= hay.count else { return nil }
    let last = min(end ?? Int.max, hay.count - needle.count)
    guard last >= 0 else { return nil }
    return (0...last).last { hay[$0...].starts(with: needle) }
  }

  private static func split(_ text: String, by separator: String, limit: Int64) -> [String] {
    if limit == 0 { return [] }
    if limit == 1 { return [text] }
    if separator.isEmpty { return text.unicodeScalars.map { String($0) } }
    var parts: [String] = []
    var rest = text[...]
    while limit < 0 || parts.count < Int(limit) - 1, let range = rest.firstRange(of: separator) {
      parts.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return parts + [String(rest)]
  }

  private static func replace(_ text: String, _ old: String, _ new: String, limit: Int64) -> String {
    if limit == 0 { return text }
    return text.replacing(old, with: new, maxReplacements: limit < 0 ? Int.max : Int(limit))
  }

  /// `%s %d %f %e %x %X %o %b %%`, with a precision for f and e.
  private static func format(_ template: String, _ values: [CELValue]) throws(CELError) -> String {
    var output = ""
    var scalars = template.unicodeScalars[...]
    var next = 0
    while let scalar = scalars.popFirst() {
      guard scalar == "%" else {
        output.unicodeScalars.append(scalar)
        continue
      }
      var precision: Int?
      if scalars.first == "." {
        scalars.removeFirst()
        let digits = scalars.prefix { ("0"..."9").contains($0) }
        precision = Int(String(digits))
        scalars = scalars.dropFirst(digits.count)
      }
      guard let verb = scalars.popFirst() else { throw CELError("unexpected end of format string") }
      if verb == "%" {
        output += "%"
        continue
      }
      guard next < values.count else { throw CELError("index \(next) out of range") }
      output += try formatted(values[next], verb: verb, precision: precision)
      next += 1
    }
    return output
  }

  private static func formatted(
    _ value: CELValue, verb: Unicode.Scalar, precision: Int?
  ) throws(CELError) -> String {
    func based(_ radix: Int, uppercase: Bool = false) -> String? {
      switch value {
      case .int(let number): String(number, radix: radix, uppercase: uppercase)
      case .uint(let number): String(number, radix: radix, uppercase: uppercase)
      case .bool(let flag) where radix == 2: flag ? "1" : "0"
      case .string(let text) where radix == 16:
        text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: uppercase) }.joined()
      default: nil
      }
    }
    var text: String?
    switch verb {
    case "s": text = shown(value)
    case "d": text = based(10) ?? (CELConversions.text(value).flatMap { Int64($0) == nil ? nil : $0 })
    case "x": text = based(16)
    case "X": text = based(16, uppercase: true)
    case "o": text = based(8)
    case "b": text = based(2)
    case "f", "e":
      if case .double(let number)? = try CELConversions.global("double", [value]) {
        text = fixed(number, digits: min(precision ?? 6, 15))
      }
    default: throw CELError("unrecognized formatting clause \"\(verb)\"")
    }
    guard let text else { throw CELError("could not format \(value.typeName) with %\(verb)") }
    return text
  }

  private static func fixed(_ number: Double, digits: Int) -> String {
    guard number.isFinite, abs(number) < 1e15 else { return String(number) }
    var scale: Double = 1
    for _ in 0..<digits { scale *= 10 }
    let scaled = (abs(number) * scale).rounded(.toNearestOrEven)
    guard scaled < 9e18 else { return String(number) }
    let sign = number < 0 ? "-" : ""
    let (whole, fraction) = Int64(scaled).quotientAndRemainder(dividingBy: Int64(scale))
    guard digits > 0 else { return sign + String(whole) }
    let padded = String(fraction)
    return sign + String(whole) + "." + String(repeating: "0", count: digits - padded.count) + padded
  }

  private static func shown(_ value: CELValue) -> String? {
    switch value {
    case .null: return "null"
    case .list(let elements): return "[" + elements.map { shown($0) ?? "" }.joined(separator: ", ") + "]"
    case .map(let entries):
      let parts = entries.sorted { $0.key < $1.key }.map { "\(shown($0.key.value) ?? ""): \(shown($0.value) ?? "")" }
      return "{" + parts.joined(separator: ", ") + "}"
    default: return CELConversions.text(value)
    }
  }
}
