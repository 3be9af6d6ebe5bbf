import FoundationEssentials
public import TradingCore

/// Places and finds orders in PostgreSQL.
///
/// An order, its fill and its ledger row are one transaction. The client order id makes it safe to repeat: whatever
/// happens to connections on the way, one id is executed once.
public struct OrderStore: Sendable {
  /// Thrown inside when COMMIT was sent and no answer came back.
  private struct CommitInDoubt: Error { let cause: PostgresError }

  private let pool: PostgresPool

  public init(pool: PostgresPool) { self.pool = pool }

  /// Places `request`, or returns the stored answer when its client order id was used before.
  ///
  /// - Parameters:
  ///   - deadline: when to give up reaching the database.
  ///   - execute: fills the order. Called late, so that an order that had to wait gets the price of its execution.
  /// - Throws: `OrderStoreError`, or what `execute` throws.
  public func place(
    _ request: OrderRequest, deadline: ContinuousClock.Instant,
    execute: @escaping @Sendable (OrderRequest) throws -> Fill
  ) async throws -> Placement {
    var backoff = Backoff()
    var isInDoubt = false
    while true {
      let cause: PostgresError
      do {
        let placement = try await pool.run(deadline: deadline) { connection in
          try Self.attempt(request, connection, deadline: deadline, execute: execute)
        }
        // What is found after a commit in doubt is what this call placed.
        return Placement(receipt: placement.receipt, isNew: placement.isNew || isInDoubt)
      } catch let doubt as CommitInDoubt {
        // The next attempt starts by looking the id up on another connection. If the old transaction is still being
        // committed, the account's row lock makes the attempt wait for it, so what it finds is final.
        isInDoubt = true
        cause = doubt.cause
      } catch let error as PostgresError {
        guard error.isConnectionFailure || error.isTransient else { throw Self.failure(error, isInDoubt: isInDoubt) }
        cause = error
      }
      let pause = backoff.next()
      guard .now + pause < deadline else { throw Self.failure(cause, isInDoubt: isInDoubt) }
      try await Task.sleep(for: pause)
    }
  }

  /// The answer of an order that was placed, nil when there is none.
  public func receipt(
    accountId: String, clientOrderId: String, deadline: ContinuousClock.Instant
  ) async throws -> String? {
    try await reading(deadline: deadline) { connection in
      try Self.find(accountId, clientOrderId, connection, deadline: deadline)?.receipt
    }
  }

  /// The answers of an account's orders, newest first.
  public func receipts(accountId: String, limit: Int, deadline: ContinuousClock.Instant) async throws -> [String] {
    try await reading(deadline: deadline) { connection in
      try connection.query(
        "SELECT receipt FROM orders WHERE account_id = $1 ORDER BY order_id DESC LIMIT $2::int",
        [accountId, String(limit)], deadline: deadline
      ).rows.compactMap { $0.first ?? nil }
    }
  }

  /// Counts all rows of orders, fills and the ledger in one snapshot.
  public func counts(deadline: ContinuousClock.Instant) async throws -> StoreCounts {
    try await reading(deadline: deadline) { connection in
      let row = try connection.query(
        "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM fills), (SELECT count(*) FROM transactions)",
        deadline: deadline)
      func number(_ column: Int) -> Int64 { row[0, column].flatMap { Int64($0) } ?? 0 }
      return StoreCounts(orders: number(0), fills: number(1), transactions: number(2))
    }
  }

  /// Nil when the database takes writes and has every migration in `migrations`; otherwise a sentence that says why not.
  public func obstacle(
    migrations: [Migration] = Migration.all, deadline: ContinuousClock.Instant
  ) async -> String? {
    do {
      return try await pool.run(deadline: deadline) { connection in
        let newest = migrations.last?.number ?? 0
        let row = try connection.query(
          "SELECT pg_is_in_recovery(), (SELECT max(number) FROM schema_migrations)", deadline: deadline)
        if row[0, 0] == "t" { return "the database is a read-only replica; waiting for a primary" }
        let current = row[0, 1].flatMap { Int($0) } ?? 0
        return current < newest
          ? "the schema is at migration \(current) of \(newest); run `rtx-server migrate up`" : nil
      }
    } catch let error as PostgresError where error.sqlState == "42P01" {
      return "the database has no schema; run `rtx-server migrate up`"
    } catch {
      return "\(error)"
    }
  }

  /// Reads may simply be repeated on a new connection.
  private func reading<Value: Sendable>(
    deadline: ContinuousClock.Instant, _ body: @escaping @Sendable (isolated PostgresConnection) throws -> Value
  ) async throws -> Value {
    var backoff = Backoff()
    while true {
      do {
        return try await pool.run(deadline: deadline, body)
      } catch let error as PostgresError {
        let pause = backoff.next()
        guard error.isConnectionFailure, .now + pause < deadline else { throw Self.failure(error, isInDoubt: false) }
        try await Task.sleep(for: pause)
      }
    }
  }

  private static func failure(_ error: PostgresError, isInDoubt: Bool) -> any Error {
    isInDoubt ? OrderStoreError.outcomeUnknown("\(error)") : OrderStoreError.unavailable("\(error)")
  }
}

// MARK: - One attempt, on the connection's thread

extension OrderStore {
  private static func attempt(
    _ request: OrderRequest, _ connection: isolated PostgresConnection, deadline: ContinuousClock.Instant,
    execute: (OrderRequest) throws -> Fill
  ) throws -> Placement {
    if let placement = try existing(request, connection, deadline: deadline) { return placement }
    do {
      try connection.query("BEGIN", deadline: deadline)
      let placement = try insert(request, connection, deadline: deadline, execute: execute)
      do {
        try connection.query("COMMIT", deadline: deadline)
      } catch {
        if error.isConnectionFailure { throw CommitInDoubt(cause: error) }
        throw error
      }
      return placement
    } catch let error as PostgresError where error.sqlState == "23505" {
      // The same id was placed by another request between the look-up and the insert.
      try connection.query("ROLLBACK", deadline: deadline)
      if let placement = try existing(request, connection, deadline: deadline) { return placement }
      throw error
    } catch {
      // What matters is the error at hand; a connection that cannot roll back is thrown away by the pool.
      if !(error is CommitInDoubt) { _ = try? connection.query("ROLLBACK", deadline: deadline) }
      throw error
    }
  }

  /// The answer to an order of the same id. Throws `conflict` when that was a different order.
  private static func existing(
    _ request: OrderRequest, _ connection: isolated PostgresConnection, deadline: ContinuousClock.Instant
  ) throws -> Placement? {
    guard
      let (stored, receipt) = try find(
        request.accountId, request.clientOrderId, connection, deadline: deadline)
    else { return nil }
    if let field = request.fieldDiffering(from: stored) {
      throw OrderStoreError.conflict(field: field, stored: stored.text(of: field), requested: request.text(of: field))
    }
    return Placement(receipt: receipt, isNew: false)
  }

  private static func find(
    _ accountId: String, _ clientOrderId: String, _ connection: isolated PostgresConnection,
    deadline: ContinuousClock.Instant
  ) throws -> (order: OrderRequest, receipt: String)? {
    let rows = try connection.query(
      """
      SELECT symbol, side, type, volume_hundredths, receipt FROM orders
      WHERE account_id = $1 AND client_order_id = $2
      """, [accountId, clientOrderId], deadline: deadline)
    guard let symbol = rows[0, 0], let side = rows[0, 1].flatMap({ Side(rawValue: $0) }),
      let type = rows[0, 2].flatMap({ OrderType(rawValue: $0) }), let volume = rows[0, 3].flatMap({ Int64($0) }),
      let receipt = rows[0, 4]
    else { return nil }
    let order = OrderRequest(
      accountId: accountId, clientOrderId: clientOrderId, symbol: Symbol(symbol), side: side, type: type,
      volume: Volume(hundredths: volume))
    return (order, receipt)
  }

  private static func insert(
    _ request: OrderRequest, _ connection: isolated PostgresConnection, deadline: ContinuousClock.Instant,
    execute: (OrderRequest) throws -> Fill
  ) throws -> Placement {
    // The row lock that this takes lines up all writers of the account, which is what makes its ledger gapless.
    let account = try connection.query(
      """
      UPDATE accounts SET last_transaction_id = last_transaction_id + 1
      WHERE account_id = $1 RETURNING last_transaction_id
      """, [request.accountId], deadline: deadline)
    guard let id = account[0, 0].flatMap({ Int64($0) }) else {
      throw OrderStoreError.unknownAccount(request.accountId)
    }

    let fill = try execute(request)
    let receipt = try encode(OrderReceipt(filled: request, fill: fill, transactionId: id))
    // A commit that waits for a synchronous replica must not be ended by statement_timeout: PostgreSQL would then report
    // success for a commit that only the primary has (see "Synchronous Replication"). The last column lifts the limit
    // for the COMMIT that follows, until the end of the transaction.
    try connection.query(
      """
      WITH placed AS (
        INSERT INTO orders (account_id, order_id, client_order_id, symbol, side, type, volume_hundredths, status,
          placed_at, receipt)
        VALUES ($1, $2::bigint, $3, $4, $5, $6, $7::bigint, 'filled', $8::timestamptz, $9)
      ), filled AS (
        INSERT INTO fills (account_id, order_id, price_points, price_digits, volume_hundredths, filled_at)
        VALUES ($1, $2::bigint, $10::bigint, $11::smallint, $7::bigint, $8::timestamptz)
      )
      INSERT INTO transactions (account_id, transaction_id, kind, order_id, created_at)
      VALUES ($1, $2::bigint, 'ORDER_FILL', $2::bigint, $8::timestamptz)
      RETURNING set_config('statement_timeout', '0', true)
      """,
      [
        request.accountId, String(id), request.clientOrderId, request.symbol.name, request.side.rawValue,
        request.type.rawValue, String(request.volume.hundredths), fill.time.description, receipt,
        String(fill.price.points), String(fill.digits),
      ], deadline: deadline)
    return Placement(receipt: receipt, isNew: true)
  }

  private static func encode(_ receipt: OrderReceipt) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(receipt), as: UTF8.self)
  }
}

extension OrderRequest {
  fileprivate func text(of field: String) -> String {
    switch field {
    case "symbol": symbol.name
    case "side": side.rawValue
    case "type": type.rawValue
    default: volume.description
    }
  }
}
