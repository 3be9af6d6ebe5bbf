import TradingCore
import TradingStore

/// The evaluator's ledger in PostgreSQL.
struct LedgerEvaluatorStore: EvaluatorStore {
  /// Longer than a planned change of the database's primary takes; what is not done by then is begun anew.
  private static let patience: Duration = .seconds(5)
  /// A renewal that takes longer comes too late anyway.
  private static let renewalPatience: Duration = .seconds(1)
  /// More than an account writes in the time that can be looked back at.
  private static let newestTransactions: Int64 = 512

  let desk: TradingDesk
  let reader: LedgerReader
  let leases: EvaluatorLeases

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

  func account(_ accountId: String) async throws(DeskError) -> (account: Account, newest: [Transaction]) {
    let account = try await desk.account(accountId, deadline: .now + Self.patience)
    let newest = try await reader.transactions(
      accountId: accountId, after: account.lastTransactionId - Self.newestTransactions,
      limit: Int(Self.newestTransactions) * 2, deadline: .now + Self.patience)
    return (account, newest)
  }

  func perform(
    on accountId: String, fence: EvaluatorLease,
    _ body: @escaping @Sendable (inout Account, Market) throws(CommandError) -> [Transaction]
  ) async throws(DeskError) -> [Transaction] {
    try await desk.perform(on: accountId, fence: fence, deadline: .now + Self.patience, body)
  }
}
