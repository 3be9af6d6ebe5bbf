import TradingCore

extension PostgresConnection {
  func load(
    _ wanted: [(accountId: String, known: CachedAccount?)], deadline: ContinuousClock.Instant
  ) throws(PostgresError) -> [String: Result<CachedAccount, AccountLoader.Unreadable>] {
    try AccountLoader.load(wanted, self, deadline: deadline)
  }

  func find(
    _ keys: [OrderKey], deadline: ContinuousClock.Instant
  ) throws(PostgresError) -> [OrderKey: StoredOrder] {
    try AccountLoader.find(keys, self, deadline: deadline)
  }

  func run(
    _ statement: GroupStatement, deadline: ContinuousClock.Instant
  ) throws(PostgresError) -> [GroupStatement.Refusal] {
    try statement.run(self, deadline: deadline)
  }

  func written(
    _ rows: [GroupStatement.Row], token: Int64, deadline: ContinuousClock.Instant
  ) throws(PostgresError) -> Set<Int> {
    try GroupResolution.written(rows, token: token, self, deadline: deadline)
  }

  private static let snapshots = PreparedStatement(
    name: "write_snapshots",
    // A snapshot that is lost is made again, so its commit does not wait for the disk or a replica.
    sql: """
      WITH lazy AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS value)
      INSERT INTO account_snapshots AS s (account_id, transaction_id, state)
      SELECT i.account_id, i.transaction_id, i.state
      FROM unnest($1::text[], $2::bigint[], $3::text[]) AS i(account_id, transaction_id, state), lazy
      WHERE lazy.value = 'off'
      ON CONFLICT (account_id) DO UPDATE SET transaction_id = excluded.transaction_id, state = excluded.state
      WHERE s.transaction_id < excluded.transaction_id
      """)

  func write(snapshotsOf accounts: [Account], deadline: ContinuousClock.Instant) throws(PostgresError) {
    try query(
      Self.snapshots,
      [
        PostgresArray.text(of: accounts.map(\.settings.accountId)),
        PostgresArray.text(of: accounts.map(\.lastTransactionId)),
        PostgresArray.text(of: accounts.map(\.snapshot)),
      ], deadline: deadline)
  }
}

extension PostgresSettings {
  /// For connections that commit groups: no time-out that could end a commit which waits for a replica, which PostgreSQL
  /// would then report as done (PostgreSQL: "Synchronous Replication"), and plans that suit a large table however small
  /// it was when they were made.
  func forLanes() -> PostgresSettings {
    var settings = self
    settings.statementTimeout = .zero
    settings.options += [
      "lock_timeout=2000", "plan_cache_mode=force_generic_plan", "jit=off", "enable_seqscan=off",
      "enable_hashjoin=off", "enable_mergejoin=off",
    ]
    return settings
  }
}

extension DeskCommand {
  var isRead: Bool { if case .read = work { true } else { false } }

  /// Of an order to be placed.
  var orderKey: OrderKey? {
    guard case .place(let request) = work else { return nil }
    return OrderKey(accountId: accountId, clientOrderId: request.clientOrderId)
  }
}
