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
      remedy: "see /docs or /openapi.json")
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
    case .command(let command): self.init(command)
    case .fenced, .busy:
      self.init(
        .serviceUnavailable, "busy", "too many commands are waiting; nothing was written",
        remedy: "send the same request again in a moment", retryAfter: 1)
    case .unavailable: self = .databaseUnavailable
    case .outcomeUnknown:
      self.init(
        .serviceUnavailable, "outcome_unknown",
        "the connection to the database was lost while the command was being committed",
        remedy: "send the same request again with the same clientOrderId or reference: it is carried out once, and "
          + "the answer tells", retryAfter: 1)
    }
  }

  init(_ error: CommandError) {
    switch error {
    case .conflict(let field):
      self.init(
        .conflict, "client_order_id_reused", field: field,
        "this clientOrderId was used for an order with another \(field)",
        remedy: "use a new clientOrderId for a different order")
    case .clientOrderIdMissing:
      self = .malformed(
        field: "clientOrderId", "clientOrderId is missing", remedy: "add \"clientOrderId\" to the order")
    case .wrongAccount:
      self = .malformed(field: "accountId", "the order belongs to another account", remedy: "leave accountId out")
    case .orderDoesntExist:
      self.init(
        .conflict, "order_not_pending", "the order was filled or cancelled before",
        remedy: "see GET /api/transactions for what became of it")
    case .tradeDoesntExist(let id):
      self.init(
        .notFound, "unknown_trade", field: "tradeId", "there is no open trade \(id)",
        remedy: "see GET /api/trades; a closed trade is in GET /api/transactions")
    case .protectionInvalid(let field):
      self.init(
        .unprocessableContent, "protection_invalid", field: field,
        "\(field) is out of range or on the wrong side of the market",
        remedy: "take profit lies beyond the price at which the trade would be closed now, stop loss before it")
    case .insufficientFunds:
      self.init(
        .unprocessableContent, "insufficient_funds", field: "amount",
        "the withdrawal is more than the balance or the free margin", remedy: "withdraw less, or close trades first")
    case .quoteMissing:
      self.init(
        .serviceUnavailable, "price_unavailable", "a price that is needed is missing",
        remedy: "send the same request again in a moment", retryAfter: 1)
    case .amountOverflow:
      self.init(
        .unprocessableContent, "amount_overflow", field: "amount", "the amounts are too large to be represented",
        remedy: "use smaller amounts")
    }
  }

  // The cause may name hosts; it is in the log.
  static let databaseUnavailable = APIError(
    .serviceUnavailable, "database_unavailable", "the database cannot be reached; nothing was written",
    remedy: "send the same request again in a moment", retryAfter: 1)

  /// The error as clients see it; nil for one that nobody foresaw.
  static func from(_ error: any Error) -> APIError? {
    switch error {
    case let error as APIError: error
    case let error as OrderValidationError: APIError(error)
    case let error as DeskError: APIError(error)
    case is NIOTooManyBytesError: .tooLarge
    case is PostgresError: .databaseUnavailable
    case is CancellationError: .shuttingDown
    default: nil
    }
  }
}
