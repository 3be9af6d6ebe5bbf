import TradingCore

/// What a client may see, once it is known who it is.
struct StreamAccess: Sendable {
  /// When the token ends; nil for one that does not.
  let expires: Timestamp?
  /// Whether the account may be followed.
  let mayFollow: @Sendable (_ accountId: String) -> Bool
}

/// Decides about a client's token; nil stands for a client that shows none.
typealias StreamAuthentication = @Sendable (_ token: String?) throws(APIError) -> StreamAccess
