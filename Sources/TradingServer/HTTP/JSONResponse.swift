import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore

extension Response {
  /// A JSON body with sorted keys.
  static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
    .json(bytes: try encodeJSON(value), status: status)
  }

  /// A JSON body that is ready to send.
  static func json(bytes: some Sequence<UInt8>, status: HTTPResponse.Status = .ok) -> Response {
    Response(
      status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
  }
}

/// JSON with sorted keys, the same bytes for the same value.
func encodeJSON(_ value: some Encodable) throws -> Data {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return try encoder.encode(value)
}
