import HTTPTypes
import NIOCore
import TradingCore
import TradingStore

/// An error as clients receive it: `{"error":{"code","field","message","remedy"}}`.
struct APIError: Error, Encodable {
  struct Detail: Encodable {
    let code: String
    var field: String?
    let message: String
    let remedy: String
  }

  let status: HTTPResponse.Status
  /// Seconds after which the request has a chance, for the Retry-After header.
  let retryAfter: Int?
  let error: Detail

  init(
    _ status: HTTPResponse.Status, _ code: String, field: String? = nil, _ message: String, remedy: String,
    retryAfter: Int? = nil
  ) {
    self.status = status
    self.retryAfter = retryAfter
    error = Detail(code: code, field: field, message: message, remedy: remedy)
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(error, forKey: .error)
  }

  private enum CodingKeys: CodingKey { case error }

  static func malformed(field: String? = nil, _ message: String, remedy: String) -> APIError {
    APIError(.badRequest, "invalid_request", field: field, message, remedy: remedy)
  }

  static func unknownRoute(_ method: String, _ path: String) -> APIError {
    APIError(
      .notFound, "unknown_route", "there is no \(method) \(path)",
      remedy: "see /api/symbols, /api/prices, /api/orders, /api/stats, /ws, /health, /ready and /metrics")
  }

  static let tooLarge = APIError(
    .contentTooLarge, "body_too_large", "the body is larger than 64 KiB", remedy: "send a smaller body")

  static let shuttingDown = APIError(
    .serviceUnavailable, "shutting_down", "this replica is shutting down", remedy: "send the request again",
    retryAfter: 1)

  static let internalError = APIError(
    .internalServerError, "internal_error", "the request failed on the server",
    remedy: "try again, and report the X-Request-Id of this answer when it persists")
}

extension APIError {
  init(_ error: OrderValidationError) {
    switch error.kind {
    case .malformed:
      self = .malformed(field: error.field, error.message, remedy: error.remedy)
    case .refused:
      self.init(.unprocessableContent, "order_refused", field: error.field, error.message, remedy: error.remedy)
    }
  }

  init(_ error: DeskError) {
    switch error {
    case .unknownAccount(let account):
      self.init(
        .unprocessableContent, "unknown_account", field: "accountId", "there is no account \"\(account)\"",
        remedy: "use an account that exists, such as \"demo\"")
    case .accountExists(let account):
      self.init(
        .conflict, "account_exists", field: "accountId", "there is an account \"\(account)\" already",
        remedy: "choose another accountId")
    case .command(.conflict(let field)):
      self.init(
        .conflict, "client_order_id_reused", field: field,
        "this clientOrderId was used for an order with another \(field)",
        remedy: "use a new clientOrderId for a different order")
    case .command(let command):
      self.init(
        .unprocessableContent, "command_refused", "the account refused: \(command)",
        remedy: "look at the account and send a command that fits its state")
    case .fenced, .busy:
      self.init(
        .serviceUnavailable, "busy", "too many orders are waiting; nothing was placed",
        remedy: "send the same request again in a moment")
    case .unavailable:
      // The cause may name hosts; it is in the log.
      self.init(
        .serviceUnavailable, "database_unavailable", "the database cannot be reached; nothing was placed",
        remedy: "send the same request again in a moment")
    case .outcomeUnknown:
      self.init(
        .serviceUnavailable, "outcome_unknown",
        "the connection to the database was lost while the order was being committed",
        remedy: "send the same request again with the same clientOrderId: it is placed once, and the answer tells")
    }
  }

  /// The error as clients see it; nil for one that nobody foresaw.
  static func from(_ error: any Error) -> APIError? {
    switch error {
    case let error as APIError: error
    case let error as OrderValidationError: APIError(error)
    case let error as DeskError: APIError(error)
    case is NIOTooManyBytesError: .tooLarge
    case is CancellationError: .shuttingDown
    default: nil
    }
  }
}
