import Testing

@testable import TradingServer

@Suite(.timeLimit(.minutes(1))) struct SharedLimitsTests {
  @Test func aClientOfAllReplicasGetsNoMoreThanOneOfASingleReplica() async throws {
    let redis = try RedisServer()
    try await redis.waitUntilReady()
    // So slow that nothing flows back while this test lasts.
    let limiters = (0..<3).map { _ in RateLimiter(rate: 1, burst: 1_000) }
    let running = Task {
      await withDiscardingTaskGroup { group in
        for (number, limiter) in limiters.enumerated() {
          let limits = SharedLimits(["account": limiter], redis: redis.settings, replica: "replica-\(number)")
          group.addTask { try? await limits.run() }
        }
      }
    }
    // Subscribing takes a moment, and a report that comes before is lost.
    var probe = 0
    for (sender, limiter) in limiters.enumerated() {
      try await eventually("the others hear of replica \(sender)") {
        probe += 1
        let key = "probe-\(sender)-\(probe)"
        for _ in 0..<1_000 { _ = limiter.take(key) }
        return try await settles { limiters.allSatisfy { $0.take(key) != nil } }
      }
    }

    var granted = 0
    try await eventually("all replicas refuse the client") {
      let before = granted
      for limiter in limiters { for _ in 0..<10 where limiter.take("client") == nil { granted += 1 } }
      return granted == before && limiters.allSatisfy { $0.take("client") != nil }
    }
    // What is taken before the others' reports come goes beyond the burst; alone, the three would grant 3,000.
    #expect((1_000..<2_000).contains(granted), "\(granted)")

    // Without Redis each counts for itself, and nothing waits.
    redis.crash()
    #expect((0..<2_000).count { _ in limiters[0].take("other") == nil } >= 1_000)
    running.cancel()
    await running.value
  }

  /// Whether `condition` comes true within a few reports.
  private func settles(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<20 {
      if condition() { return true }
      try await Task.sleep(for: .milliseconds(25))
    }
    return false
  }
}
