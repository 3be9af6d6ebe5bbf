import TradingCore

/// What an audit found about one account.
public struct AccountAudit: Sendable, Hashable {
  public let accountId: String
  /// Transactions that were folded.
  public fileprivate(set) var transactions = 0
  public fileprivate(set) var orders = 0
  /// By the fold; nil when the ledger does not even begin.
  public fileprivate(set) var balance: String?
  /// Sentences, none when the books are in order.
  public fileprivate(set) var problems: [String] = []
}

/// Checks the books: the ledger alone has to lead to everything else that is stored.
///
/// Of each account it is checked that the ids have no gap, that every transaction follows from those before it and the
/// balance it states is the sum, that the account's row and snapshot are what the fold gives, and that the stored
/// answer to every order is what its transactions say.
public struct LedgerAudit: Sendable {
  private let pool: PostgresPool
  private let reads: RepeatedReads
  static let pageSize = 5_000

  public init(pool: PostgresPool) {
    self.pool = pool
    reads = RepeatedReads(pool: pool)
  }

  /// Audits all accounts, by their ids. Others may go on writing: each account is read in one snapshot of the database.
  ///
  /// - Throws: `DeskError.unavailable` when the database cannot be read.
  public func run(deadline: ContinuousClock.Instant) async throws(DeskError) -> [AccountAudit] {
    var results: [AccountAudit] = []
    for accountId in try await LedgerReader(pool: pool).accountIds(deadline: deadline) {
      results.append(try await audit(accountId, deadline: deadline))
    }
    return results
  }

  /// Audits one account.
  public func audit(
    _ accountId: String, deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> AccountAudit {
    try await reads.run(deadline: deadline) { connection in
      try connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", deadline: deadline)
      let result = try Self.audit(accountId, connection, deadline: deadline)
      try connection.query("COMMIT", deadline: deadline)
      return result
    }
  }

  static func audit(
    _ accountId: String, _ connection: isolated PostgresConnection, deadline: ContinuousClock.Instant
  ) throws -> AccountAudit {
    func query(_ sql: String, _ parameters: String...) throws(PostgresError) -> PostgresRows {
      try connection.query(sql, [accountId] + parameters, deadline: deadline)
    }
    let row = try query(
      """
      SELECT a.last_transaction_id, a.is_active, a.settings, s.transaction_id, s.state
      FROM accounts a LEFT JOIN account_snapshots s USING (account_id) WHERE a.account_id = $1
      """)
    var folding = AccountFolding(
      accountId: accountId, snapshotId: row[0, 3].flatMap { Int64($0) }, snapshot: row[0, 4])
    while true {
      let page = try query(
        """
        SELECT t.transaction_id, t.batch_id, t.kind, t.line, o.client_order_id, o.status, o.receipt
        FROM transactions t LEFT JOIN orders o ON o.account_id = t.account_id AND o.order_id = t.transaction_id
        WHERE t.account_id = $1 AND t.transaction_id > $2::bigint ORDER BY t.transaction_id LIMIT $3::int
        """, String(folding.lastRead), String(pageSize)
      ).rows
      for row in page { folding.take(row) }
      if page.count < pageSize || folding.isBroken { break }
    }
    let orders = try query("SELECT count(*) FROM orders WHERE account_id = $1")[0, 0].flatMap { Int($0) } ?? 0
    return folding.finished(
      last: row[0, 0].flatMap { Int64($0) }, isActive: row[0, 1] == "t", settings: row[0, 2], orders: orders)
  }
}

/// The fold of one ledger, with a look at everything on the way.
private struct AccountFolding {
  private var audit: AccountAudit
  private var account: Account?
  private let snapshotId: TransactionID?
  private let snapshot: String?
  /// The transactions of the batch that is being read, with the orders among them.
  private var batch: [Transaction] = []
  private var placed: [(order: Transaction, stored: [String?])] = []
  private var firstLine: String?
  private(set) var lastRead: TransactionID = 0
  private(set) var isBroken = false

  init(accountId: String, snapshotId: TransactionID?, snapshot: String?) {
    audit = AccountAudit(accountId: accountId)
    self.snapshotId = snapshotId
    self.snapshot = snapshot
  }

  /// transaction_id, batch_id, kind, line, client_order_id, status, receipt.
  mutating func take(_ row: [String?]) {
    if isBroken { return }
    let id = row[0].flatMap { Int64($0) } ?? 0
    let transaction: Transaction
    do {
      transaction = try Transaction(canonicalLine: row[3] ?? "", accountId: audit.accountId)
      guard transaction.id == id, String(transaction.batchId) == row[1], transaction.kind.name == row[2] else {
        return stop("transaction \(id): its columns are not those of its line")
      }
      if account == nil {
        account = try Account(replaying: [transaction])
        firstLine = row[3]
      } else {
        try account?.apply(transaction)
      }
    } catch {
      return stop("transaction \(id): \(error)")
    }
    lastRead = id
    audit.transactions += 1
    if transaction.batchId != batch.first?.batchId { closeBatch() }
    batch.append(transaction)
    if transaction.placedOrder != nil {
      placed.append((transaction, row))
    } else if row[6] != nil {
      audit.problems.append("order \(id): the ledger has no order of that number")
    }
    if id == snapshotId, account?.snapshot != snapshot {
      audit.problems.append("the snapshot at transaction \(id) is not the fold of the ledger")
    }
    account?.forgetAnswers()
  }

  mutating func finished(last: TransactionID?, isActive: Bool, settings: String?, orders: Int) -> AccountAudit {
    closeBatch()
    guard let account, !isBroken else {
      if audit.problems.isEmpty { audit.problems.append("there is no ledger") }
      return audit
    }
    audit.balance = "\(account.balance.text(in: account.settings.currency)) \(account.settings.currency)"
    if last != account.lastTransactionId {
      audit.problems.append("the ledger ends at \(account.lastTransactionId), the account's row at \(last ?? 0)")
    }
    if isActive != account.isActive { audit.problems.append("is_active is \(isActive)") }
    if settings != firstLine { audit.problems.append("the settings are not the ledger's first line") }
    if let snapshotId, snapshotId > account.lastTransactionId {
      audit.problems.append("the snapshot is of transaction \(snapshotId), which there is not")
    }
    if orders != audit.orders { audit.problems.append("\(orders) orders are stored, \(audit.orders) in the ledger") }
    return audit
  }

  private mutating func stop(_ problem: String) {
    audit.problems.append(problem)
    isBroken = true
  }

  /// The answers to orders are final with the batch that placed them.
  private mutating func closeBatch() {
    for (order, row) in placed {
      audit.orders += 1
      guard let settings = account?.settings, let receipt = row[6] else {
        audit.problems.append("order \(order.id): no answer is stored")
        continue
      }
      // The instrument may be gone from the catalog; its digits are in the answer's prices.
      let expected = OrderReceipt(order, in: batch, of: settings, digits: Self.digits(in: receipt))
      if expected?.json != receipt || expected?.status.rawValue != row[5] || expected?.clientOrderId != row[4] {
        audit.problems.append("order \(order.id): the stored answer is not what the ledger says")
      }
    }
    batch = []
    placed = []
  }

  /// Decimal digits of the first price in a receipt; 0 when it has none.
  private static func digits(in receipt: String) -> Int {
    for key in ["limitPrice", "price", "stopLoss", "takeProfit"] {
      let mark = "\"\(key)\":\""
      guard let start = receipt.firstRange(of: mark)?.upperBound else { continue }
      let price = receipt[start...].prefix { $0 != "\"" }
      return price.firstIndex(of: ".").map { price[$0...].count - 1 } ?? 0
    }
    return 0
  }
}
