import Logging
import ServiceLifecycle
import Synchronization
import TradingCore
import TradingStore

/// Sessions that were ended and refresh tokens that were used.
///
/// PostgreSQL has the truth. For access tokens, which are checked with every request, each replica keeps the ended
/// sessions of the last minutes in memory and looks for news every second; so a session that was ended at another replica
/// is refused at most `interval` later, and goes on at most until its access token expires while the database is away.
final class Revocations: Service, Sendable {
  static let interval: Duration = .seconds(1)
  private static let cleaningInterval: Duration = .seconds(600)
  /// An ended session, until its last access token has expired.
  private static let endedPrefix = "ended:"
  private static let sessionPrefix = "session:"
  private static let refreshPrefix = "refresh:"

  private let pool: PostgresPool
  private let logger: Logger
  /// Until when each ended session is to be remembered.
  private let ended = Mutex<[String: Timestamp]>([:])

  init(pool: PostgresPool, logger: Logger) {
    self.pool = pool
    self.logger = logger
  }

  func isEnded(_ session: String) -> Bool { ended.withLock { $0[session] != nil } }

  /// Ends a session with all of its tokens.
  ///
  /// - Parameters:
  ///   - accessUntil: when its last access token expires at the latest.
  ///   - until: the same for its refresh tokens.
  func end(_ session: String, accessUntil: Timestamp, until: Timestamp) async throws {
    _ = try await pool.run(deadline: .now + .seconds(5)) { connection in
      try connection.query(
        """
        INSERT INTO revoked_tokens (jti, expires) VALUES ($1, $2::timestamptz), ($3, $4::timestamptz)
        ON CONFLICT (jti) DO NOTHING
        """,
        [
          Self.endedPrefix + session, accessUntil.description, Self.sessionPrefix + session, until.description,
        ], deadline: .now + .seconds(5))
    }
    ended.withLock { $0[session] = accessUntil }
  }

  /// Uses a refresh token up. False when it was used before or its session has ended.
  func use(refreshToken id: String, of session: String, until: Timestamp) async throws -> Bool {
    try await pool.run(deadline: .now + .seconds(5)) { connection in
      let rows = try connection.query(
        """
        INSERT INTO revoked_tokens (jti, expires)
        SELECT $1, $2::timestamptz WHERE NOT EXISTS (SELECT 1 FROM revoked_tokens WHERE jti = $3)
        ON CONFLICT (jti) DO NOTHING RETURNING 1
        """, [Self.refreshPrefix + id, until.description, Self.sessionPrefix + session],
        deadline: .now + .seconds(5))
      return !rows.isEmpty
    }
  }

  /// Follows the sessions that other replicas end, until cancelled or shut down.
  func run() async throws {
    await cancelWhenGracefulShutdown {
      var next = ContinuousClock.now
      while !Task.isCancelled {
        do {
          try await self.readEnded()
          if next <= .now {
            try await self.removeExpired()
            next = .now + Self.cleaningInterval
          }
        } catch {
          self.logger.debug("revoked sessions could not be read", metadata: ["error": "\(error)"])
        }
        try? await Task.sleep(for: Self.interval)
      }
    }
  }

  private func readEnded() async throws {
    let found = try await pool.run(deadline: .now + .seconds(2)) { connection in
      // A range of the primary key: ";" follows ":".
      try connection.query(
        """
        SELECT jti, (extract(epoch FROM expires) * 1000)::bigint FROM revoked_tokens
        WHERE jti >= 'ended:' AND jti < 'ended;' AND expires > now()
        """, deadline: .now + .seconds(2))
    }
    let now = Timestamp.now
    ended.withLock { ended in
      ended = ended.filter { $0.value > now }
      for row in 0..<found.rows.count {
        guard let id = found[row, 0], let until = found[row, 1].flatMap({ Int64($0) }) else { continue }
        ended[String(id.dropFirst(Self.endedPrefix.count))] = Timestamp(milliseconds: until)
      }
    }
  }

  private func removeExpired() async throws {
    _ = try await pool.run(deadline: .now + .seconds(5)) { connection in
      try connection.query("DELETE FROM revoked_tokens WHERE expires < now()", deadline: .now + .seconds(5))
    }
  }
}
