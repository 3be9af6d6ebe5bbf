public import Logging
public import TradingCore

/// Runs commands on accounts. An answer is given only when what it says is committed.
///
/// Each account takes one of a few lanes. A lane carries out everything that waits for it in memory and commits it by one
/// statement, in one round trip; while that is under way the next group gathers. Any number of replicas may
/// write to the same accounts: a group is written for an account only if nobody else has written in between, and is
/// carried out anew on the newer state otherwise. The same client order id gets the identical answer on all of them.
public final class TradingDesk: Sendable {
  private let pool: PostgresPool
  private let lanes: [Lane]
  private let logger: Logger

  /// - Parameters:
  ///   - pool: says how to reach the database; each lane makes a connection of its own.
  ///   - lanes: connections that commit. Each account always takes the same one.
  ///   - cachedAccounts: accounts that are kept in memory, over all lanes.
  ///   - market: the quotes of the moment, read at each execution.
  ///   - committed: called on a lane's thread after each commit of an account; has to return at once.
  public init(
    pool: PostgresPool, lanes: Int = 2, cachedAccounts: Int = 20_000, market: @escaping @Sendable () -> Market,
    committed: @escaping @Sendable () -> Void = {}, logger: Logger
  ) {
    self.pool = pool
    self.logger = logger
    self.lanes = (0..<max(1, lanes)).map { _ in
      Lane(
        settings: pool.settings, cachedAccounts: cachedAccounts / max(1, lanes), market: market, committed: committed,
        logger: logger)
    }
  }

  /// Works until the task is cancelled; then finishes what is being committed and turns the rest away. To be called once.
  /// Commands given before wait for it.
  public func run() async throws {
    await withTaskCancellationHandler {
      await withTaskGroup { group in
        for lane in lanes { group.addTask { await lane.run() } }
        group.addTask { await self.keepDeadlines() }
        await group.waitForAll()
      }
    } onCancel: {
      for lane in lanes { lane.queue.close() }
    }
    for lane in lanes { lane.stop() }
  }

  /// Opens an account with the ledger's first transaction.
  ///
  /// - Throws: `accountExists`, `unavailable`, `outcomeUnknown`.
  public func open(
    _ settings: AccountSettings, deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> Account {
    try await AccountOpening(pool: pool).open(settings, deadline: deadline)
  }

  /// Places an order, or gives the stored answer when its client order id was used before.
  ///
  /// - Throws: `DeskError`; `.command(.conflict)` when the id was used for a different order.
  public func place(
    _ request: OrderRequest, deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> Placement {
    if request.clientOrderId.isEmpty { throw .command(.clientOrderIdMissing) }
    guard case .placement(let placement) = try await run(.place(request), on: request.accountId, deadline: deadline)
    else { throw .unavailable("no answer") }
    return placement
  }

  /// Any other command.
  ///
  /// - Parameters:
  ///   - fence: the evaluator's lease, checked in the same statement that writes.
  ///   - body: changes the account and gives the transactions that it made. It may be called again on a fresher state when
  ///     another replica was faster, so it must depend on its arguments alone. Orders are placed by `place`: only there
  ///     are their client order ids looked up.
  public func perform(
    on accountId: String, fence: EvaluatorLease? = nil, deadline: ContinuousClock.Instant,
    _ body: @escaping @Sendable (inout Account, Market) throws(CommandError) -> [Transaction]
  ) async throws(DeskError) -> [Transaction] {
    guard
      case .transactions(let transactions) = try await run(
        .perform(body), on: accountId, fence: fence, deadline: deadline)
    else { throw .unavailable("no answer") }
    return transactions
  }

  /// The account with everything that was committed before this call. It knows no answers to orders.
  public func account(_ accountId: String, deadline: ContinuousClock.Instant) async throws(DeskError) -> Account {
    guard case .account(let account) = try await run(.read, on: accountId, deadline: deadline) else {
      throw .unavailable("no answer")
    }
    return account
  }

  private func run(
    _ work: DeskCommand.Work, on accountId: String, fence: EvaluatorLease? = nil, deadline: ContinuousClock.Instant
  ) async throws(DeskError) -> DeskCommand.Answer {
    let command = DeskCommand(work, on: accountId, fence: fence, deadline: deadline)
    let lane = lanes[Self.lane(of: accountId, among: lanes.count)]
    lane.queue.add(command)
    return try await command.result().get()
  }

  /// Not by the plain hash, which picks the evaluator's shard: the accounts of a shard are to use all lanes.
  static func lane(of accountId: String, among count: Int) -> Int { Int(mixedHash(accountId) % UInt64(count)) }

  /// Callers get an answer at their deadlines even when the lanes hang in the database. One sweep for all is much cheaper
  /// than a timer for each.
  private func keepDeadlines() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: .milliseconds(50))
      for lane in lanes { lane.queue.expire(at: .now) }
    }
  }
}
