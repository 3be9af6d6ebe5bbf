import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore

/// The fields of a JSON object. A field that a route does not know is refused: a request with a misspelt or not yet
/// supported condition must not be carried out without it.
struct JSONBody: Decodable {
  /// Of every request: no order is longer, and nobody may make the server hold more.
  static let limit = 1 << 16

  private enum Value {
    case text(String), boolean(Bool), null, other
  }
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  private var values: [String: Value] = [:]

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    for key in container.allKeys {
      if let text = try? container.decode(String.self, forKey: key) {
        values[key.stringValue] = .text(text)
      } else if let boolean = try? container.decode(Bool.self, forKey: key) {
        values[key.stringValue] = .boolean(boolean)
      } else {
        values[key.stringValue] = try container.decodeNil(forKey: key) ? .null : .other
      }
    }
  }

  /// Reads a request's body, which must be a JSON object with no other than the `known` fields.
  static func read(
    _ request: Request, known: Set<String>, isOptional: Bool = false
  ) async throws -> JSONBody {
    var request = request
    let bytes = try await request.collectBody(upTo: limit)
    return try JSONBody(bytes, known: known, isOptional: isOptional)
  }

  init(_ bytes: ByteBuffer, known: Set<String>, isOptional: Bool = false) throws(APIError) {
    if isOptional, bytes.readableBytes == 0 { return }
    do {
      self = try JSONDecoder().decode(JSONBody.self, from: Data(bytes.readableBytesView))
    } catch {
      throw .malformed("the body is not a JSON object", remedy: "send a JSON object")
    }
    if let unknown = values.keys.filter({ !known.contains($0) }).min() {
      throw .malformed(
        field: shortened(unknown), "\(shortened(unknown)) is not a field of this request",
        remedy: "leave it out; known are \(known.sorted().joined(separator: ", "))")
    }
  }

  /// Nil when the field is absent or null.
  func text(_ field: String) throws(APIError) -> String? {
    switch values[field] {
    case nil, .null: return nil
    case .text(let text): return text
    default:
      throw .malformed(field: field, "\(field) is not text", remedy: "write it in quotes, such as \"0.10\"")
    }
  }

  func requiredText(_ field: String) throws(APIError) -> String {
    guard let text = try text(field) else {
      throw .malformed(field: field, "\(field) is missing", remedy: "add \"\(field)\" to the request")
    }
    return text
  }

  func boolean(_ field: String, default fallback: Bool) throws(APIError) -> Bool {
    switch values[field] {
    case nil, .null: return fallback
    case .boolean(let value): return value
    default: throw .malformed(field: field, "\(field) is not true or false", remedy: "write true or false, unquoted")
    }
  }
}

/// Text of a client for a message: not longer than people read.
func shortened(_ text: String) -> String { text.count > 40 ? text.prefix(40) + "…" : text }
