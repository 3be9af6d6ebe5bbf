import FoundationEssentials
import NIOCore
import NIOWebSocket
import TradingCore

/// What the server says besides prices and accounts.
enum StreamReply: Equatable {
  case pong
  case authenticated(expires: Timestamp?)
  case error(StreamMistake)
  /// Nothing else was said for a while.
  case heartbeat(Timestamp)
  /// This replica goes away. A thousand clients that come back at once would be a burden for the next one, so each
  /// picks a moment within so many milliseconds.
  case reconnect(withinMilliseconds: Int)
}

extension StreamReply: Encodable {
  private enum Key: CodingKey { case type, error, expires, time, message, withinMilliseconds }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    switch self {
    case .pong: try container.encode("pong", forKey: .type)
    case .authenticated(let expires):
      try container.encode("authenticated", forKey: .type)
      try container.encodeIfPresent(expires?.description, forKey: .expires)
    case .error(let mistake):
      try container.encode("error", forKey: .type)
      try container.encode(
        APIError.Detail(code: mistake.code, field: mistake.field, message: mistake.message, remedy: mistake.remedy),
        forKey: .error)
    case .heartbeat(let time):
      try container.encode("heartbeat", forKey: .type)
      try container.encode(time.description, forKey: .time)
    case .reconnect(let milliseconds):
      try container.encode("reconnect", forKey: .type)
      try container.encode("this replica is shutting down: reconnect, another one will answer", forKey: .message)
      try container.encode(milliseconds, forKey: .withinMilliseconds)
    }
  }

  /// The whole frame.
  func frame() -> ByteBuffer {
    // Nothing in these messages can fail to be encoded.
    let text = (try? encodeJSON(self)) ?? Data()
    return .frame(.text, ByteBuffer(bytes: text))
  }
}
