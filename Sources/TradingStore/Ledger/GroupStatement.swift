import TradingCore

/// Everything that a group of commands writes, as the parameters of one statement.
struct GroupStatement {
  /// One account of the group.
  struct Row {
    let accountId: String
    /// The last transaction that the account is expected to have.
    let expected: TransactionID
    let revision: Int64
    let last: TransactionID
    let isActive: Bool
    let fence: EvaluatorLease?
    let transactions: [Transaction]
    let orders: [OrderReceipt]
  }

  /// An account that was not written.
  struct Refusal {
    let index: Int
    let fenceHolds: Bool
  }

  /// Written and read in one round trip, committed by one flush of the log.
  ///
  /// The accounts' rows are locked first; one that somebody else holds is skipped, so that nobody waits for a stranger. What
  /// was written for an account is written as a whole or not at all: its row must be as it was when the commands were
  /// carried out, none of its new client order ids may be known, and the evaluator's lease must hold. Whoever wrote to an
  /// account has moved its `last_transaction_id`, so an account that is as expected has no orders that the
  /// statement's snapshot does not show. Conditions are tested by hashed subplans: joins would be nested loops.
  static let statement = PreparedStatement(
    name: "write_group",
    sql: """
      WITH input AS MATERIALIZED (
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bool[], $6::int[], $7::bigint[])
          WITH ORDINALITY AS i(account_id, expected, revision, last_id, is_active, shard, epoch, n)
      ), held AS MATERIALIZED (
        SELECT shard, epoch FROM evaluator_shards WHERE shard = ANY($6::int[]) ORDER BY shard FOR KEY SHARE
      ), locked AS MATERIALIZED (
        SELECT account_id, last_transaction_id, revision FROM accounts WHERE account_id = ANY($1::text[])
        ORDER BY account_id FOR UPDATE SKIP LOCKED
      ), known AS MATERIALIZED (
        SELECT o.n FROM unnest($15::int[], $16::text[], $17::text[]) AS o(n, account_id, client_order_id)
        JOIN orders e ON e.account_id = o.account_id AND e.client_order_id = o.client_order_id
      ), checked AS MATERIALIZED (
        SELECT i.n, i.account_id, i.last_id, i.is_active, i.last_id > i.expected AS is_moved,
          i.shard IS NULL OR (i.shard, i.epoch) IN (SELECT shard, epoch FROM held) AS fence_holds,
          (i.account_id, i.expected, i.revision) IN (SELECT account_id, last_transaction_id, revision FROM locked)
            AND i.n NOT IN (SELECT n FROM known) AS is_current
        FROM input i
      ), flags AS MATERIALIZED (
        SELECT array_agg(fence_holds AND is_current ORDER BY n) AS value FROM checked
      ), moved AS (
        UPDATE accounts a SET last_transaction_id = c.last_id, is_active = c.is_active
        FROM checked c WHERE a.account_id = c.account_id AND c.fence_holds AND c.is_current AND c.is_moved
      ), written AS (
        INSERT INTO transactions (account_id, transaction_id, batch_id, time, kind, line, token)
        SELECT t.account_id, t.id, t.batch_id, to_timestamp(t.time / 1000.0), t.kind, t.line, $21::bigint
        FROM unnest($8::int[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[], $14::text[])
          AS t(n, account_id, id, batch_id, time, kind, line)
        WHERE (SELECT value FROM flags)[t.n]
      ), placed AS (
        INSERT INTO orders (account_id, client_order_id, order_id, status, receipt)
        SELECT o.account_id, o.client_order_id, o.id, o.status, o.receipt
        FROM unnest($15::int[], $16::text[], $17::text[], $18::bigint[], $19::text[], $20::text[])
          AS o(n, account_id, client_order_id, id, status, receipt)
        WHERE (SELECT value FROM flags)[o.n]
      )
      SELECT n, fence_holds FROM checked WHERE NOT (fence_holds AND is_current)
      """)

  /// The parameters, made once: they are what is sent.
  let parameters: [String?]

  /// - Parameter token: marks the group's transactions, to find them again when the answer is lost.
  init(_ rows: [Row], token: Int64) {
    var (ids, expected, revisions, lasts) = (PostgresArray(), PostgresArray(), PostgresArray(), PostgresArray())
    var (active, shards, epochs) = (PostgresArray(), PostgresArray(), PostgresArray())
    var (owners, ownerIds, entryIds, batchIds) = (PostgresArray(), PostgresArray(), PostgresArray(), PostgresArray())
    var (times, kinds, lines) = (PostgresArray(), PostgresArray(), PostgresArray())
    var (placers, placerIds, clientIds) = (PostgresArray(), PostgresArray(), PostgresArray())
    var (orderIds, statuses, receipts) = (PostgresArray(), PostgresArray(), PostgresArray())
    for (index, row) in rows.enumerated() {
      let number = Int64(index + 1)
      ids.append(row.accountId)
      expected.append(row.expected)
      revisions.append(row.revision)
      lasts.append(row.last)
      active.append(row.isActive)
      shards.append(row.fence.map { Int64($0.shard) })
      epochs.append(row.fence?.epoch)
      for transaction in row.transactions {
        owners.append(number)
        ownerIds.append(row.accountId)
        entryIds.append(transaction.id)
        batchIds.append(transaction.batchId)
        times.append(transaction.time.milliseconds)
        kinds.append(transaction.kind.name)
        lines.append(transaction.canonicalLine)
      }
      for order in row.orders {
        placers.append(number)
        placerIds.append(row.accountId)
        clientIds.append(order.clientOrderId)
        orderIds.append(order.orderId)
        statuses.append(order.status.rawValue)
        receipts.append(order.json)
      }
    }
    parameters = [
      ids.text, expected.text, revisions.text, lasts.text, active.text, shards.text, epochs.text,
      owners.text, ownerIds.text, entryIds.text, batchIds.text, times.text, kinds.text, lines.text,
      placers.text, placerIds.text, clientIds.text, orderIds.text, statuses.text, receipts.text,
      String(token),
    ]
  }

  /// Commits; gives the accounts that were not written.
  func run(
    _ connection: isolated PostgresConnection, deadline: ContinuousClock.Instant
  ) throws(PostgresError) -> [Refusal] {
    try connection.query(Self.statement, parameters, deadline: deadline).rows.compactMap { row in
      row[0].flatMap { Int($0) }.map { Refusal(index: $0 - 1, fenceHolds: row[1] == "t") }
    }
  }
}
