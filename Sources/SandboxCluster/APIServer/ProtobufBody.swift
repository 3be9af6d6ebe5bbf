import FoundationEssentials
import KubernetesModels

/// Reads `application/vnd.kubernetes.protobuf` request bodies: an envelope (runtime.Unknown) around a message of the
/// kind.
///
/// Answers are always JSON, which every client that sends protobuf also accepts.
enum ProtobufBody {
  static let mediaType = "application/vnd.kubernetes.protobuf"

  /// - Throws: 400 for bytes that are no such message, 415 for kinds whose fields are not known here.
  static func parse(_ body: [UInt8]) throws(APIStatusError) -> JSONValue {
    let magic: [UInt8] = [0x6b, 0x38, 0x73, 0]
    guard body.starts(with: magic) else { throw malformed }
    var apiVersion = ""
    var kind = ""
    var raw: ArraySlice<UInt8> = []
    var envelope = ProtobufReader(body[4...])
    while let field = try envelope.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let typeMeta)):
        var reader = ProtobufReader(typeMeta)
        while let part = try reader.next() {
          guard case .bytes(let text) = part.value else { continue }
          if part.number == 1 { apiVersion = String(decoding: text, as: UTF8.self) }
          if part.number == 2 { kind = String(decoding: text, as: UTF8.self) }
        }
      case (2, .bytes(let content)): raw = content
      default: continue
      }
    }
    guard let message = ProtobufMessages.shared.message(apiVersion: apiVersion, kind: kind) else {
      throw APIStatusError.unsupportedMediaType(
        "\(mediaType) of kind \(kind)", accepted: ["application/json", "application/yaml"])
    }
    var object = try ProtobufMessages.shared.decode(raw, message)
    object["apiVersion"] = .string(apiVersion)
    object["kind"] = .string(kind)
    return object
  }

  static var malformed: APIStatusError { .badRequest("the object provided is unrecognized: malformed protobuf") }
}

/// The wire format: numbered fields one after another (protobuf encoding guide).
struct ProtobufReader {
  enum Value {
    case number(UInt64)
    case bytes(ArraySlice<UInt8>)
  }

  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  /// The next field, nil at the end.
  mutating func next() throws(APIStatusError) -> (number: Int, value: Value)? {
    guard !rest.isEmpty else { return nil }
    let tag = try varint()
    let number = Int(truncatingIfNeeded: tag >> 3)
    switch tag & 7 {
    case 0: return (number, .number(try varint()))
    case 1: return (number, .number(try fixed(8)))
    case 5: return (number, .number(try fixed(4)))
    case 2:
      let length = try varint()
      guard length <= UInt64(rest.count) else { throw ProtobufBody.malformed }
      defer { rest = rest.dropFirst(Int(length)) }
      return (number, .bytes(rest.prefix(Int(length))))
    default: throw ProtobufBody.malformed
    }
  }

  private mutating func varint() throws(APIStatusError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard let byte = rest.popFirst() else { throw ProtobufBody.malformed }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    throw ProtobufBody.malformed
  }

  private mutating func fixed(_ count: Int) throws(APIStatusError) -> UInt64 {
    guard rest.count >= count else { throw ProtobufBody.malformed }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
