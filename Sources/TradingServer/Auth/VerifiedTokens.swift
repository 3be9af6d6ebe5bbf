import Synchronization
import TradingCore

/// Access tokens whose signature was found good: a client sends the same one with every request until it expires.
///
/// Only tokens that this server has signed get in, so strangers cannot fill it.
final class VerifiedTokens: Sendable {
  /// What a token stands for. Whether its session has ended meanwhile is asked every time.
  struct Session: Sendable {
    let id: String
    let principal: Principal
  }

  private let limit: Int
  private let sessions = Mutex<[String: Session]>([:])

  /// - Parameter limit: tokens that are remembered at a time.
  init(limit: Int = 10_000) { self.limit = limit }

  /// Nil when the token is not known or has expired.
  func session(of token: String, at time: Timestamp) -> Session? {
    sessions.withLock { $0[token] }.flatMap {
      if let expires = $0.principal.expires, expires > time { $0 } else { nil }
    }
  }

  func remember(_ session: Session, of token: String) {
    sessions.withLock { sessions in
      // Those in use come back with their next request.
      if sessions.count >= limit { sessions.removeAll(keepingCapacity: true) }
      sessions[token] = session
    }
  }
}
