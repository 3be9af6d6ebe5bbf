import NIOCore
import NIOWebSocket

/// The clients of /ws that live on one event loop.
actor FeedWorker {
  nonisolated let loop: any EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }

  /// Counts of all clients of a loop.
  struct Statistics: Sendable {
    var connected = 0
    var messages = 0
    var gaps = 0
    var transactions = 0
    var unfilledGaps = 0
    var ended: [String: Int] = [:]
    var reconnects = LatencyHistogram()
    var delays = LatencyHistogram()

    mutating func merge(_ other: Statistics) {
      connected += other.connected
      messages += other.messages
      gaps += other.gaps
      transactions += other.transactions
      unfilledGaps += other.unfilledGaps
      ended.merge(other.ended, uniquingKeysWith: +)
      reconnects.merge(other.reconnects)
      delays.merge(other.delays)
    }
  }

  private let targets: [Target]
  private let dialer: FeedDialer
  /// What clients below `followers` follow beside prices, in turn.
  private let accounts: [String]
  private let followers: Int
  private let silence: TimeAmount
  private var statistics = Statistics()
  private var channels: [Int: any Channel] = [:]
  /// Clients without a message since their last connection ended, and since when.
  private var away: [Int: NIODeadline] = [:]
  /// The last transaction that a client was told, on whichever connection.
  private var told: [Int: Int64] = [:]
  private var looks: RepeatedTask?
  private var isFinished = false

  init(targets: [Target], dialer: FeedDialer, accounts: [String], followers: Int, silence: TimeAmount) {
    self.targets = targets
    self.dialer = dialer
    self.accounts = accounts
    self.followers = followers
    self.silence = silence
    loop = dialer.loop
  }

  /// Keeps a client connected until `finish`: whenever its connection ends it goes to the next target.
  func live(_ client: Int) async {
    var target = client
    startLooking()
    var pause = TimeAmount.milliseconds(50)
    while !isFinished {
      if let channel = await dialer.connect(to: targets[target % targets.count], client: client, isolation: self) {
        if isFinished { return channel.close(promise: nil) }
        channels[client] = channel
        let (reason, since) = await follow(channel, client)
        if channels.removeValue(forKey: client) != nil, !isFinished { statistics.ended[reason, default: 0] += 1 }
        away[client] = away[client] ?? since
        pause = .milliseconds(50)
      } else {
        away[client] = away[client] ?? .now()
      }
      if isFinished { return }
      target += 1
      // Clients that were sent away together must not come back together.
      let wait = TimeAmount.nanoseconds(.random(in: 0...pause.nanoseconds))
      await withCheckedContinuation { continuation in _ = loop.scheduleTask(in: wait) { continuation.resume() } }
      pause = min(pause * 2, .seconds(2))
    }
  }

  /// Shows a new token on every connection, before the server closes those of the old one.
  func authenticate(_ token: String) {
    for channel in channels.values {
      guard let handler = try? channel.pipeline.syncOperations.handler(type: FeedHandler.self),
        let context = try? channel.pipeline.syncOperations.context(handler: handler)
      else { continue }
      handler.send(.text, ByteBuffer(string: #"{"type":"authenticate","token":"\#(token)"}"#), context)
    }
  }

  /// Ends every connection and returns what was counted.
  func finish() -> Statistics {
    isFinished = true
    looks?.cancel()
    statistics.connected = channels.count
    // Who is not back has been away at least so long.
    for since in away.values { statistics.reconnects.record(nanoseconds: (.now() - since).nanoseconds) }
    for channel in channels.values { channel.close(promise: nil) }
    return statistics
  }

  /// Subscribes, counts what comes, and returns why it ended, and since when it says nothing.
  private func follow(_ channel: any Channel, _ client: Int) async -> (reason: String, since: NIODeadline) {
    guard let handler = try? channel.pipeline.syncOperations.handler(type: FeedHandler.self),
      let context = try? channel.pipeline.syncOperations.context(handler: handler)
    else { return ("connection lost", .now()) }
    for message in subscriptions(of: client) { handler.send(.text, ByteBuffer(string: message), context) }
    return await withCheckedContinuation { (continuation: CheckedContinuation<(String, NIODeadline), Never>) in
      var last: Int64?
      handler.onEvent = { event in
        self.assumeIsolated { worker in
          switch event {
          case .ended(let reason, let since): continuation.resume(returning: (reason, since))
          case .transaction(let id): worker.count(transaction: id, of: client)
          case .message(let sequence, let isFirst, let time):
            worker.isBack(client)
            worker.count(sequence, after: isFirst ? nil : last, time)
            last = sequence ?? last
          }
        }
      }
    }
  }

  /// All prices, and for followers an account from where the last connection left off.
  private func subscriptions(of client: Int) -> [String] {
    let prices = #"{"type":"subscribe"}"#
    guard client < followers else { return [prices] }
    let account = accounts[client % accounts.count]
    let since = told[client].map { #","since":"\#($0)""# } ?? ""
    return [prices, #"{"type":"subscribe","symbols":[],"account":"\#(account)"\#(since)}"#]
  }

  private func isBack(_ client: Int) {
    guard let since = away.removeValue(forKey: client) else { return }
    statistics.reconnects.record(nanoseconds: (.now() - since).nanoseconds)
  }

  private func count(_ sequence: Int64?, after last: Int64?, _ time: Int64?) {
    statistics.messages += 1
    if let sequence, let last, sequence != last + 1 { statistics.gaps += 1 }
    if let time { statistics.delays.record(nanoseconds: FeedHandler.delay(since: time) * 1_000_000) }
  }

  /// An account's transactions are numbered without gaps, on whichever connection they come.
  private func count(transaction id: Int64, of client: Int) {
    statistics.transactions += 1
    if let last = told[client], id != last + 1 { statistics.unfilledGaps += 1 }
    told[client] = id
  }

  // MARK: Dead connections

  /// One timer for all clients.
  private func startLooking() {
    guard looks == nil else { return }
    looks = loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
      self.assumeIsolated { $0.look() }
    }
  }

  private func look() {
    for channel in channels.values {
      try? channel.pipeline.syncOperations.handler(type: FeedHandler.self).giveUp(after: silence)
    }
  }
}
