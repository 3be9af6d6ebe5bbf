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
    var ended: [String: Int] = [:]
    var reconnects = LatencyHistogram()
    var delays = LatencyHistogram()

    mutating func merge(_ other: Statistics) {
      connected += other.connected
      messages += other.messages
      gaps += other.gaps
      ended.merge(other.ended, uniquingKeysWith: +)
      reconnects.merge(other.reconnects)
      delays.merge(other.delays)
    }
  }

  private let targets: [Target]
  private let dialer: FeedDialer
  private var statistics = Statistics()
  private var channels: [Int: any Channel] = [:]
  private var isFinished = false

  init(targets: [Target], dialer: FeedDialer) {
    self.targets = targets
    self.dialer = dialer
    loop = dialer.loop
  }

  /// Keeps a client connected until `finish`: whenever its connection ends it goes to the next target.
  func live(_ client: Int) async {
    var target = client
    var lostAt: NIODeadline?
    var pause = TimeAmount.milliseconds(50)
    while !isFinished {
      if let channel = await dialer.connect(to: targets[target % targets.count], isolation: self) {
        if isFinished { return channel.close(promise: nil) }
        channels[client] = channel
        let reason = await follow(channel, lostAt: lostAt)
        if channels.removeValue(forKey: client) != nil, !isFinished { statistics.ended[reason, default: 0] += 1 }
        lostAt = .now()
        pause = .milliseconds(50)
      } else {
        lostAt = lostAt ?? .now()
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
    statistics.connected = channels.count
    for channel in channels.values { channel.close(promise: nil) }
    return statistics
  }

  /// Subscribes, counts what comes, and returns why it ended.
  private func follow(_ channel: any Channel, lostAt: NIODeadline?) async -> String {
    guard let handler = try? channel.pipeline.syncOperations.handler(type: FeedHandler.self),
      let context = try? channel.pipeline.syncOperations.context(handler: handler)
    else { return "connection lost" }
    handler.send(.text, ByteBuffer(string: #"{"type":"subscribe"}"#), context)
    return await withCheckedContinuation { (continuation: CheckedContinuation<String, Never>) in
      var last: Int64?
      var isFirst = true
      handler.onEvent = { event in
        self.assumeIsolated { worker in
          switch event {
          case .ended(let reason): continuation.resume(returning: reason)
          case .message(let sequence, let time):
            if isFirst, let lostAt { worker.statistics.reconnects.record(nanoseconds: (.now() - lostAt).nanoseconds) }
            isFirst = false
            worker.count(sequence, after: last, time)
            last = sequence ?? last
          }
        }
      }
    }
  }

  private func count(_ sequence: Int64?, after last: Int64?, _ time: Int64?) {
    statistics.messages += 1
    if let sequence, let last, sequence != last + 1 { statistics.gaps += 1 }
    if let time { statistics.delays.record(nanoseconds: FeedHandler.delay(since: time) * 1_000_000) }
  }
}
