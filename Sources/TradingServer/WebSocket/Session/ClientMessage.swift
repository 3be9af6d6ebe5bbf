import FoundationEssentials
import NIOCore
import TradingCore

/// What clients send over the WebSocket.
enum ClientMessage: Equatable {
  /// Nil: all symbols. The account's transactions follow the one with the id `since`.
  case subscribe(symbols: [Symbol]?, account: String?, since: TransactionID?)
  case unsubscribe(symbols: [Symbol]?, account: String?)
  case authenticate(token: String)
  case ping

  /// - Throws: `StreamMistake` that says what to send instead.
  init(_ text: ByteBuffer, limits: StreamLimits) throws(StreamMistake) {
    guard let fields = try? JSONDecoder().decode(Fields.self, from: Data(text.readableBytesView)) else {
      throw StreamMistake(
        "invalid_message", "the message is not understood", remedy: #"send {"type":"subscribe","symbols":["EURUSD"]}"#)
    }
    if let symbols = fields.symbols, symbols.count > limits.symbols {
      throw StreamMistake(
        "too_many_symbols", field: "symbols", "a message names at most \(limits.symbols) symbols",
        remedy: "send several messages, or leave symbols out for all")
    }
    switch fields.type {
    case "subscribe":
      self = .subscribe(symbols: fields.symbols, account: fields.account, since: try fields.sinceId)
    case "unsubscribe": self = .unsubscribe(symbols: fields.symbols, account: fields.account)
    case "authenticate":
      guard let token = fields.token else {
        throw StreamMistake(
          "invalid_message", field: "token", "token is missing", remedy: "send the token of POST /api/session")
      }
      self = .authenticate(token: token)
    case "ping": self = .ping
    default:
      throw StreamMistake(
        "unknown_type", field: "type", "unknown type \"\(fields.type.prefix(64))\"",
        remedy: "use subscribe, unsubscribe, authenticate or ping")
    }
  }

  private struct Fields: Decodable {
    let type: String
    let symbols: [Symbol]?
    let account: String?
    let since: Number?
    let token: String?

    var sinceId: TransactionID? {
      get throws(StreamMistake) {
        guard let since else { return nil }
        guard let id = since.value, id >= 0 else {
          throw StreamMistake(
            "invalid_message", field: "since", "since is not a transaction's id",
            remedy: "send the id of the last transaction that you have seen, or leave it out")
        }
        return id
      }
    }
  }

  /// Ids are text in answers, so they are accepted as text too.
  private struct Number: Decodable {
    let value: Int64?

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self) {
        value = Int64(text)
      } else {
        value = try? container.decode(Int64.self)
      }
    }
  }
}

/// A message that cannot be followed; the connection goes on.
struct StreamMistake: Error, Equatable {
  let code: String
  let field: String?
  let message: String
  let remedy: String

  init(_ code: String, field: String? = nil, _ message: String, remedy: String) {
    self.code = code
    self.field = field
    self.message = message
    self.remedy = remedy
  }

  init(_ error: APIError) {
    self.init(error.error.code, field: error.error.field, error.error.message, remedy: error.error.remedy)
  }
}
