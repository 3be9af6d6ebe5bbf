/// Writes `word word key=value …`: one line, one way to write each value, fields in the order of the calls.
///
/// The same values give the same bytes on every machine, so ledgers can be compared byte by byte and by people.
struct CanonicalLine {
  private(set) var text: String

  init(_ words: String...) { text = words.joined(separator: " ") }

  mutating func put(_ key: String, _ value: Int64?) {
    if let value { append(key, String(value)) }
  }

  mutating func put(_ key: String, _ value: Money) { append(key, String(value.minorUnits)) }
  mutating func put(_ key: String, _ value: Price?) { put(key, value?.points) }

  mutating func put<Value: RawRepresentable>(_ key: String, _ value: Value) where Value.RawValue == String {
    append(key, value.rawValue)
  }

  /// Free text. Everything but letters, digits and `. _ : -` is percent-encoded byte by byte.
  mutating func put(_ key: String, text value: String) { append(key, Self.escape(value)) }

  mutating func put(_ key: String, list: [[Int64]]) {
    if list.isEmpty { return }
    append(key, list.map { $0.map(String.init).joined(separator: ":") }.joined(separator: ","))
  }

  private mutating func append(_ key: String, _ value: String) {
    text += " "
    text += key
    text += "="
    text += value
  }

  private static let hex = Array("0123456789ABCDEF".utf8)

  static func escape(_ text: String) -> String {
    if text.utf8.allSatisfy(isPlain) { return text }
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      if isPlain(byte) {
        bytes.append(byte)
      } else {
        bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func unescape(_ text: Substring) -> String? {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(hex.firstIndex), let low = rest.popFirst().flatMap(hex.firstIndex) else {
        return nil
      }
      bytes.append(UInt8(high << 4 | low))
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"): true
    default: byte == UInt8(ascii: "-")
    }
  }
}

/// A line that is not what `CanonicalLine` writes.
public struct CanonicalLineError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The word or key that is missing or cannot be read.
  public let field: String
  public var description: String { "ledger line: \(field) is missing or malformed" }
}

/// Reads what `CanonicalLine` wrote.
struct CanonicalFields {
  private(set) var words: [Substring] = []
  private var values: [Substring: Substring] = [:]

  init(_ line: some StringProtocol) {
    for part in String(line).split(separator: " ") {
      if let equals = part.firstIndex(of: "=") {
        values[part[..<equals]] = part[part.index(after: equals)...]
      } else {
        words.append(part)
      }
    }
  }

  func word(_ index: Int, _ name: String) throws(CanonicalLineError) -> Int64 {
    guard words.indices.contains(index), let value = Int64(words[index]) else { throw CanonicalLineError(field: name) }
    return value
  }

  func integer(_ key: String) throws(CanonicalLineError) -> Int64 {
    guard let value = values[key[...]].flatMap({ Int64($0) }) else { throw CanonicalLineError(field: key) }
    return value
  }

  func wideInteger(_ key: String) throws(CanonicalLineError) -> Int128 {
    guard let value = values[key[...]].flatMap({ Int128($0) }) else { throw CanonicalLineError(field: key) }
    return value
  }

  func optionalInteger(_ key: String) throws(CanonicalLineError) -> Int64? {
    values[key[...]] == nil ? nil : try integer(key)
  }

  func money(_ key: String) throws(CanonicalLineError) -> Money { Money(minorUnits: try integer(key)) }
  func price(_ key: String) throws(CanonicalLineError) -> Price { Price(points: try integer(key)) }
  func volume(_ key: String) throws(CanonicalLineError) -> Volume { Volume(hundredths: try integer(key)) }

  func optionalPrice(_ key: String) throws(CanonicalLineError) -> Price? {
    try optionalInteger(key).map { Price(points: $0) }
  }

  func choice<Value: RawRepresentable>(
    _ key: String, _ type: Value.Type = Value.self
  ) throws(CanonicalLineError) -> Value where Value.RawValue == String {
    guard let value = values[key[...]].flatMap({ Value(rawValue: String($0)) }) else {
      throw CanonicalLineError(field: key)
    }
    return value
  }

  func text(_ key: String) throws(CanonicalLineError) -> String {
    guard let value = values[key[...]].flatMap({ CanonicalLine.unescape($0) }) else {
      throw CanonicalLineError(field: key)
    }
    return value
  }

  func list(_ key: String, width: Int) throws(CanonicalLineError) -> [[Int64]] {
    guard let value = values[key[...]] else { return [] }
    var rows: [[Int64]] = []
    for row in value.split(separator: ",", omittingEmptySubsequences: false) {
      let numbers = row.split(separator: ":", omittingEmptySubsequences: false).compactMap { Int64($0) }
      guard numbers.count == width else { throw CanonicalLineError(field: key) }
      rows.append(numbers)
    }
    return rows
  }
}
