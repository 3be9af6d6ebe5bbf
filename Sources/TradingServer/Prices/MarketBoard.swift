import Synchronization
public import TradingCore

/// The newest quotes of this replica, everyone who wants to hear of new ones, and the last seconds for those who have to
/// look back.
///
/// Sequence and time grow with every tick: what a client was shown is never taken back by an older price, and a moment's time
/// names it.
public final class MarketBoard: Sendable {
  /// Milliseconds that `moments` reaches back: longer than an evaluator is usually away before another takes its place. For
  /// what is longer ago there are stored ticks.
  let history: Int64

  fileprivate struct State {
    var market: Market
    var latest: PriceSnapshot?
    var termsVersion = 0
    var problem: String?
    var source = PriceSource.local(reason: "starting")
    /// Oldest first. The first `forgotten` are out of date and cleared away in bulk.
    var moments: [MarketMoment] = []
    var forgotten = 0
    var listeners: [UInt64: AsyncStream<Tick>.Continuation] = [:]
    var watchers: [UInt64: AsyncStream<PriceSnapshot>.Continuation] = [:]
    var nextListener: UInt64 = 0
  }
  private let state: Mutex<State>

  /// - Parameter history: milliseconds that past moments are kept for.
  public init(terms: DealerTerms, history: Int64 = 10_000) {
    self.history = history
    state = Mutex(State(market: Market(terms: terms)))
  }

  /// The newest quotes, each with the time at which the feed last vouched for it.
  public var market: Market { state.withLock { $0.market } }

  /// Every quote that is known, as of the newest step; nil before the first.
  public var latest: PriceSnapshot? { state.withLock { $0.latest } }

  public var source: PriceSource {
    get { state.withLock { $0.source } }
    set { state.withLock { $0.source = newValue } }
  }

  /// Why this replica, whose prices are wanted, makes none; nil when all is well.
  public var problem: String? {
    get { state.withLock { $0.problem } }
    set { state.withLock { $0.problem = newValue } }
  }

  /// Other markups or instruments from now on. Quotes stay; past moments keep the terms that they were dealt under.
  public func replace(terms: DealerTerms) {
    state.withLock { state in
      state.market = Market(terms: terms, quotesOf: state.market)
      state.termsVersion += 1
    }
  }

  /// Grows with each `replace(terms:)`.
  var termsVersion: Int { state.withLock { $0.termsVersion } }

  /// Shows `snapshot` when it is newer than what is shown, and tells the listeners. False when it is not newer.
  ///
  /// The feed vouches for each quote in it at the snapshot's time. A quote that cannot be, or of an instrument that is not
  /// offered, is left out; one that is missing stays as it was and ages.
  ///
  /// - Parameter isShared: whether all replicas are shown it; false for what this one makes while Redis is away.
  @discardableResult
  public func offer(_ snapshot: PriceSnapshot, isShared: Bool = true) -> Bool {
    state.withLock { state in
      if let latest = state.latest, snapshot.sequence <= latest.sequence || snapshot.time <= latest.time {
        return false
      }
      var changed: [Quote] = []
      for quote in snapshot.quotes {
        let before = state.market[quote.symbol]
        guard (try? state.market.update(quote, at: snapshot.time)) != nil else { continue }
        if before?.bid != quote.bid || before?.ask != quote.ask { changed.append(quote) }
      }
      let latest = PriceSnapshot(sequence: snapshot.sequence, time: snapshot.time, quotes: state.market.quotes)
      state.latest = latest
      let tick = Tick(sequence: snapshot.sequence, time: snapshot.time, quotes: changed, isShared: isShared)
      state.remember(MarketMoment(tick: tick, market: state.market), for: history)
      for listener in state.listeners.values { listener.yield(tick) }
      for watcher in state.watchers.values { watcher.yield(latest) }
      return true
    }
  }

  /// Each new tick from now on. When a reader is slow, the oldest of more than `buffering` ticks are dropped; a gap in the
  /// changes is made up for by reading `latest`.
  public func ticks(buffering: Int) -> AsyncStream<Tick> {
    let (stream, continuation) = AsyncStream.makeStream(of: Tick.self, bufferingPolicy: .bufferingNewest(buffering))
    let id = state.withLock { state in
      state.nextListener += 1
      state.listeners[state.nextListener] = continuation
      return state.nextListener
    }
    continuation.onTermination = { [weak self] _ in
      // Not inside the lock: ending a continuation may run code of its owner.
      let listener = self?.state.withLock { $0.listeners.removeValue(forKey: id) }
      _ = listener
    }
    return stream
  }

  /// The latest prices and then each new picture of all of them. A slow reader skips what it had no time for.
  public func updates() -> AsyncStream<PriceSnapshot> {
    let (stream, continuation) = AsyncStream.makeStream(of: PriceSnapshot.self, bufferingPolicy: .bufferingNewest(1))
    let id = state.withLock { state in
      state.nextListener += 1
      state.watchers[state.nextListener] = continuation
      if let latest = state.latest { continuation.yield(latest) }
      return state.nextListener
    }
    continuation.onTermination = { [weak self] _ in
      let watcher = self?.state.withLock { $0.watchers.removeValue(forKey: id) }
      _ = watcher
    }
    return stream
  }

  /// The moments later than `time`, oldest first, as far back as `history` goes.
  public func moments(since time: Timestamp) -> [MarketMoment] {
    state.withLock { state in
      let start = state.moments[state.forgotten...].partitioningIndex { $0.tick.time > time }
      return Array(state.moments[start...])
    }
  }

  /// The time of the first of `moments`; nil before the first tick.
  var oldestMoment: Timestamp? {
    state.withLock { $0.forgotten < $0.moments.count ? $0.moments[$0.forgotten].tick.time : nil }
  }
}

extension MarketBoard.State {
  fileprivate mutating func remember(_ moment: MarketMoment, for history: Int64) {
    moments.append(moment)
    let oldest = moment.tick.time.milliseconds - history
    while moments[forgotten].tick.time.milliseconds < oldest { forgotten += 1 }
    if forgotten > moments.count / 2 {
      moments.removeFirst(forgotten)
      forgotten = 0
    }
  }
}

extension Market {
  /// The same quotes under other terms, without those of instruments that are no longer offered.
  fileprivate init(terms: DealerTerms, quotesOf other: Market) {
    self.init(terms: terms)
    for quote in other.quotes {
      if let time = other[quote.symbol]?.time { try? update(quote, at: time) }
    }
  }

  /// In the catalog's order.
  fileprivate var quotes: [Quote] {
    terms.catalog.instruments.compactMap { instrument in
      self[instrument.symbol].map { Quote(symbol: instrument.symbol, bid: $0.bid, ask: $0.ask) }
    }
  }
}

extension RandomAccessCollection {
  /// The first index from which on `predicate` holds; it must hold for everything behind it.
  fileprivate func partitioningIndex(where predicate: (Element) -> Bool) -> Index {
    var (low, count) = (startIndex, count)
    while count > 0 {
      let half = count / 2
      let middle = index(low, offsetBy: half)
      if predicate(self[middle]) {
        count = half
      } else {
        low = index(after: middle)
        count -= half + 1
      }
    }
    return low
  }
}
