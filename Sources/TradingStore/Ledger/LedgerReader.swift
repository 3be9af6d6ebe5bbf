public import TradingCore

/// Plain reads of what is committed.
public struct LedgerReader: Sendable {
  private let pool: PostgresPool
  private let reads: RepeatedReads

  public init(pool: PostgresPool) {
    self.pool = pool
    reads = RepeatedReads(pool: pool)
  }

  /// The answer of an order that was placed, nil when there is none.
  public func receipt(
    accountId: String, clientOrderId: String, deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> (receipt: String, status: OrderStatus)? {
    let rows = try await query(
      "read_receipt", "SELECT receipt, status FROM orders WHERE account_id = $1 AND client_order_id = $2",
      [accountId, clientOrderId], deadline)
    guard let receipt = rows[0, 0], let status = rows[0, 1].flatMap({ OrderStatus(rawValue: $0) }) else { return nil }
    return (receipt, status)
  }

  /// The answers of an account's orders, newest first.
  public func receipts(
    accountId: String, limit: Int, deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> [String] {
    try await query(
      "read_receipts", "SELECT receipt FROM orders WHERE account_id = $1 ORDER BY order_id DESC LIMIT $2::int",
      [accountId, String(limit)], deadline
    ).rows.compactMap { $0[0] }
  }

  /// An account's transactions after `after`, oldest first.
  public func transactions(
    accountId: String, after: TransactionID, limit: Int, deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> [Transaction] {
    let rows = try await query(
      "read_transactions",
      """
      SELECT line FROM transactions WHERE account_id = $1 AND transaction_id > $2::bigint
      ORDER BY transaction_id LIMIT $3::int
      """, [accountId, String(after), String(limit)], deadline)
    var result: [Transaction] = []
    for row in rows.rows {
      do throws(CanonicalLineError) {
        result.append(try Transaction(canonicalLine: row[0] ?? "", accountId: accountId))
      } catch {
        throw .unavailable("account \(accountId): \(error); run `rtx-server audit`")
      }
    }
    return result
  }

  /// All accounts, by their ids.
  public func accountIds(deadline: ContinuousClock.Instant) async throws(DeskError) -> [String] {
    try await query("read_account_ids", "SELECT account_id FROM accounts ORDER BY account_id", [], deadline)
      .rows.compactMap { $0[0] }
  }

  /// The accounts of a shard that have a waiting order or an open trade, with everything committed before this call.
  public func activeAccounts(
    shard: Int, deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> [Account] {
    let ids = try await query(
      "read_active_accounts",
      "SELECT account_id FROM accounts WHERE is_active AND shard = $1::int ORDER BY account_id", [String(shard)],
      deadline
    ).rows.compactMap { $0[0] }
    var accounts: [Account] = []
    for start in stride(from: 0, to: ids.count, by: 256) {
      let part = ids[start..<min(start + 256, ids.count)].map { (accountId: $0, known: CachedAccount?.none) }
      let loaded = try await reads.run(deadline: deadline) { connection in
        try AccountLoader.load(part, connection, deadline: deadline)
      }
      for (accountId, _) in part {
        switch loaded[accountId] {
        case .success(let account): accounts.append(account.account)
        case .failure(let error): throw .unavailable("\(error)")
        case nil: continue
        }
      }
    }
    return accounts
  }

  /// What all clients together have open in each symbol, by symbol.
  public func exposure(deadline: ContinuousClock.Instant) async throws(DeskError) -> [SymbolExposure] {
    var sums: [Symbol: SymbolExposure] = [:]
    for shard in 0..<EvaluatorLeases.shardCount {
      for account in try await activeAccounts(shard: shard, deadline: deadline) {
        for (symbol, position) in account.positions {
          sums[symbol, default: SymbolExposure(symbol: symbol)].add(position)
        }
      }
    }
    return sums.values.sorted { $0.symbol < $1.symbol }
  }

  /// Counts all rows in one snapshot, for comparison with what clients were told.
  public func counts(deadline: ContinuousClock.Instant) async throws(DeskError) -> LedgerCounts {
    let row = try await query(
      "count_ledger",
      """
      SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM transactions WHERE kind = 'ORDER_FILL'),
        (SELECT count(*) FROM transactions)
      """, [], deadline)
    func number(_ column: Int) -> Int64 { row[0, column].flatMap { Int64($0) } ?? 0 }
    return LedgerCounts(orders: number(0), fills: number(1), transactions: number(2))
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

  private func query(
    _ name: String, _ sql: String, _ parameters: [String], _ deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> PostgresRows {
    let statement = PreparedStatement(name: name, sql: sql)
    return try await reads.run(deadline: deadline) { connection in
      try connection.query(statement, parameters, deadline: deadline)
    }
  }
}

/// How many rows the database holds.
public struct LedgerCounts: Sendable, Hashable {
  public let orders: Int64
  /// ORDER_FILL transactions.
  public let fills: Int64
  public let transactions: Int64
}

/// What clients have open in one symbol.
public struct SymbolExposure: Sendable, Hashable {
  public let symbol: Symbol
  /// Bought by clients.
  public private(set) var longVolume = Volume(hundredths: 0)
  /// Sold by clients.
  public private(set) var shortVolume = Volume(hundredths: 0)
  /// Accounts with an open trade.
  public private(set) var accounts = 0

  /// What the dealer is short of: the clients' long volume minus their short volume, in hundredths of a lot.
  public var netHundredths: Int64 { longVolume.hundredths - shortVolume.hundredths }

  init(symbol: Symbol) { self.symbol = symbol }

  mutating func add(_ position: Position) {
    longVolume = Volume(hundredths: longVolume.hundredths + position.longVolume.hundredths)
    shortVolume = Volume(hundredths: shortVolume.hundredths + position.shortVolume.hundredths)
    accounts += 1
  }
}
