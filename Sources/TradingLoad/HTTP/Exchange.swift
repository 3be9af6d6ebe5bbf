import NIOCore
import NIOHTTP1

/// A request, apart from the server that gets it.
struct Request: Sendable {
  let method: HTTPMethod
  let path: String
  var body: String?
  /// The bearer token.
  let token: SessionToken?

  static func get(_ path: String, token: SessionToken? = nil) -> Request {
    Request(method: .GET, path: path, token: token)
  }

  static func post(_ path: String, _ body: String, token: SessionToken? = nil) -> Request {
    Request(method: .POST, path: path, body: body, token: token)
  }

  static func delete(_ path: String, token: SessionToken?) -> Request {
    Request(method: .DELETE, path: path, token: token)
  }

  /// Whether sending it twice is the same as sending it once, whatever became of the first one.
  var isRead: Bool { method == .GET }
}

/// A server's answer.
struct Answer: Sendable {
  let status: Int
  /// Whole seconds of Retry-After.
  let retryAfter: Int64?
  let body: ByteBuffer

  var text: String { String(buffer: body) }

  /// Says nothing about the request itself: the same one may succeed a moment later.
  var isTransient: Bool { status >= 500 || status == 429 || status == 408 }

  /// What goes into the report's list of troubles: the status and the API's error code where there is one.
  var problem: String {
    let bytes = body.readableBytesView
    guard let key = bytes.firstRange(of: Array(#""code":""#.utf8)) else { return "HTTP \(status)" }
    let code = bytes[key.upperBound...].prefix { $0 != UInt8(ascii: "\"") }
    return "HTTP \(status) \(String(decoding: code, as: UTF8.self))"
  }
}

/// Why there is no answer.
enum ExchangeError: String, Error, Sendable {
  case cannotConnect = "cannot connect"
  case connectionLost = "connection lost"
  case timedOut = "no answer in time"
}
