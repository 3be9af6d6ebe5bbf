import NIOCore
import Synchronization
import TradingCore
import TradingStore

/// All open WebSockets, on all event loops: what is published here reaches every client that follows it.
final class StreamHub: Sendable {
  private struct State {
    var loops: [ObjectIdentifier: LoopEntrance] = [:]
    var editor = QuoteEditor()
  }

  private let terms: StreamTerms
  private let dealer: @Sendable () -> DealerTerms
  private let events: AccountEvents
  private let metrics: TradingMetrics
  private let state = Mutex(State())

  /// - Parameter dealer: the terms of the moment, for the groups' markups.
  init(
    terms: StreamTerms, dealer: @escaping @Sendable () -> DealerTerms, events: AccountEvents, metrics: TradingMetrics
  ) {
    self.terms = terms
    self.dealer = dealer
    self.events = events
    self.metrics = metrics
  }

  /// Publishes every price that comes, until the task is cancelled.
  func run(_ prices: some AsyncSequence<PriceSnapshot, Never> & Sendable) async {
    for await snapshot in prices { publish(snapshot) }
  }

  func publish(_ snapshot: PriceSnapshot) {
    state.withLock { state in
      let broadcast = state.editor.broadcast(snapshot, terms: dealer())
      guard !broadcast.isEmpty else { return }
      for loop in state.loops.values { loop.post(broadcast) }
    }
  }

  /// What was committed, by whichever replica; in order within an account.
  func publish(_ entries: [LedgerEntry]) {
    let news = events.messages(for: entries)
    guard !news.isEmpty else { return }
    for loop in state.withLock({ Array($0.loops.values) }) { loop.perform { $0.accounts.hear(news) } }
  }

  /// Tells every client to go to another replica, evenly over a time.
  func sendAway(over duration: Duration) {
    let time = TimeAmount(duration)
    for loop in state.withLock({ Array($0.loops.values) }) { loop.perform { $0.drain(over: time) } }
  }

  /// For a connection of the current event loop. `token` is what its request shows.
  func makeHandler(on eventLoop: any EventLoop, token: String?) -> StreamHandler {
    let entrance = state.withLock { state in
      if let known = state.loops[ObjectIdentifier(eventLoop)] { return known }
      let loop = StreamLoop(terms: terms, events: events, metrics: metrics, eventLoop: eventLoop) { [weak self] group in
        self?.everything(for: group)
      }
      // There is nobody yet to tell.
      if let update = state.editor.everything(for: nil, terms: dealer()) { loop.quotes.show(update) }
      let entrance = LoopEntrance(loop, eventLoop)
      state.loops[ObjectIdentifier(eventLoop)] = entrance
      return entrance
    }
    return StreamHandler(loop: entrance.loop, token: token)
  }

  /// What a group's clients see at the moment; from now on every loop is told about the group.
  private func everything(for group: String) -> QuoteUpdate? {
    state.withLock { $0.editor.everything(for: group, terms: dealer()) }
  }
}

/// The way to an event loop's connections from any thread.
private final class LoopEntrance: Sendable {
  private struct Pending {
    /// What the loop has not shown yet: one update, into which newer ones are merged while the loop is busy.
    var update: QuoteBroadcast?
    var isBusy = false
  }

  /// Followers that are told before the loop looks after its other work.
  private static let portion = 256
  private static let pause: TimeAmount = .microseconds(20)

  private let eventLoop: any EventLoop
  private let bound: NIOLoopBound<StreamLoop>
  private let pending = Mutex(Pending())

  init(_ loop: StreamLoop, _ eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
    bound = NIOLoopBound(loop, eventLoop: eventLoop)
  }

  /// On the loop itself only.
  var loop: StreamLoop { bound.value }

  func post(_ update: QuoteBroadcast) {
    let wasBusy = pending.withLock { pending in
      if pending.update == nil { pending.update = update } else { pending.update?.merge(update) }
      defer { pending.isBusy = true }
      return pending.isBusy
    }
    if !wasBusy { eventLoop.execute { self.showNext() } }
  }

  func perform(_ body: @escaping @Sendable (StreamLoop) -> Void) {
    eventLoop.execute { body(self.loop) }
  }

  private func showNext() {
    let update = pending.withLock { pending in
      defer { pending.update = nil }
      if pending.update == nil { pending.isBusy = false }
      return pending.update
    }
    guard let update else { return }
    loop.show(update)
    proceed()
  }

  private func proceed() {
    guard loop.proceed(limit: Self.portion) else { return showNext() }
    // A task for this very moment would run before anything that was received.
    eventLoop.scheduleTask(in: Self.pause) { self.proceed() }
  }
}
