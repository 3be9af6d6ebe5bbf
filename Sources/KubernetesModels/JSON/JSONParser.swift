/// Why a text is not JSON, and where.
public struct JSONParseError: Error, Hashable, CustomStringConvertible {
  /// Bytes from the start of the text to the place of the fault.
  public var offset: Int
  /// What is wrong there.
  public var problem: String

  public var description: String { "invalid JSON at byte \(offset): \(problem)" }
}

extension JSONValue {
  /// Parses one JSON document (RFC 8259). A repeated field keeps its last value, as the API server reads it.
  /// - Parameter omittingManagedFields: Leaves out every `metadata.managedFields`, often the larger part of an object, without
  ///   making values of it.
  /// - Throws: `JSONParseError` for malformed text, anything after the document, or nesting deeper than 512.
  public init(parsing bytes: [UInt8], omittingManagedFields: Bool = false) throws(JSONParseError) {
    self = try Self.parse(bytes, notingDuplicates: false, omittingManagedFields: omittingManagedFields).value
  }

  /// Parses one JSON document. See `init(parsing:)` for bytes.
  public init(parsing text: String) throws(JSONParseError) {
    try self.init(parsing: Array(text.utf8))
  }

  /// Parses one JSON document and also reports the dotted paths of fields that occur twice: strict field validation
  /// refuses them.
  /// - Throws: `JSONParseError`.
  public static func parseNotingDuplicates(
    _ bytes: [UInt8]
  ) throws(JSONParseError) -> (value: JSONValue, duplicates: [String]) {
    try parse(bytes, notingDuplicates: true, omittingManagedFields: false)
  }

  private static func parse(
    _ bytes: [UInt8], notingDuplicates: Bool, omittingManagedFields: Bool
  ) throws(JSONParseError) -> (value: JSONValue, duplicates: [String]) {
    let result = bytes.withUnsafeBufferPointer { buffer -> Result<(JSONValue, [String]), JSONParseError> in
      var parser = JSONParser(
        bytes: buffer, notesDuplicates: notingDuplicates, omitsManagedFields: omittingManagedFields)
      do throws(JSONParseError) {
        let value = try parser.document()
        return .success((value, parser.duplicates))
      } catch {
        return .failure(error)
      }
    }
    let (value, duplicates) = try result.get()
    return (value, duplicates)
  }
}

/// A recursive-descent parser over bytes.
struct JSONParser {
  /// Deeper documents are refused, so that a hostile one cannot exhaust the stack.
  static let maximumDepth = 512

  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var depth = 0
  private let notesDuplicates: Bool
  private let omitsManagedFields: Bool
  private var path: [String] = []
  private(set) var duplicates: [String] = []

  init(bytes: UnsafeBufferPointer<UInt8>, notesDuplicates: Bool, omitsManagedFields: Bool) {
    self.bytes = bytes
    self.notesDuplicates = notesDuplicates
    self.omitsManagedFields = omitsManagedFields
  }

  mutating func document() throws(JSONParseError) -> JSONValue {
    let value = try self.value()
    skipSpace()
    guard position == bytes.count else { throw fault("unexpected text after the document") }
    return value
  }

  /// - Parameter isMetadata: Whether this is the value of a field of that name.
  private mutating func value(isMetadata: Bool = false) throws(JSONParseError) -> JSONValue {
    skipSpace()
    guard position < bytes.count else { throw fault("unexpected end of text") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try object(isMetadata: isMetadata)
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw fault("expected a value")
    }
  }

  private mutating func object(isMetadata: Bool) throws(JSONParseError) -> JSONValue {
    try enter()
    var fields: [String: JSONValue] = [:]
    skipSpace()
    if take(UInt8(ascii: "}")) {
      depth -= 1
      return .object(fields)
    }
    while true {
      skipSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
        throw fault("expected a field name in quotes")
      }
      let key = try string()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw fault("expected ':' after the field name") }
      if omitsManagedFields, isMetadata, key == "managedFields" {
        try skipValue()
      } else {
        if notesDuplicates { path.append(key) }
        let value = try self.value(isMetadata: key == "metadata")
        if notesDuplicates {
          if fields[key] != nil { duplicates.append(path.joined(separator: ".")) }
          path.removeLast()
        }
        fields[key] = value
      }
      skipSpace()
      if take(UInt8(ascii: ",")) { continue }
      guard take(UInt8(ascii: "}")) else { throw fault("expected ',' or '}' in an object") }
      depth -= 1
      return .object(fields)
    }
  }

  private mutating func array() throws(JSONParseError) -> JSONValue {
    try enter()
    var elements: [JSONValue] = []
    skipSpace()
    if take(UInt8(ascii: "]")) {
      depth -= 1
      return .array(elements)
    }
    while true {
      if notesDuplicates { path.append(String(elements.count)) }
      elements.append(try value())
      if notesDuplicates { path.removeLast() }
      skipSpace()
      if take(UInt8(ascii: ",")) { continue }
      guard take(UInt8(ascii: "]")) else { throw fault("expected ',' or ']' in an array") }
      depth -= 1
      return .array(elements)
    }
  }

  /// Passes over a value by its quotes and brackets alone: nobody is going to read it.
  private mutating func skipValue() throws(JSONParseError) {
    skipSpace()
    var open = 0
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        try skipString()
        if open == 0 { return }
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): open += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        // Of the object around it, when the value was a number or a word.
        if open == 0 { return }
        open -= 1
        if open == 0 {
          position += 1
          return
        }
      case UInt8(ascii: ","): if open == 0 { return }
      default: break
      }
      position += 1
    }
    throw fault("unexpected end of text")
  }

  private mutating func skipString() throws(JSONParseError) {
    position += 1
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        return
      case UInt8(ascii: "\\"): position += 2
      default: position += 1
      }
    }
    throw fault("a string has no closing quote")
  }

  private mutating func enter() throws(JSONParseError) {
    depth += 1
    guard depth <= Self.maximumDepth else { throw fault("nested deeper than \(Self.maximumDepth) levels") }
    position += 1
  }

  private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONParseError) -> JSONValue {
    let length = text.utf8CodeUnitCount
    guard position + length <= bytes.count else { throw fault("expected \(text)") }
    for index in 0..<length where bytes[position + index] != text.utf8Start[index] {
      throw fault("expected \(text)")
    }
    position += length
    return value
  }

  private mutating func number() throws(JSONParseError) -> JSONValue {
    let start = position
    let negative = take(UInt8(ascii: "-"))
    let firstDigit = position
    var magnitude: Int64 = 0
    var overflow = false
    while let digit = digit() {
      // Collected as a negative number, whose range is the wider one.
      let (product, tooLarge) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, tooLow) = product.subtractingReportingOverflow(digit)
      overflow = overflow || tooLarge || tooLow
      magnitude = sum
    }
    guard position > firstDigit else { throw fault("expected a digit") }
    if bytes[firstDigit] == UInt8(ascii: "0"), position > firstDigit + 1 { throw fault("a number has a leading zero") }
    var isInteger = true
    if take(UInt8(ascii: ".")) {
      isInteger = false
      try digits()
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      isInteger = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try digits()
    }
    if isInteger, !overflow {
      if negative { return .integer(magnitude) }
      if magnitude != .min { return .integer(-magnitude) }
    }
    let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
    guard let double = Double(text), double.isFinite else { throw fault("the number \(text) is out of range") }
    return .double(double)
  }

  private mutating func digit() -> Int64? {
    guard position < bytes.count else { return nil }
    let byte = bytes[position]
    guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
    position += 1
    return Int64(byte - UInt8(ascii: "0"))
  }

  private mutating func digits() throws(JSONParseError) {
    guard digit() != nil else { throw fault("expected a digit") }
    while digit() != nil {}
  }

  private mutating func string() throws(JSONParseError) -> String {
    position += 1
    let start = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
        position += 1
        return text
      case UInt8(ascii: "\\"):
        return try escapedString(from: start)
      case 0..<0x20:
        throw fault("a control character must be escaped")
      default:
        position += 1
      }
    }
    throw fault("a string has no closing quote")
  }

  /// The slow path: `position` stands at the first backslash of a string that began at `start`.
  private mutating func escapedString(from start: Int) throws(JSONParseError) -> String {
    var text = Array(bytes[start..<position])
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        position += 1
        try escape(into: &text)
      case 0..<0x20:
        throw fault("a control character must be escaped")
      default:
        text.append(byte)
        position += 1
      }
    }
    throw fault("a string has no closing quote")
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONParseError) {
    guard position < bytes.count else { throw fault("a string has no closing quote") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): text.append(contentsOf: Array(Character(try unicodeScalar()).utf8))
    default:
      position -= 1
      throw fault("unknown escape in a string")
    }
  }

  /// A `\u` escape or a surrogate pair of them; a lone surrogate reads as U+FFFD, as encoding/json reads it.
  private mutating func unicodeScalar() throws(JSONParseError) -> Unicode.Scalar {
    let replacement: Unicode.Scalar = "\u{FFFD}"
    let unit = try codeUnit()
    if let scalar = Unicode.Scalar(unit) { return scalar }
    guard unit < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { return replacement }
    let restart = position
    position += 2
    let low = try codeUnit()
    guard (0xDC00..<0xE000).contains(low) else {
      position = restart
      return replacement
    }
    return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) ?? replacement
  }

  private mutating func codeUnit() throws(JSONParseError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw fault("expected four hexadecimal digits after \\u")
      }
      unit = unit << 4 | UInt32(digit)
      position += 1
    }
    return unit
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private func fault(_ problem: String) -> JSONParseError {
    JSONParseError(offset: position, problem: problem)
  }
}
