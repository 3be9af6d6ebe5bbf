extension JSONValue {
  /// Encodes `value` straight into a JSON value, with no text in between.
  /// - Throws: `EncodingError`, for a number that JSON cannot hold.
  public init<T: Encodable>(encoding value: T) throws {
    if T.self == JSONValue.self, let json = value as? JSONValue {
      self = json
      return
    }
    let encoder = JSONValueEncoder()
    try value.encode(to: encoder)
    self = encoder.finish()
  }
}

/// Collects what a value encodes. A reference, because containers handed out earlier go on writing to it.
final class JSONValueEncoder: Encoder {
  private enum Shape { case single, array, object }
  private enum Place {
    case field(String)
    case element(Int)
  }

  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  private var shape = Shape.single
  fileprivate var single = JSONValue.null
  fileprivate var elements: [JSONValue] = []
  fileprivate var fields: [String: JSONValue] = [:]
  /// Nested containers, whose content is known only at the end.
  private var children: [(place: Place, encoder: JSONValueEncoder)] = []

  func finish() -> JSONValue {
    for (place, encoder) in children {
      switch place {
      case .field(let name): fields[name] = encoder.finish()
      case .element(let index): elements[index] = encoder.finish()
      }
    }
    switch shape {
    case .single: return single
    case .array: return .array(elements)
    case .object: return .object(fields)
    }
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    shape = .object
    return KeyedEncodingContainer(KeyedJSONEncoding<Key>(encoder: self))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    shape = .array
    return UnkeyedJSONEncoding(encoder: self)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { SingleJSONEncoding(encoder: self) }

  fileprivate func child(field name: String) -> JSONValueEncoder {
    let encoder = JSONValueEncoder()
    children.append((.field(name), encoder))
    return encoder
  }

  fileprivate func childElement() -> JSONValueEncoder {
    let encoder = JSONValueEncoder()
    children.append((.element(elements.count), encoder))
    elements.append(.null)
    return encoder
  }

  fileprivate static func json(_ value: Double) throws -> JSONValue {
    guard value.isFinite else {
      throw EncodingError.invalidValue(
        value, EncodingError.Context(codingPath: [], debugDescription: "JSON cannot hold the number \(value)"))
    }
    return .double(value)
  }

  fileprivate static func json<I: BinaryInteger>(_ value: I) -> JSONValue {
    if let integer = Int64(exactly: value) { return .integer(integer) }
    return .double(Double(value))
  }
}

private struct KeyedJSONEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let encoder: JSONValueEncoder
  var codingPath: [any CodingKey] { [] }

  mutating func encodeNil(forKey key: Key) { encoder.fields[key.stringValue] = .null }
  mutating func encode(_ value: Bool, forKey key: Key) { encoder.fields[key.stringValue] = .bool(value) }
  mutating func encode(_ value: String, forKey key: Key) { encoder.fields[key.stringValue] = .string(value) }
  mutating func encode(_ value: Int, forKey key: Key) { encoder.fields[key.stringValue] = .integer(Int64(value)) }
  mutating func encode(_ value: Double, forKey key: Key) throws {
    encoder.fields[key.stringValue] = try JSONValueEncoder.json(value)
  }
  mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    encoder.fields[key.stringValue] = try JSONValue(encoding: value)
  }
  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> {
    encoder.child(field: key.stringValue).container(keyedBy: type)
  }
  mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    encoder.child(field: key.stringValue).unkeyedContainer()
  }
  mutating func superEncoder() -> any Encoder { encoder.child(field: "super") }
  mutating func superEncoder(forKey key: Key) -> any Encoder { encoder.child(field: key.stringValue) }
}

private struct UnkeyedJSONEncoding: UnkeyedEncodingContainer {
  let encoder: JSONValueEncoder
  var codingPath: [any CodingKey] { [] }
  var count: Int { encoder.elements.count }

  mutating func encodeNil() { encoder.elements.append(.null) }
  mutating func encode(_ value: Bool) { encoder.elements.append(.bool(value)) }
  mutating func encode(_ value: String) { encoder.elements.append(.string(value)) }
  mutating func encode(_ value: Int) { encoder.elements.append(.integer(Int64(value))) }
  mutating func encode(_ value: Double) throws { encoder.elements.append(try JSONValueEncoder.json(value)) }
  mutating func encode<T: Encodable>(_ value: T) throws { encoder.elements.append(try JSONValue(encoding: value)) }
  mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
    encoder.childElement().container(keyedBy: type)
  }
  mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder.childElement().unkeyedContainer() }
  mutating func superEncoder() -> any Encoder { encoder.childElement() }
}

private struct SingleJSONEncoding: SingleValueEncodingContainer {
  let encoder: JSONValueEncoder
  var codingPath: [any CodingKey] { [] }

  mutating func encodeNil() { encoder.single = .null }
  mutating func encode(_ value: Bool) { encoder.single = .bool(value) }
  mutating func encode(_ value: String) { encoder.single = .string(value) }
  mutating func encode(_ value: Double) throws { encoder.single = try JSONValueEncoder.json(value) }
  mutating func encode(_ value: Float) throws { encoder.single = try JSONValueEncoder.json(Double(value)) }
  mutating func encode(_ value: Int) { encoder.single = JSONValueEncoder.json(value) }
  mutating func encode(_ value: Int8) { encoder.single = JSONValueEncoder.json(value) }
  mutating func encode(_ value: Int16) { encoder.single = JSONValueEncoder.json(value) }
  mutating func encode(_ value: Int32) { encoder.single = JSONValueEncoder.json(value) }
  mutating func encode(_ value: Int64) { encoder.single = JSONValueEncoder.json(value) }
  mutating func encode(_ value: UInt) { encoder.single = JSONValueEncoder.json(value) }
  mutating func encode(_ value: UInt8) { encoder.single = JSONValueEncoder.json(value) }
  mutating func encode(_ value: UInt16) { encoder.single = JSONValueEncoder.json(value) }
  mutating func encode(_ value: UInt32) { encoder.single = JSONValueEncoder.json(value) }
  mutating func encode(_ value: UInt64) { encoder.single = JSONValueEncoder.json(value) }
  mutating func encode<T: Encodable>(_ value: T) throws { encoder.single = try JSONValue(encoding: value) }
}
