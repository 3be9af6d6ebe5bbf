import FoundationEssentials
import KubernetesModels

/// Turns protobuf messages of built-in kinds into the JSON that the same Go structs make.
final class ProtobufMessages: Sendable {
  static let shared = ProtobufMessages()

  /// How a field's value is encoded (the letters of ``ProtobufFields``).
  indirect enum FieldType: Sendable {
    case text, integer, flag, data, double, time, microTime, quantity, intOrString, raw
    case message(String)
    /// A message whose only field is a list, which in JSON is the list itself.
    case wrappedList(String)
    case list(FieldType)
    case map(FieldType)
  }

  struct Field: Sendable {
    /// Empty: the message's fields belong to the one around it.
    var name: String
    var isDroppedWhenZero: Bool
    var type: FieldType
  }

  typealias Message = [Int: Field]

  private let messages: [String: Message]

  private init() {
    var messages: [String: Message] = [:]
    for line in ProtobufFields.all.flatMap({ $0.split(separator: "\n") }) {
      let words = line.split(separator: " ", maxSplits: 1).map(String.init)
      messages[words[0]] = words.count > 1 ? Self.message(words[1]) : [:]
    }
    self.messages = messages
  }

  /// The message of a kind; group packages are named by the group's first word.
  func message(apiVersion: String, kind: String) -> Message? {
    if kind == "DeleteOptions" { return messages["meta.v1.DeleteOptions"] }
    let (group, version) = cut(apiVersion, "/") ?? ("core", apiVersion)
    let package = group == "rbac.authorization.k8s.io" ? "rbac" : String(group.prefix { $0 != "." })
    return messages["\(package).\(version).\(kind)"]
  }

  private static func message(_ text: String) -> Message {
    var message: Message = [:]
    for part in text.split(separator: ",") {
      guard let (number, rest) = cut(String(part), ":"), let (name, letters) = cut(rest, "="), let key = Int(number)
      else { continue }
      let isDropped = name.hasSuffix("?")
      message[key] = Field(
        name: isDropped ? String(name.dropLast()) : name, isDroppedWhenZero: isDropped, type: type(letters[...]))
    }
    return message
  }

  private static func type(_ letters: Substring) -> FieldType {
    let rest = letters.dropFirst()
    switch letters.first {
    case "i": return .integer
    case "b": return .flag
    case "y": return .data
    case "d": return .double
    case "T": return .time
    case "U": return .microTime
    case "Q": return .quantity
    case "I": return .intOrString
    case "R": return .raw
    case "#": return .message(String(rest))
    case "@": return .wrappedList(String(rest))
    case "*": return .list(type(rest))
    case "%": return .map(type(rest))
    default: return .text
    }
  }

  func decode(_ bytes: ArraySlice<UInt8>, _ message: Message) throws(APIStatusError) -> JSONValue {
    var object: [String: JSONValue] = [:]
    var reader = ProtobufReader(bytes)
    while let (number, value) = try reader.next() {
      // A newer client's field: as an unknown one in JSON without validation.
      guard let field = message[number] else { continue }
      switch field.type {
      case .list(let element):
        var items = object[field.name]?.arrayValue ?? []
        items.append(try decode(value, element) ?? .null)
        object[field.name] = .array(items)
      case .map(let element):
        guard case .bytes(let entry) = value else { throw ProtobufBody.malformed }
        let (key, item) = try decodeEntry(entry, element)
        var map = object[field.name]?.objectValue ?? [:]
        map[key] = item
        object[field.name] = .object(map)
      default:
        guard let decoded = try decode(value, field.type) else { continue }
        if field.name.isEmpty {
          object.merge(decoded.objectValue ?? [:]) { _, new in new }
        } else if !(field.isDroppedWhenZero && [.string(""), .integer(0), .bool(false)].contains(decoded)) {
          object[field.name] = decoded
        }
      }
    }
    return .object(object)
  }

  /// A map is a list of messages with key 1 and value 2.
  private func decodeEntry(
    _ bytes: ArraySlice<UInt8>, _ element: FieldType
  ) throws(APIStatusError) -> (String, JSONValue) {
    var key = ""
    var item: JSONValue?
    var reader = ProtobufReader(bytes)
    while let (number, value) = try reader.next() {
      if number == 1, case .bytes(let text) = value { key = String(decoding: text, as: UTF8.self) }
      if number == 2 { item = try decode(value, element) }
    }
    if let item { return (key, item) }
    if case .text = element { return (key, "") }
    return (key, .null)
  }

  /// One value; nil for a zero time.
  private func decode(_ value: ProtobufReader.Value, _ type: FieldType) throws(APIStatusError) -> JSONValue? {
    switch (type, value) {
    case (.integer, .number(let number)): return .integer(Int64(bitPattern: number))
    case (.flag, .number(let number)): return .bool(number != 0)
    case (.double, .number(let number)): return .double(Double(bitPattern: number))
    case (.text, .bytes(let text)): return .string(String(decoding: text, as: UTF8.self))
    case (.data, .bytes(let data)): return .string(Data(data).base64EncodedString())
    case (.message(let name), .bytes(let bytes)): return try decode(bytes, messages[name] ?? [:])
    case (.wrappedList(let name), .bytes(let bytes)):
      return try decode(bytes, messages[name] ?? [:])["items"] ?? []
    case (.time, .bytes(let bytes)): return try time(bytes, inMicroseconds: false)
    case (.microTime, .bytes(let bytes)): return try time(bytes, inMicroseconds: true)
    case (.quantity, .bytes(let bytes)), (.raw, .bytes(let bytes)):
      var reader = ProtobufReader(bytes)
      guard let (_, content) = try reader.next(), case .bytes(let inner) = content else { return nil }
      if case .quantity = type { return .string(String(decoding: inner, as: UTF8.self)) }
      return try? JSONValue(parsing: Array(inner))
    case (.intOrString, .bytes(let bytes)): return try intOrString(bytes)
    default: throw ProtobufBody.malformed
    }
  }

  private func time(_ bytes: ArraySlice<UInt8>, inMicroseconds: Bool) throws(APIStatusError) -> JSONValue? {
    var seconds: Int64 = 0
    var nanoseconds: Int64 = 0
    var reader = ProtobufReader(bytes)
    while let (number, value) = try reader.next() {
      guard case .number(let bits) = value else { continue }
      if number == 1 { seconds = Int64(bitPattern: bits) } else { nanoseconds = Int64(bitPattern: bits) }
    }
    guard seconds != 0 || nanoseconds != 0 else { return nil }
    let text = Timestamp(secondsSinceEpoch: seconds).description
    guard inMicroseconds else { return .string(text) }
    let digits = String(nanoseconds / 1000)
    return .string(text.dropLast() + "." + String(repeating: "0", count: 6 - digits.count) + digits + "Z")
  }

  private func intOrString(_ bytes: ArraySlice<UInt8>) throws(APIStatusError) -> JSONValue {
    var isText = false
    var number: Int64 = 0
    var text = ""
    var reader = ProtobufReader(bytes)
    while let (field, value) = try reader.next() {
      switch (field, value) {
      case (1, .number(let kind)): isText = kind == 1
      case (2, .number(let bits)): number = Int64(bitPattern: bits)
      case (3, .bytes(let raw)): text = String(decoding: raw, as: UTF8.self)
      default: continue
      }
    }
    return isText ? .string(text) : .integer(number)
  }
}
