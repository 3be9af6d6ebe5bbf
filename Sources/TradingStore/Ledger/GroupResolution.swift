import TradingCore

/// Finds out what became of a group whose answer was lost.
///
/// First every account's `revision` is raised. That waits for the old transaction if it is still being committed, and
/// makes sure that the statement is not carried out later, from bytes that are still on their way: it would find other
/// revisions. It is a write itself, so its commit also waits until whatever was found is on the synchronous replicas.
/// What is read then is final.
enum GroupResolution {
  private static let fencing = PreparedStatement(
    name: "fence_group",
    sql: """
      UPDATE accounts SET revision = revision + 1
      WHERE account_id IN (SELECT account_id FROM accounts WHERE account_id = ANY($1::text[]) ORDER BY account_id FOR UPDATE)
      """)

  private static let looking = PreparedStatement(
    name: "find_group",
    sql: """
      SELECT i.n FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS i(account_id, id, n)
      JOIN transactions t ON t.account_id = i.account_id AND t.transaction_id = i.id AND t.token = $3::bigint
      """)

  /// The indices of the accounts that the group was written for.
  static func written(
    _ rows: [GroupStatement.Row], token: Int64, _ connection: isolated PostgresConnection,
    deadline: ContinuousClock.Instant
  ) throws(PostgresError) -> Set<Int> {
    let ids = PostgresArray.text(of: rows.map(\.accountId))
    try connection.query(fencing, [ids], deadline: deadline)
    let found = try connection.query(
      looking, [ids, PostgresArray.text(of: rows.map { $0.expected + 1 }), String(token)], deadline: deadline)
    return Set(found.rows.compactMap { row in row[0].flatMap { Int($0) }.map { $0 - 1 } })
  }
}
