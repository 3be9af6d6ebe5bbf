import TradingCore

/// Reads accounts: the newest snapshot and the transactions after it.
enum AccountLoader {
  /// Why one account could not be rebuilt. The others are not concerned.
  struct Unreadable: Error, CustomStringConvertible {
    let description: String
  }

  private static let accounts = PreparedStatement(
    name: "load_accounts",
    sql: """
      SELECT i.n, a.last_transaction_id, a.revision, COALESCE(s.transaction_id, 0),
        CASE WHEN i.known < s.transaction_id THEN s.state END,
        (SELECT string_agg(t.line, E'\\n' ORDER BY t.transaction_id) FROM transactions t
         WHERE t.account_id = a.account_id AND t.transaction_id > GREATEST(i.known, COALESCE(s.transaction_id, 0)))
      FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS i(account_id, known, n)
      JOIN accounts a ON a.account_id = i.account_id
      LEFT JOIN account_snapshots s ON s.account_id = a.account_id
      """)

  private static let orders = PreparedStatement(
    name: "find_orders",
    sql: """
      SELECT i.n, t.line, o.status, o.receipt
      FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS i(account_id, client_order_id, n)
      JOIN orders o ON o.account_id = i.account_id AND o.client_order_id = i.client_order_id
      JOIN transactions t ON t.account_id = o.account_id AND t.transaction_id = o.order_id
      """)

  /// Loads accounts that are not known, and brings known ones up to date. An account that does not exist is left out.
  static func load(
    _ wanted: [(accountId: String, known: CachedAccount?)], _ connection: isolated PostgresConnection,
    deadline: ContinuousClock.Instant
  ) throws(PostgresError) -> [String: Result<CachedAccount, Unreadable>] {
    let rows = try connection.query(
      accounts,
      [
        PostgresArray.text(of: wanted.map(\.accountId)),
        PostgresArray.text(of: wanted.map { $0.known?.account.lastTransactionId ?? 0 }),
      ], deadline: deadline)
    var result: [String: Result<CachedAccount, Unreadable>] = [:]
    for row in rows.rows {
      guard let index = row[0].flatMap({ Int($0) }), wanted.indices.contains(index - 1) else { continue }
      let (accountId, known) = wanted[index - 1]
      do throws(Unreadable) {
        result[accountId] = .success(try rebuild(accountId, known, row))
      } catch {
        result[accountId] = .failure(error)
      }
    }
    return result
  }

  /// The stored orders among `keys`.
  static func find(
    _ keys: [OrderKey], _ connection: isolated PostgresConnection, deadline: ContinuousClock.Instant
  ) throws(PostgresError) -> [OrderKey: StoredOrder] {
    if keys.isEmpty { return [:] }
    let rows = try connection.query(
      orders,
      [PostgresArray.text(of: keys.map(\.accountId)), PostgresArray.text(of: keys.map(\.clientOrderId))],
      deadline: deadline)
    var result: [OrderKey: StoredOrder] = [:]
    for row in rows.rows {
      guard let index = row[0].flatMap({ Int($0) }), keys.indices.contains(index - 1),
        let status = row[2].flatMap({ OrderStatus(rawValue: $0) }), let receipt = row[3],
        let transaction = try? Transaction(canonicalLine: row[1] ?? "", accountId: keys[index - 1].accountId),
        let request = transaction.placedOrder
      else { continue }
      result[keys[index - 1]] = StoredOrder(request: request, receipt: receipt, status: status)
    }
    return result
  }

  private static func rebuild(
    _ accountId: String, _ known: CachedAccount?, _ row: [String?]
  ) throws(Unreadable) -> CachedAccount {
    func number(_ column: Int) throws(Unreadable) -> Int64 {
      guard let value = row[column].flatMap({ Int64($0) }) else {
        throw Unreadable(description: "account \(accountId): the row cannot be read")
      }
      return value
    }
    let last = try number(1)
    var account: Account?
    do {
      if let state = row[4] { account = try Account(snapshot: state) } else { account = known?.account }
      for line in row[5]?.split(separator: "\n") ?? [] {
        let transaction = try Transaction(canonicalLine: line, accountId: accountId)
        if account == nil { account = try Account(replaying: [transaction]) } else { try account?.apply(transaction) }
      }
    } catch {
      throw Unreadable(description: "account \(accountId): \(error); run `rtx-server audit`")
    }
    account?.forgetAnswers()
    guard let account, account.lastTransactionId == last else {
      throw Unreadable(
        description: "account \(accountId): the ledger ends at \(account?.lastTransactionId ?? 0), not \(last); "
          + "run `rtx-server audit`")
    }
    return CachedAccount(account: account, revision: try number(2), snapshotId: try number(3))
  }
}

extension Transaction {
  /// The request of an order that a client placed, accepted or rejected; nil for any other transaction.
  var placedOrder: OrderRequest? {
    switch kind {
    case .orderCreate(let request, _), .orderReject(let request, _):
      request.clientOrderId.isEmpty ? nil : request
    default: nil
    }
  }
}
