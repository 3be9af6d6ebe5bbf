import TradingCore
import TradingStore

/// What the evaluator needs of the ledger.
protocol EvaluatorStore: Sendable {
  /// Takes every shard that is free or whose holder let it expire, and renews those held.
  func acquireAndRenew(
    watermarks: [Int: Timestamp]
  ) async throws(DeskError) -> [(lease: EvaluatorLease, watermark: Timestamp?)]

  /// Gives every shard back.
  func release(watermarks: [Int: Timestamp]) async throws(DeskError)

  /// The accounts of a shard that have a waiting order or an open trade.
  func activeAccounts(shard: Int) async throws(DeskError) -> [Account]

  /// An account with everything committed before the call, and its transactions since `time` at least.
  func account(
    _ accountId: String, since time: Timestamp
  ) async throws(DeskError) -> (account: Account, newest: [Transaction])

  /// Writes what `body` makes of the account as it is by then, unless the lease is lost.
  func perform(
    on accountId: String, fence: EvaluatorLease,
    _ body: @escaping @Sendable (inout Account, Market) throws(CommandError) -> [Transaction]
  ) async throws(DeskError) -> [Transaction]

  /// The next stored ticks, as `TickStore.ticks`.
  func ticks(
    of symbols: [Symbol], after: Timestamp, through: Timestamp, span: Int64
  ) async throws(DeskError) -> [RecordedTick]

  /// The stored quotes at a time, as `TickStore.quotes`.
  func quotes(of symbols: [Symbol], at time: Timestamp) async throws(DeskError) -> [RecordedTick]
}
