/// An optional field kept outside of the struct that has it. Kubernetes types nest dozens of large optional structs,
/// most of them absent: stored in place, a pod would take many kilobytes. It also lets a schema contain itself.
///
/// Copies share the content, which is replaced as a whole on a write, so value semantics hold.
@propertyWrapper
public struct Indirect<Value> {
  fileprivate final class Box {
    let value: Value

    init(_ value: Value) {
      self.value = value
    }
  }

  private var box: Box?

  /// The content; nil takes one empty reference.
  public var wrappedValue: Value? {
    get { box?.value }
    set { box = newValue.map(Box.init) }
  }

  public init(wrappedValue: Value?) {
    box = wrappedValue.map(Box.init)
  }
}

extension Indirect.Box: Sendable where Value: Sendable {}
extension Indirect: Sendable where Value: Sendable {}

extension Indirect: Equatable where Value: Equatable {
  public static func == (left: Indirect, right: Indirect) -> Bool {
    left.box === right.box || left.wrappedValue == right.wrappedValue
  }
}

extension Indirect: Encodable where Value: Encodable {
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(wrappedValue)
  }
}

extension Indirect: Decodable where Value: Decodable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    self.init(wrappedValue: container.decodeNil() ? nil : try container.decode(Value.self))
  }
}

// The synthesized code of a struct calls these two for its indirect fields, so that an absent field stays absent.
extension KeyedDecodingContainer {
  public func decode<Value: Decodable>(_ type: Indirect<Value>.Type, forKey key: Key) throws -> Indirect<Value> {
    Indirect(wrappedValue: try decodeIfPresent(Value.self, forKey: key))
  }
}

extension KeyedEncodingContainer {
  public mutating func encode<Value: Encodable>(_ value: Indirect<Value>, forKey key: Key) throws {
    try encodeIfPresent(value.wrappedValue, forKey: key)
  }
}
