import Logging
import TradingCore
import TradingStore

/// Lets the accounts of shards that nobody evaluated for long meet the prices that came meanwhile, in order, a page at a
/// time, until what is left is in the board's memory.
///
/// The prices are the ticks that replicas share (`TickRecorder`): stored ones, and those that this replica has heard and
/// that are not stored yet. A quote counts as vouched for when it changed. Everything that was touched is filled at its first
/// touch, by the ledger's times, as far back as ticks are kept (`TickStore.tickDays`).
///
/// It may be repeated from any mark: an order that was triggered is not there any more.
struct GapReplay {
  /// Milliseconds that are looked at together.
  private static let span: Int64 = 10_000

  private let leases: [EvaluatorLease]
  private let store: any EvaluatorStore
  private let board: MarketBoard
  private let unstored: UnstoredTicks
  private let metrics: EvaluatorMetrics
  private let logger: Logger

  /// Everything up to here was evaluated.
  private(set) var mark: Timestamp
  private var dealer: Dealer?
  private var readAt = Timestamp(milliseconds: 0)

  /// - Parameter mark: up to where the former holders have evaluated.
  init(
    _ leases: [EvaluatorLease], after mark: Timestamp, store: any EvaluatorStore, board: MarketBoard,
    unstored: UnstoredTicks, metrics: EvaluatorMetrics, logger: Logger
  ) {
    self.leases = leases
    self.mark = mark
    self.store = store
    self.board = board
    self.unstored = unstored
    self.metrics = metrics
    self.logger = logger
  }

  /// Evaluates the next page. False when there is none.
  ///
  /// - Throws: `DeskError` when the database cannot be reached; then the same page comes again.
  mutating func step() async throws(DeskError) -> Bool {
    guard let end = board.oldestMoment, mark < end else { return false }
    let ticks = try await nextTicks(through: end)
    guard let last = ticks.last?.time else {
      mark = end
      return false
    }
    do throws(DeskError) {
      // Orders that were placed before these ticks must be among what was read.
      if dealer == nil || readAt <= last { try await read() }
      try await evaluate(moments(ticks))
    } catch {
      dealer = nil
      throw error
    }
    mark = last
    metrics.replayed(ticks: ticks.count)
    return true
  }

  private var symbols: [Symbol] { board.market.terms.catalog.instruments.map(\.symbol) }

  /// From both sources, each tick once, and only as far as both of them were looked at.
  private func nextTicks(through end: Timestamp) async throws(DeskError) -> [RecordedTick] {
    // In this order: a tick may be stored between the two looks.
    let waiting = unstored.ticks(after: mark, through: end)
    let stored = try await store.ticks(of: symbols, after: mark, through: end, span: Self.span)
    guard let first = [waiting.first?.time, stored.first?.time].compactMap({ $0 }).min() else { return [] }
    let limit = first.milliseconds + Self.span
    let ticks = Set((stored + waiting).filter { $0.time.milliseconds < limit })
    return ticks.sorted { ($0.time, $0.quote.symbol.name) < ($1.time, $1.quote.symbol.name) }
  }

  private mutating func read() async throws(DeskError) {
    readAt = .now
    var fresh = Dealer(terms: board.market.terms)
    for tick in try await store.quotes(of: symbols, at: mark).sorted(by: { $0.time < $1.time }) {
      _ = try? fresh.tick(tick.quote, at: tick.time)
    }
    for lease in leases {
      for account in try await store.activeAccounts(shard: lease.shard) { fresh.add(account) }
    }
    dealer = fresh
  }

  /// The ticks as moments; the market goes on from where the dealer stands.
  private func moments(_ ticks: [RecordedTick]) -> [MarketMoment] {
    guard var market = dealer?.market else { return [] }
    var moments: [MarketMoment] = []
    var start = ticks.startIndex
    while start < ticks.endIndex {
      let time = ticks[start].time
      let end = ticks[start...].firstIndex { $0.time > time } ?? ticks.endIndex
      let quotes = ticks[start..<end].map(\.quote).filter { (try? market.update($0, at: time)) != nil }
      moments.append(MarketMoment(tick: Tick(sequence: 0, time: time, quotes: quotes), market: market))
      start = end
    }
    return moments
  }

  private mutating func evaluate(_ moments: [MarketMoment]) async throws(DeskError) {
    var concerned: Set<String> = []
    for moment in moments {
      for effect in dealer?.take(moment) ?? [] { concerned.insert(effect.accountId) }
    }
    for id in concerned.sorted() { try await evaluate(id, moments) }
  }

  private mutating func evaluate(_ id: String, _ moments: [MarketMoment]) async throws(DeskError) {
    let shard = EvaluatorLeases.shard(of: id)
    guard let lease = leases.first(where: { $0.shard == shard }), let first = moments.first else { return }
    do throws(DeskError) {
      let (account, newest) = try await store.account(id, since: first.tick.time)
      var recent = RecentChanges(knownThrough: 0)
      for transaction in newest where transaction.id <= account.lastTransactionId { recent.note(transaction) }
      recent.know(through: account.lastTransactionId)
      var foreseen = account
      if foreseen.evaluate(moments, recent).isEmpty {
        // Its orders are younger than the prices that would touch them.
        dealer?.add(account)
        return
      }
      let written = try await store.perform(on: id, fence: lease) { [recent] account, _ in
        account.evaluate(moments, recent)
      }
      metrics.report(written)
      let (after, _) = try await store.account(id, since: .now)
      dealer?.add(after)
    } catch {
      switch error {
      case .unknownAccount, .command(.amountOverflow):
        // Nothing that time will mend.
        logger.error("an account cannot be evaluated", metadata: ["account_id": "\(id)"])
      default: throw error
      }
    }
  }
}
