public import TradingCore

/// What a client may do.
public enum Role: String, Sendable, Hashable, Codable, CaseIterable {
  /// Trades on accounts of its own.
  case trader
  /// Opens and funds accounts and sets terms, but trades on none.
  case admin
}

/// Who sends a request.
public struct Principal: Sendable, Hashable {
  /// The login, which for a trader is the account's id.
  public let subject: String
  public let role: Role
  /// The accounts that may be traded on; nil for none.
  public let accounts: Set<String>?
  /// When the token that said so expires; nil for the demo trader, who has none.
  public let expires: Timestamp?

  public init(subject: String, role: Role, accounts: Set<String>?, expires: Timestamp?) {
    self.subject = subject
    self.role = role
    self.accounts = accounts
    self.expires = expires
  }

  /// Whoever sends no token while demo access is open.
  static let demo = Principal(
    subject: OrderDraft.defaultAccountId, role: .trader, accounts: [OrderDraft.defaultAccountId], expires: nil)

  /// Whether orders may be placed on the account and its ledger be read.
  public func mayTrade(_ accountId: String) -> Bool {
    role == .trader && accounts?.contains(accountId) == true
  }
}

/// Tells who sends a request or opens a WebSocket.
protocol Authenticating: Sendable {
  /// - Parameter token: what follows `Bearer` in the Authorization header; nil without one, which is the demo trader
  ///   where that is allowed.
  /// - Throws: `APIError` 401 for a token that is no good, or for none where one is needed.
  func principal(bearer token: String?) throws(APIError) -> Principal
}
