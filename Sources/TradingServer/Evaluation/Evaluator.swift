import Logging
import TradingCore
import TradingStore

/// Triggers orders, take profits, stop losses, trailing stops and stop-outs, and books swaps, for the shards whose leases
/// this replica holds.
///
/// Any number of replicas run one; each shard has one holder at a time, and what a former holder still writes is refused
/// by the lease's epoch. A holder that dies is replaced when its leases expire: the successor lets every account meet the
/// last seconds of the market again, which leads to nothing where it had been done. What lies longer back than the board
/// remembers, as after an outage of the database, it reads from the stored ticks first (`GapReplay`).
actor Evaluator {
  /// Between two rounds of taking and renewing leases. With a lease of 1.2 s a shard is without a holder for less than 2 s.
  static let round: Duration = .milliseconds(300)
  /// Between attempts at something that the database could not do.
  private static let retryDelay: Duration = .milliseconds(100)
  /// What other replicas have heard and this one has not is stored by then, once the database is back.
  private static let settling: Duration = .seconds(2)

  private let store: any EvaluatorStore
  private let board: MarketBoard
  private let unstored: UnstoredTicks
  private let metrics: EvaluatorMetrics
  private let logger: Logger
  private let jobs: AsyncStream<Job>
  private let starter: AsyncStream<Job>.Continuation

  /// Shards that are evaluated.
  private var books: [Int: ShardBook] = [:]
  /// Shards that are being taken over, with what was heard meanwhile.
  private var arriving: [Int: (lease: EvaluatorLease, heard: [LedgerEntry])] = [:]
  private var isHearing = false
  private var seen = Timestamp(milliseconds: 0)
  /// The first tick that this replica heard.
  private var heardFirst: Timestamp?
  private var forgotten = Timestamp(milliseconds: 0)
  private var termsVersion = -1

  /// Something that takes a while, done beside the rest.
  private enum Job: Sendable {
    /// Shards that were evaluated up to `after` by others, longer ago than the board remembers.
    case replay([EvaluatorLease], after: Timestamp)
    case takeOver(EvaluatorLease, after: Timestamp?)
    case carryOut(ShardBook.Request, EvaluatorLease)
  }

  /// - Parameter unstored: where this replica keeps the ticks that it has heard until they are stored.
  init(
    store: any EvaluatorStore, board: MarketBoard, unstored: UnstoredTicks, metrics: EvaluatorMetrics, logger: Logger
  ) {
    self.store = store
    self.board = board
    self.unstored = unstored
    self.metrics = metrics
    self.logger = logger
    (jobs, starter) = AsyncStream.makeStream(of: Job.self)
  }

  /// Works until the task is cancelled, and leaves the leases to expire. To be called once.
  func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await self.keepLeases() }
      group.addTask { await self.follow() }
      for await job in jobs { group.addTask { await self.perform(job) } }
      group.cancelAll()
    }
  }

  /// Gives the leases back, so that another replica goes on at once. To be called after `run` has ended.
  func release() async {
    let watermarks = books.compactMapValues(\.watermark)
    books = [:]
    try? await store.release(watermarks: watermarks)
  }

  /// What was committed, by whichever replica, in order within an account. The first call, which may be empty, says that
  /// nothing is missed from now on; before it no shard is taken.
  func hear(_ entries: [LedgerEntry]) {
    isHearing = true
    var byShard: [Int: [LedgerEntry]] = [:]
    for entry in entries { byShard[EvaluatorLeases.shard(of: entry.accountId), default: []].append(entry) }
    for (shard, entries) in byShard {
      if arriving[shard] != nil {
        arriving[shard]?.heard += entries
      } else if books[shard] != nil {
        books[shard]?.hear(entries, history: history(for: entries))
        begin(shard)
      }
    }
  }

  /// Shards that this replica evaluates now.
  var heldShards: [Int] { books.keys.sorted() }
}

// MARK: - The market

extension Evaluator {
  private func follow() async {
    // The ticks only wake: what a slow reader misses of them is still among the moments.
    for await _ in board.ticks(buffering: 1) { takeMoments() }
  }

  private func takeMoments() {
    let moments = board.moments(since: seen)
    guard let last = moments.last else { return }
    seen = last.tick.time
    heardFirst = heardFirst ?? moments.first?.tick.time
    if board.termsVersion != termsVersion {
      termsVersion = board.termsVersion
      for shard in books.keys { books[shard]?.replace(terms: last.market.terms, last: moments.first) }
    }
    for shard in books.keys {
      for moment in moments { books[shard]?.take(moment) }
      begin(shard)
    }
    forget()
    metrics.evaluated(through: last.tick.time, busyAccounts: books.values.reduce(0) { $0 + $1.busyAccounts })
  }

  /// Lets go, now and then, of what is older than any moment that can be looked back at.
  private func forget() {
    let oldest = Timestamp(milliseconds: seen.milliseconds - board.history)
    guard forgotten.milliseconds < oldest.milliseconds - board.history else { return }
    forgotten = oldest
    for shard in books.keys { books[shard]?.forget(before: oldest) }
  }

  /// Moments that were evaluated before; the others are still to come.
  private func pastMoments(since time: Timestamp) -> [MarketMoment] {
    board.moments(since: time).filter { $0.tick.time <= seen }
  }

  private func history(for entries: [LedgerEntry]) -> [MarketMoment] {
    entries.map(\.transaction.time).min().map { pastMoments(since: $0) } ?? []
  }
}

// MARK: - Leases

extension Evaluator {
  private func keepLeases() async {
    while !Task.isCancelled {
      if isHearing { await renew() }
      try? await Task.sleep(for: Self.round)
    }
    starter.finish()
  }

  private func renew() async {
    let held: [(lease: EvaluatorLease, watermark: Timestamp?)]
    do throws(DeskError) {
      held = try await store.acquireAndRenew(watermarks: books.compactMapValues(\.watermark))
    } catch {
      // Whatever this replica still writes is fenced off once another one has taken over.
      logger.warning("evaluator leases cannot be renewed", metadata: ["error": "\(error)"])
      return
    }
    let leases = Dictionary(held.map { ($0.lease.shard, $0.lease) }) { $1 }
    for (shard, book) in books where leases[shard] != book.lease { drop(shard, book.lease) }
    for (shard, arrival) in arriving where leases[shard] != arrival.lease { arriving[shard] = nil }
    var missed: (leases: [EvaluatorLease], after: Timestamp)?
    for (lease, watermark) in held where books[lease.shard] == nil && arriving[lease.shard] == nil {
      arriving[lease.shard] = (lease, [])
      if let watermark, isForgotten(watermark) {
        missed = ((missed?.leases ?? []) + [lease], min(missed?.after ?? watermark, watermark))
      } else {
        starter.yield(.takeOver(lease, after: watermark))
      }
    }
    // Together, so that the ticks are read once.
    if let missed { starter.yield(.replay(missed.leases, after: missed.after)) }
    metrics.holds(shards: books.count)
  }

  /// Whether prices may have come after `time` that the board does not remember any more.
  private func isForgotten(_ time: Timestamp) -> Bool { board.oldestMoment.map { time < $0 } ?? false }

  private func drop(_ shard: Int, _ lease: EvaluatorLease) {
    guard books[shard]?.lease == lease else { return }
    books[shard] = nil
    logger.info("a shard is evaluated by another replica", metadata: ["shard": "\(shard)"])
  }
}

// MARK: - Jobs

extension Evaluator {
  private func begin(_ shard: Int) {
    guard let lease = books[shard]?.lease, let requests = books[shard]?.takeRequests() else { return }
    for request in requests { starter.yield(.carryOut(request, lease)) }
  }

  private func perform(_ job: Job) async {
    switch job {
    case .replay(let leases, let mark): await replay(leases, after: mark)
    case .takeOver(let lease, let mark): await takeOver(lease, after: mark)
    case .carryOut(let request, let lease): await carryOut(request, lease)
    }
  }

  private func replay(_ leases: [EvaluatorLease], after start: Timestamp) async {
    warnOfGap(after: start)
    if heardFirst.map({ start < $0 }) ?? true { try? await Task.sleep(for: Self.settling) }
    var (mark, isDone) = (start, false)
    var replay: GapReplay?
    while !Task.isCancelled, !isDone {
      let held = leases.filter { arriving[$0.shard]?.lease == $0 }
      if held.isEmpty { return }
      var next =
        replay
        ?? GapReplay(
          held, after: mark, store: store, board: board, unstored: unstored, metrics: metrics, logger: logger)
      replay = nil
      do throws(DeskError) {
        isDone = try await !next.step()
        mark = next.mark
        replay = next
      } catch {
        logger.warning("missed prices have to be looked at again", metadata: ["error": "\(error)"])
        try? await Task.sleep(for: Self.retryDelay)
      }
    }
    for lease in leases { starter.yield(.takeOver(lease, after: mark)) }
  }

  private func warnOfGap(after mark: Timestamp) {
    let now = Timestamp.now.milliseconds
    logger.warning("prices were not evaluated for a while", metadata: ["since": "\(mark)"])
    let kept = now - Int64(TickStore.tickDays) * 86_400_000
    guard mark.milliseconds < kept else { return }
    metrics.lost(seconds: (kept - mark.milliseconds) / 1_000)
    logger.error(
      "prices that nobody evaluated are not stored any more",
      metadata: ["from": "\(mark)", "to": "\(Timestamp(milliseconds: kept))"])
  }

  private func takeOver(_ lease: EvaluatorLease, after mark: Timestamp?) async {
    while !Task.isCancelled, arriving[lease.shard]?.lease == lease {
      do throws(DeskError) {
        let accounts = try await store.activeAccounts(shard: lease.shard)
        guard let arrival = arriving[lease.shard], arrival.lease == lease else { return }
        takeMoments()
        if let mark, isForgotten(mark) {
          // It took so long that more was missed.
          starter.yield(.replay([lease], after: mark))
          return
        }
        arriving[lease.shard] = nil
        let history = pastMoments(since: Timestamp(milliseconds: 0))
        books[lease.shard] = ShardBook(lease: lease, accounts: accounts, terms: board.market.terms, history: history)
        books[lease.shard]?.hear(arrival.heard, history: history)
        begin(lease.shard)
        metrics.holds(shards: books.count)
        logger.info(
          "a shard is evaluated here", metadata: ["shard": "\(lease.shard)", "accounts": "\(accounts.count)"])
        return
      } catch {
        logger.warning("a shard cannot be read", metadata: ["shard": "\(lease.shard)", "error": "\(error)"])
      }
      try? await Task.sleep(for: Self.retryDelay)
    }
  }

  private func carryOut(_ request: ShardBook.Request, _ lease: EvaluatorLease) async {
    let id = request.accountId
    while !Task.isCancelled, books[lease.shard]?.lease == lease {
      do throws(DeskError) {
        switch request {
        case .evaluate(_, let moments, let recent):
          let written = try await store.perform(on: id, fence: lease) { account, _ in
            account.evaluate(moments, recent)
          }
          metrics.report(written)
          update(lease) { $0.finished(id, wrote: written) }
        case .rollOver(_, let rollovers):
          let written = try await store.perform(on: id, fence: lease) { account, market throws(CommandError) in
            var transactions: [Transaction] = []
            for rollover in rollovers {
              transactions += try account.rollover(rollover, in: market, at: .now)
            }
            return transactions
          }
          metrics.report(written)
          update(lease) { $0.finished(id, wrote: written) }
        case .reload:
          let (account, newest) = try await store.account(id, since: board.oldestMoment ?? .now)
          let history = pastMoments(since: Timestamp(milliseconds: 0))
          update(lease) { $0.reloaded(account, newest: newest, history: history) }
        }
        return
      } catch {
        if await !isRepeatable(error, request, lease) { return }
      }
    }
  }

  /// Whether the same request is to be made again. Repeating is safe whatever became of it: the account is read anew, and an
  /// order that was triggered is not there any more.
  private func isRepeatable(
    _ error: DeskError, _ request: ShardBook.Request, _ lease: EvaluatorLease
  ) async -> Bool {
    switch error {
    case .fenced:
      drop(lease.shard, lease)
      return false
    case .unknownAccount, .command(.amountOverflow):
      // Nothing that time will mend.
      logger.error("an account cannot be evaluated", metadata: ["account_id": "\(request.accountId)"])
      update(lease) { $0.gone(request.accountId) }
      return false
    default:
      logger.warning(
        "evaluation has to be repeated", metadata: ["account_id": "\(request.accountId)", "error": "\(error)"])
      try? await Task.sleep(for: Self.retryDelay)
      return true
    }
  }

  private func update(_ lease: EvaluatorLease, _ change: (inout ShardBook) -> Void) {
    guard var book = books[lease.shard], book.lease == lease else { return }
    // Taken out meanwhile, so that it is not copied.
    books[lease.shard] = nil
    change(&book)
    books[lease.shard] = book
    begin(lease.shard)
  }
}
