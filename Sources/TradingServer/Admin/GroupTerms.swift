import FoundationEssentials
import Logging
import ServiceLifecycle
import TradingCore
import TradingStore

/// What groups of accounts pay on top of the dealer's quotes. PostgreSQL has the truth; each replica looks for changes.
final class GroupTerms: Service, Sendable {
  private static let interval: Duration = .seconds(2)

  private let pool: PostgresPool
  private let board: MarketBoard
  private let logger: Logger

  init(pool: PostgresPool, board: MarketBoard, logger: Logger) {
    self.pool = pool
    self.board = board
    self.logger = logger
  }

  /// Points on each side of the quote by symbol, by group.
  func markups() async throws -> [String: [Symbol: Int64]] {
    let found = try await pool.run(deadline: .now + .seconds(5)) { connection in
      try connection.query("SELECT name, markups FROM groups", deadline: .now + .seconds(5))
    }
    var result: [String: [Symbol: Int64]] = [:]
    for row in 0..<found.rows.count {
      guard let name = found[row, 0], let json = found[row, 1] else { continue }
      let points = try JSONDecoder().decode([String: Int64].self, from: Data(json.utf8))
      result[name] = Dictionary(uniqueKeysWithValues: points.map { (Symbol($0), $1) })
    }
    return result
  }

  /// Sets a group's markups, in place of those that it had.
  func set(_ markups: [Symbol: Int64], of group: String) async throws {
    let points = Dictionary(uniqueKeysWithValues: markups.map { ($0.name, $1) })
    let json = String(decoding: try encodeJSON(points), as: UTF8.self)
    _ = try await pool.run(deadline: .now + .seconds(5)) { connection in
      try connection.query(
        """
        INSERT INTO groups (name, markups) VALUES ($1, $2::jsonb)
        ON CONFLICT (name) DO UPDATE SET markups = excluded.markups
        """, [group, json], deadline: .now + .seconds(5))
    }
    try await update()
  }

  /// Takes over what other replicas set, until shut down.
  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          try await self.update()
        } catch {
          self.logger.debug("the groups' markups could not be read", metadata: ["error": "\(error)"])
        }
        try? await Task.sleep(for: Self.interval)
      }
    }
  }

  private func update() async throws {
    let (terms, markups) = (board.market.terms, try await markups())
    guard terms.markups != markups else { return }
    board.replace(
      terms: DealerTerms(catalog: terms.catalog, maximumQuoteAge: terms.maximumQuoteAge, markups: markups))
    logger.notice("took over the groups' markups", metadata: ["groups": "\(markups.count)"])
  }
}
