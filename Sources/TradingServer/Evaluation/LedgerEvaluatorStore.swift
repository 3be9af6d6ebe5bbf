import TradingCore
import TradingStore

/// The evaluator's ledger in PostgreSQL.
struct LedgerEvaluatorStore: EvaluatorStore {
  /// Longer than a planned change of the database's primary takes; what is not done by then is begun anew.
  private static let patience: Duration = .seconds(5)
  /// A renewal that takes longer comes too late anyway.
  private static let renewalPatience: Duration = .seconds(1)
  /// Transactions that are read at once when looking back.
  private static let pageSize: Int64 = 512

  let desk: TradingDesk
  let reader: LedgerReader
  let leases: EvaluatorLeases
  let stored: TickStore

  func acquireAndRenew(
    watermarks: [Int: Timestamp]
  ) async throws(DeskError) -> [(lease: EvaluatorLease, watermark: Timestamp?)] {
    try await leases.acquireAndRenew(watermarks: watermarks, deadline: .now + Self.renewalPatience)
  }

  func release(watermarks: [Int: Timestamp]) async throws(DeskError) {
    try await leases.release(watermarks: watermarks, deadline: .now + Self.renewalPatience)
  }

  func activeAccounts(shard: Int) async throws(DeskError) -> [Account] {
    try await reader.activeAccounts(shard: shard, deadline: .now + Self.patience)
  }

  func account(
    _ accountId: String, since time: Timestamp
  ) async throws(DeskError) -> (account: Account, newest: [Transaction]) {
    let account = try await desk.account(accountId, deadline: .now + Self.patience)
    var newest: [Transaction] = []
    var end = account.lastTransactionId
    while end > 0 {
      let start = max(0, end - Self.pageSize)
      let page = try await reader.transactions(
        accountId: accountId, after: start, limit: Int(end - start), deadline: .now + Self.patience)
      newest = page + newest
      guard let first = page.first, first.time >= time else { break }
      end = start
    }
    return (account, newest)
  }

  func perform(
    on accountId: String, fence: EvaluatorLease,
    _ body: @escaping @Sendable (inout Account, Market) throws(CommandError) -> [Transaction]
  ) async throws(DeskError) -> [Transaction] {
    try await desk.perform(on: accountId, fence: fence, deadline: .now + Self.patience, body)
  }

  func ticks(
    of symbols: [Symbol], after: Timestamp, through: Timestamp, span: Int64
  ) async throws(DeskError) -> [RecordedTick] {
    try await stored.ticks(of: symbols, after: after, through: through, span: span, deadline: .now + Self.patience)
  }

  func quotes(of symbols: [Symbol], at time: Timestamp) async throws(DeskError) -> [RecordedTick] {
    try await stored.quotes(of: symbols, at: time, deadline: .now + Self.patience)
  }
}
