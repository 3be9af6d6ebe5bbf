/// How a WebSocket is closed: a code of RFC 6455, section 7.4, or of IANA's registry, and a reason for people.
struct StreamClose: Error, Hashable, Sendable {
  let code: UInt16
  /// At most 123 bytes of UTF-8, for a control frame holds no more.
  let reason: String

  /// 1001: this replica goes away; another one serves the same stream.
  static let drain = StreamClose(code: 1001, reason: "going away: reconnect elsewhere")
  /// 1003: messages are text.
  static let binary = StreamClose(code: 1003, reason: "binary messages are not understood: send JSON as text")
  /// 1007: text that is not UTF-8.
  static let malformedText = StreamClose(code: 1007, reason: "text must be UTF-8")

  /// 1002: the bytes break RFC 6455.
  static func violation(_ reason: String) -> StreamClose { StreamClose(code: 1002, reason: reason) }

  /// 1008: the client did what is not allowed, or not in time.
  static func policy(_ reason: String) -> StreamClose { StreamClose(code: 1008, reason: reason) }

  /// 1013: the client took nothing while its account went on.
  static func outgrown(after id: Int64, account: String) -> StreamClose {
    StreamClose(code: 1013, reason: "too slow: reconnect and resume \(account.prefix(64)) with since=\(id)")
  }

  /// 1009: a message of more than `limit` bytes.
  static func tooLarge(limit: Int) -> StreamClose {
    StreamClose(code: 1009, reason: "messages have at most \(limit) bytes")
  }

  /// Whether a client may send `code` (RFC 6455, section 7.4.2, and IANA's registry of close codes).
  static func isValid(received code: UInt16) -> Bool {
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}
