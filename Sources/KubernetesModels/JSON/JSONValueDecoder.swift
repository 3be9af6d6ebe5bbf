extension JSONValue {
  /// Decodes a value straight from this JSON, with no text in between.
  ///
  /// Reads as Go's clients do: `null` or nothing where a list, map or `metadata` is required reads as an empty one, and
  /// fields that the type doesn't know are skipped.
  /// - Throws: `DecodingError` with the path of the field that doesn't fit.
  public func decode<T: Decodable>(_ type: T.Type = T.self) throws -> T {
    try JSONValueDecoder(value: self, path: nil).decode(type)
  }
}

/// A type whose required fields may be absent on the wire: Go servers leave out, or send as null, what is empty.
protocol DecodableWhenAbsent {
  static var absent: Self { get }
}

extension Array: DecodableWhenAbsent {
  static var absent: [Element] { [] }
}

extension Dictionary: DecodableWhenAbsent {
  static var absent: [Key: Value] { [:] }
}

extension ObjectMeta: DecodableWhenAbsent {
  static var absent: ObjectMeta { ObjectMeta() }
}

/// The way from the root to the value being decoded, as a list linked upwards: it is only read for error messages.
final class DecodingPath: Sendable {
  private let parent: DecodingPath?
  private let key: any CodingKey

  init(_ parent: DecodingPath?, _ key: any CodingKey) {
    self.parent = parent
    self.key = key
  }

  static func keys(_ path: DecodingPath?) -> [any CodingKey] {
    var keys: [any CodingKey] = []
    var current = path
    while let node = current {
      keys.append(node.key)
      current = node.parent
    }
    return keys.reversed()
  }
}

/// Reads one JSON value; also the container for single values.
struct JSONValueDecoder: Decoder {
  let value: JSONValue
  let path: DecodingPath?

  var codingPath: [any CodingKey] { DecodingPath.keys(path) }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    switch value {
    case .object(let fields): return KeyedDecodingContainer(KeyedJSONDecoding<Key>(fields: fields, path: path))
    case .null: return KeyedDecodingContainer(KeyedJSONDecoding<Key>(fields: [:], path: path))
    default: throw mismatch([String: JSONValue].self, "an object")
    }
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    switch value {
    case .array(let elements): return UnkeyedJSONDecoding(elements: elements, path: path)
    case .null: return UnkeyedJSONDecoding(elements: [], path: path)
    default: throw mismatch([JSONValue].self, "an array")
    }
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

  fileprivate func mismatch(_ type: any Any.Type, _ expected: String) -> DecodingError {
    let context = DecodingError.Context(
      codingPath: codingPath, debugDescription: "expected \(expected), found \(value.typeName)")
    if value.isNull { return DecodingError.valueNotFound(type, context) }
    return DecodingError.typeMismatch(type, context)
  }
}

extension JSONValueDecoder: SingleValueDecodingContainer {
  func decodeNil() -> Bool {
    if case .null = value { return true }
    return false
  }

  func decode(_ type: Bool.Type) throws -> Bool {
    guard case .bool(let flag) = value else { throw mismatch(type, "a boolean") }
    return flag
  }

  func decode(_ type: String.Type) throws -> String {
    guard case .string(let text) = value else { throw mismatch(type, "a string") }
    return text
  }

  func decode(_ type: Double.Type) throws -> Double {
    guard let number = value.doubleValue else { throw mismatch(type, "a number") }
    return number
  }

  func decode(_ type: Float.Type) throws -> Float { Float(try decode(Double.self)) }
  func decode(_ type: Int.Type) throws -> Int { try integer() }
  func decode(_ type: Int8.Type) throws -> Int8 { try integer() }
  func decode(_ type: Int16.Type) throws -> Int16 { try integer() }
  func decode(_ type: Int32.Type) throws -> Int32 { try integer() }
  func decode(_ type: Int64.Type) throws -> Int64 { try integer() }
  func decode(_ type: UInt.Type) throws -> UInt { try integer() }
  func decode(_ type: UInt8.Type) throws -> UInt8 { try integer() }
  func decode(_ type: UInt16.Type) throws -> UInt16 { try integer() }
  func decode(_ type: UInt32.Type) throws -> UInt32 { try integer() }
  func decode(_ type: UInt64.Type) throws -> UInt64 { try integer() }

  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    if T.self == JSONValue.self, let same = value as? T { return same }
    return try T(from: self)
  }

  private func integer<I: FixedWidthInteger>() throws -> I {
    switch value {
    case .integer(let number):
      if let exact = I(exactly: number) { return exact }
    case .double(let number):
      if let exact = I(exactly: number) { return exact }
    default:
      break
    }
    throw mismatch(I.self, "an integer of \(I.bitWidth) bits")
  }
}

private struct KeyedJSONDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let fields: [String: JSONValue]
  let path: DecodingPath?

  var codingPath: [any CodingKey] { DecodingPath.keys(path) }
  var allKeys: [Key] { fields.keys.compactMap { Key(stringValue: $0) } }

  func contains(_ key: Key) -> Bool { fields[key.stringValue] != nil }
  func decodeNil(forKey key: Key) throws -> Bool { try decoder(key).decodeNil() }

  func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try decoder(key).decode(type) }
  func decode(_ type: String.Type, forKey key: Key) throws -> String { try decoder(key).decode(type) }
  func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try decoder(key).decode(type) }
  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    let value = fields[key.stringValue]
    if value == nil || value == .null, let type = type as? any DecodableWhenAbsent.Type,
      let empty = type.absent as? T
    {
      return empty
    }
    return try decoder(key).decode(type)
  }

  // The default implementations would look the key up three times.
  func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try present(key)?.decode(type) }
  func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try present(key)?.decode(type) }
  func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try present(key)?.decode(type) }
  func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
    try present(key)?.decode(type)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try decoder(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try decoder(key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { try superDecoder(named: AnyCodingKey(stringValue: "super")) }
  func superDecoder(forKey key: Key) throws -> any Decoder { try superDecoder(named: key) }

  private func superDecoder(named key: any CodingKey) throws -> any Decoder {
    JSONValueDecoder(value: fields[key.stringValue] ?? .null, path: DecodingPath(path, key))
  }

  private func present(_ key: Key) -> JSONValueDecoder? {
    guard let value = fields[key.stringValue] else { return nil }
    if case .null = value { return nil }
    return JSONValueDecoder(value: value, path: DecodingPath(path, key))
  }

  private func decoder(_ key: Key) throws -> JSONValueDecoder {
    guard let value = fields[key.stringValue] else {
      throw DecodingError.keyNotFound(
        key,
        DecodingError.Context(codingPath: codingPath, debugDescription: "the field \(key.stringValue) is missing"))
    }
    return JSONValueDecoder(value: value, path: DecodingPath(path, key))
  }
}

private struct UnkeyedJSONDecoding: UnkeyedDecodingContainer {
  let elements: [JSONValue]
  let path: DecodingPath?
  var currentIndex = 0

  init(elements: [JSONValue], path: DecodingPath?) {
    self.elements = elements
    self.path = path
  }

  var codingPath: [any CodingKey] { DecodingPath.keys(path) }
  var count: Int? { elements.count }
  var isAtEnd: Bool { currentIndex >= elements.count }

  mutating func decodeNil() throws -> Bool {
    guard try next(JSONValue.self).decodeNil() else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
    let result = try next(type).decode(type)
    currentIndex += 1
    return result
  }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> {
    let container = try next(type).container(keyedBy: type)
    currentIndex += 1
    return container
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    let container = try next([JSONValue].self).unkeyedContainer()
    currentIndex += 1
    return container
  }

  mutating func superDecoder() throws -> any Decoder {
    let decoder = try next(JSONValue.self)
    currentIndex += 1
    return decoder
  }

  private func next(_ type: any Any.Type) throws -> JSONValueDecoder {
    let step = DecodingPath(path, AnyCodingKey(intValue: currentIndex))
    guard currentIndex < elements.count else {
      throw DecodingError.valueNotFound(
        type,
        DecodingError.Context(codingPath: DecodingPath.keys(step), debugDescription: "the array has no more elements"))
    }
    return JSONValueDecoder(value: elements[currentIndex], path: step)
  }
}
