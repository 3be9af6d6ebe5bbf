import NIOCore
import NIOPosix
import NIOSSL

/// All clients of /ws of a run, spread over the event loops.
struct FeedClients: Sendable {
  private let count: Int
  private let workers: [FeedWorker]

  init(_ options: LoadOptions, token: SessionToken, group: MultiThreadedEventLoopGroup, tls: NIOSSLContext?) {
    count = options.webSockets
    workers = group.makeIterator().map {
      FeedWorker(
        targets: options.targets, dialer: FeedDialer(loop: $0, token: token, sources: options.sources, tls: tls),
        accounts: options.accounts, followers: options.followers,
        silence: .nanoseconds(options.silenceLimit.nanoseconds))
    }
  }

  /// Shows a new token on every connection.
  func authenticate(_ token: String) async {
    for worker in workers { await worker.authenticate(token) }
  }

  /// Runs the clients while `body` runs. The figures are nil when there are no clients.
  func run<Value: Sendable>(
    while body: @Sendable () async -> Value
  ) async -> (value: Value, figures: WebSocketFigures?) {
    guard count > 0 else { return (await body(), nil) }
    return await withDiscardingTaskGroup { group in
      for client in 0..<count { group.addTask { await workers[client % workers.count].live(client) } }
      let value = await body()
      var statistics = FeedWorker.Statistics()
      for worker in workers { statistics.merge(await worker.finish()) }
      return (value, WebSocketFigures(statistics, clients: count))
    }
  }
}

extension WebSocketFigures {
  init(_ statistics: FeedWorker.Statistics, clients: Int) {
    self.init()
    self.clients = clients
    connected = statistics.connected
    messages = statistics.messages
    ended = statistics.ended
    gaps = statistics.gaps
    transactions = statistics.transactions
    unfilledGaps = statistics.unfilledGaps
    reconnectP50Ms = Double(statistics.reconnects.percentile(0.5)) / 1e6
    reconnectMaxMs = Double(statistics.reconnects.maximum) / 1e6
    delayP50Ms = Double(statistics.delays.percentile(0.5)) / 1e6
    delayP99Ms = Double(statistics.delays.percentile(0.99)) / 1e6
  }
}
