import Logging
import ServiceLifecycle
import TradingStore

/// Tells the other replicas through Redis that something was committed, so that they look at the ledger now and not when
/// they next would. Losing a nudge, or Redis, costs them a few hundredths of a second and nothing else.
struct LedgerNudges: Service {
  static let channel = "{rtx}:committed"
  /// Between two nudges.
  private static let interval: Duration = .milliseconds(10)

  private let tail: LedgerTail
  private let redis: RedisSettings
  private let replica: String
  private let commits: AsyncStream<Void>
  private let commit: AsyncStream<Void>.Continuation
  private let nudges: AsyncStream<Void>
  private let nudge: AsyncStream<Void>.Continuation

  /// - Parameter replica: unique among the replicas.
  init(tail: LedgerTail, redis: RedisSettings, replica: String) {
    self.tail = tail
    self.redis = redis
    self.replica = replica
    (commits, commit) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    (nudges, nudge) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  }

  /// Something was committed here. Returns at once.
  func committed() { commit.yield() }

  func run() async throws {
    let subscription = RedisSubscription(settings: redis, channels: [Self.channel])
    await cancelWhenGracefulShutdown { [self] in
      await withDiscardingTaskGroup { group in
        group.addTask {
          await subscription.run { _, sender in
            if sender != replica { tail.wake() }
          }
        }
        group.addTask { await publish() }
        // The others are told a hundred times a second at most, not of each commit.
        for await _ in commits {
          tail.wake()
          nudge.yield()
          try? await Task.sleep(for: Self.interval)
        }
        group.cancelAll()
      }
    }
  }

  private func publish() async {
    await RedisConnection.keepOpen(redis) { connection in
      for await _ in nudges { try await connection.command(["PUBLISH", Self.channel, replica]) }
    }
  }
}
