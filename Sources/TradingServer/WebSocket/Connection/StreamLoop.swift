import NIOCore
import TradingCore
import TradingStore

/// The connections of one event loop and what they share; belongs to that loop.
final class StreamLoop {
  /// Clients that are sent away come back within so many milliseconds, each at a moment of its own.
  static let reconnectWindow = 500
  /// Clients are sent away in so many portions.
  private static let portions = 40
  private static let lookInterval: TimeAmount = .seconds(1)

  let terms: StreamTerms
  /// The dealer's own prices.
  let quotes: QuoteFanOut
  /// The prices of those groups that connections of this loop deal as.
  private var groups: [String: QuoteFanOut] = [:]
  private let everything: (_ group: String) -> QuoteUpdate?
  let accounts: AccountFanOut
  private let metrics: TradingMetrics
  private let eventLoop: any EventLoop
  /// In no particular order; each knows its index.
  private var connections: ContiguousArray<StreamHandler> = []
  private var looks: RepeatedTask?
  /// The time, as exact as whoever counts seconds needs it.
  private(set) var now = NIODeadline.now()

  /// - Parameter everything: all prices of a group as they were shown last.
  init(
    terms: StreamTerms, events: AccountEvents, metrics: TradingMetrics, eventLoop: any EventLoop,
    everything: @escaping (_ group: String) -> QuoteUpdate?
  ) {
    self.terms = terms
    self.everything = everything
    self.metrics = metrics
    self.eventLoop = eventLoop
    quotes = QuoteFanOut(instruments: terms.catalog.instruments.count)
    accounts = AccountFanOut(events: events, lag: terms.limits.accountLag, eventLoop: eventLoop)
  }

  func show(_ broadcast: QuoteBroadcast) {
    now = .now()
    quotes.show(broadcast.dealer)
    for (group, fanOut) in groups {
      if let update = broadcast.groups[group] { fanOut.show(update) }
    }
  }

  /// Tells at most `limit` followers of each fan-out; true while there is more to do.
  func proceed(limit: Int) -> Bool {
    var isMore = quotes.proceed(limit: limit)
    for fanOut in groups.values { isMore = fanOut.proceed(limit: limit) || isMore }
    return isMore
  }

  /// The prices that a group deals at.
  func quotes(of group: String) -> QuoteFanOut {
    if let known = groups[group] { return known }
    let fanOut = QuoteFanOut(instruments: terms.catalog.instruments.count)
    // There is nobody yet to tell.
    if let update = everything(group) { fanOut.show(update) }
    groups[group] = fanOut
    return fanOut
  }

  func add(_ connection: StreamHandler) {
    connection.index = connections.count
    connections.append(connection)
    metrics.connectionOpened()
    if connections.count == 1 { startLooking() }
  }

  func remove(_ connection: StreamHandler) {
    let last = connections.removeLast()
    if last !== connection {
      connections[connection.index] = last
      last.index = connection.index
    }
    metrics.connectionClosed()
    if connections.isEmpty {
      looks?.cancel()
      looks = nil
    }
  }

  /// Sends everyone to another replica, evenly over a time: who is sent away comes back at once, and where thousands do
  /// so together, all of them wait.
  func drain(over duration: TimeAmount) {
    let leaving = NIOLoopBound(Array(connections), eventLoop: eventLoop)
    let size = max(1, (connections.count + Self.portions - 1) / Self.portions)
    for (number, start) in stride(from: 0, to: connections.count, by: size).enumerated() {
      let portion = start..<min(start + size, connections.count)
      let pause = TimeAmount.nanoseconds(duration.nanoseconds / Int64(Self.portions) * Int64(number))
      eventLoop.scheduleTask(in: pause) { for connection in leaving.value[portion] { connection.drain() } }
    }
  }

  /// One timer for all connections, instead of one for each.
  private func startLooking() {
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    looks = eventLoop.scheduleRepeatedTask(initialDelay: Self.lookInterval, delay: Self.lookInterval) { _ in
      bound.value.look()
    }
  }

  private func look() {
    now = .now()
    let time = Timestamp.now
    for connection in connections { connection.look(at: now, time: time) }
  }
}
