import HTTPTypes
import Hummingbird
import TradingCore

/// What requests say in their paths and queries.
extension TradingContext {
  /// The account that the request is about: `?accountId=`, else the client's only one.
  ///
  /// - Throws: `APIError` 400 for a text that cannot be an id, 403 for an account that the client may not trade on.
  func accountId(_ request: Request) throws -> String {
    try accountId(named: request.uri.queryParameters["accountId"].map { String($0) })
  }

  func accountId(named name: String?) throws -> String {
    let client = try client()
    guard client.role == .trader else {
      throw APIError.forbidden("an administrator has no account", remedy: "log in as a trader, or use /admin")
    }
    let own = client.accounts?.count == 1 ? client.accounts?.first : nil
    guard let name = name ?? own else {
      throw APIError.malformed(field: "accountId", "accountId is missing", remedy: "add ?accountId=")
    }
    let id = try OrderDraft.identifier(name, field: "accountId")
    guard client.mayTrade(id) else {
      throw APIError(
        .forbidden, "forbidden", field: "accountId", "\"\(id)\" is not an account of yours",
        remedy: "log in with POST /api/session as that account's trader")
    }
    return id
  }

  /// The id of a transaction in the path.
  func transactionId(_ name: String) throws -> TransactionID {
    let text = try parameters.require(name)
    guard let id = TransactionID(text), id > 0 else {
      throw APIError.malformed(field: name, "\"\(shortened(text))\" is not an id", remedy: "use an id such as 42")
    }
    return id
  }
}

extension Request {
  /// A whole number of the query.
  func number(_ name: String, default fallback: Int64, in range: ClosedRange<Int64>) throws(APIError) -> Int64 {
    guard let text = uri.queryParameters[Substring(name)] else { return fallback }
    guard let number = Int64(text), range.contains(number) else {
      throw .malformed(
        field: name, "\"\(shortened(String(text)))\" is not usable",
        remedy: "use a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}

extension ContinuousClock.Instant {
  /// Of a request: long enough for a planned switch of the database primary, short enough for a client that waits.
  static var requestDeadline: ContinuousClock.Instant { .now + .seconds(10) }
}
