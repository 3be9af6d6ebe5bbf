public import Logging
public import TradingCore

/// A transaction that was committed, by whichever replica.
public struct LedgerEntry: Sendable, Hashable {
  public let accountId: String
  public let transaction: Transaction

  public init(accountId: String, transaction: Transaction) {
    self.accountId = accountId
    self.transaction = transaction
  }
}

/// Hears of everything that is committed to the ledger: in order within an account, none missed from the moment that `run`
/// began, each once.
///
/// Two looks a moment apart differ by the transactions of the database that ended in between. PostgreSQL's snapshots say
/// which those are: what was not begun or still under way at the first look and is visible at the second
/// (PostgreSQL: "System Information Functions", pg_current_snapshot). Ids or times would miss a commit
/// that is overtaken by a later one.
public final class LedgerTail: Sendable {
  /// From one look's begin to the next at least: with several replicas that each tell of a hundred commits a second,
  /// looking at every word would cost the database more than the commits.
  private static let pace = Duration.milliseconds(10)

  private let pool: PostgresPool
  private let interval: Duration
  private let logger: Logger
  private let wakes: AsyncStream<Void>
  private let waker: AsyncStream<Void>.Continuation

  /// - Parameter interval: between two looks when nobody calls `wake`.
  public init(pool: PostgresPool, interval: Duration = .milliseconds(50), logger: Logger) {
    self.pool = pool
    self.interval = interval
    self.logger = logger
    (wakes, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  }

  /// Looks now, or once a hundredth of a second has passed since the last look began.
  public func wake() { waker.yield() }

  /// Calls `receive` with what is new, until the task is cancelled. The first call comes with nothing, when it has begun:
  /// what is committed from then on is not missed. To be called once. While the database is away it waits
  /// and goes on where it was.
  public func run(_ receive: @Sendable ([LedgerEntry]) async -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { [interval] in
        while !Task.isCancelled {
          try await Task.sleep(for: interval)
          self.wake()
        }
      }
      defer { group.cancelAll() }
      var position: Position?
      var backoff = Backoff()
      wake()
      for await _ in wakes {
        let began = ContinuousClock.now
        do {
          let look = try await look(from: position)
          if position == nil || !look.entries.isEmpty { await receive(look.entries) }
          position = look.position
          backoff = Backoff()
        } catch {
          logger.warning("the ledger cannot be read", metadata: ["error": "\(error)"])
          try await Task.sleep(for: backoff.next())
        }
        try await Task.sleep(until: began + Self.pace)
      }
      try Task.checkCancellation()
    }
  }

  /// What a look has seen.
  private struct Position: Sendable {
    /// Transactions from this one on had not begun.
    let next: String
    /// These were under way.
    let open: [String]

    /// From pg_snapshot's text form `xmin:xmax:xip,xip`.
    init?(_ snapshot: String?) {
      guard let parts = snapshot?.split(separator: ":", omittingEmptySubsequences: false), parts.count == 3 else {
        return nil
      }
      next = String(parts[1])
      open = parts[2].split(separator: ",").map { String($0) }
    }
  }

  private static let first = PreparedStatement(name: "tail_start", sql: "SELECT pg_current_snapshot()")

  // A row's system column tells whether it was written in this very cluster: rows of a restored dump carry numbers of
  // another cluster, which this one will come to.
  private static let following = PreparedStatement(
    name: "tail_next",
    sql: """
      SELECT pg_current_snapshot(), NULL, NULL
      UNION ALL (
        SELECT NULL, account_id, line FROM (
          SELECT account_id, transaction_id, line FROM transactions WHERE xid >= $1::xid8 AND xmin = xid::xid
          UNION ALL
          SELECT account_id, transaction_id, line FROM transactions
          WHERE xid = ANY($2::xid8[]) AND xid < $1::xid8 AND xmin = xid::xid
        ) AS new ORDER BY account_id, transaction_id
      )
      """)

  private func look(from position: Position?) async throws -> (position: Position, entries: [LedgerEntry]) {
    let deadline = ContinuousClock.now + .seconds(10)
    let rows = try await pool.run(deadline: deadline) { connection in
      guard let position else { return try connection.query(Self.first, deadline: deadline).rows }
      return try connection.query(
        Self.following, [position.next, PostgresArray.text(of: position.open)], deadline: deadline
      ).rows
    }
    guard let reached = Position(rows.first?.first ?? nil) else {
      throw PostgresError.connectionLost("no snapshot in the answer")
    }
    var entries: [LedgerEntry] = []
    for row in rows.dropFirst() {
      guard let accountId = row[1], let line = row[2] else { continue }
      do {
        entries.append(
          LedgerEntry(accountId: accountId, transaction: try Transaction(canonicalLine: line, accountId: accountId)))
      } catch {
        logger.error(
          "a transaction cannot be read", metadata: ["account_id": "\(accountId)", "line": "\(line)"])
      }
    }
    return (reached, entries)
  }
}
