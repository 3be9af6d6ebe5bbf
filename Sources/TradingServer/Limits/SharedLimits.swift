import FoundationEssentials
import ServiceLifecycle
import TradingStore

/// Tells the other replicas through Redis how much of each client's rate was used here, and counts what they tell.
///
/// No request waits for Redis: the limits are counted here, and what others counted comes a moment later. Losing Redis
/// leaves every replica with its own count.
struct SharedLimits: Service {
  static let channel = "{rtx}:limits"
  /// Between two reports.
  private static let interval: Duration = .milliseconds(100)

  /// What a replica tells.
  struct Report: Codable {
    var replica: String
    /// By limit and key.
    var taken: [String: [String: Int]]
  }

  /// By name, the same on all replicas.
  private let limiters: [String: RateLimiter]
  private let redis: RedisSettings
  private let replica: String

  /// - Parameter replica: unique among the replicas.
  init(_ limiters: [String: RateLimiter], redis: RedisSettings, replica: String) {
    self.limiters = limiters
    self.redis = redis
    self.replica = replica
  }

  func run() async throws {
    let subscription = RedisSubscription(settings: redis, channels: [Self.channel])
    await cancelWhenGracefulShutdown { [self] in
      await withDiscardingTaskGroup { group in
        group.addTask { await subscription.run { _, text in hear(text) } }
        await publish()
        group.cancelAll()
      }
    }
  }

  private func hear(_ text: String) {
    guard let report = try? JSONDecoder().decode(Report.self, from: Data(text.utf8)), report.replica != replica else {
      return
    }
    for (name, taken) in report.taken { limiters[name]?.note(taken) }
  }

  private func publish() async {
    await RedisConnection.keepOpen(redis) { connection in
      // What was taken while nobody could be told is old by now.
      _ = report()
      while !Task.isCancelled {
        try await Task.sleep(for: Self.interval)
        if let report = report() { try await connection.command(["PUBLISH", Self.channel, report]) }
      }
    }
  }

  /// Nil when nothing was taken.
  private func report() -> String? {
    let taken = limiters.mapValues { $0.takings() }.filter { !$0.value.isEmpty }
    guard !taken.isEmpty, let data = try? JSONEncoder().encode(Report(replica: replica, taken: taken)) else {
      return nil
    }
    return String(decoding: data, as: UTF8.self)
  }
}
