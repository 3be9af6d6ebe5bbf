import KubernetesModels
import Testing

@testable import KubernetesClient

struct RateLimitTests {
  @Test func aBurstGoesAtOnceAndTheRestInItsTurn() {
    let start = ContinuousClock.now
    var bucket = TokenBucket(RateLimit(requestsPerSecond: 10, burst: 3), now: start)
    let delays = (0..<5).map { _ in bucket.take(now: start) }
    #expect(delays[..<3].allSatisfy { $0 == .zero })
    #expect(abs((delays[3] - .milliseconds(100)) / .milliseconds(1)) < 1)
    #expect(abs((delays[4] - .milliseconds(200)) / .milliseconds(1)) < 1)
    // The debt is paid first; a long pause fills no more than the burst.
    #expect(bucket.take(now: start + .milliseconds(300)) == .zero)
    let later = start + .seconds(3600)
    #expect((0..<4).map { _ in bucket.take(now: later) == .zero } == [true, true, true, false])
  }

  @Test func aTokenThatWasNotUsedIsGivenBack() {
    let now = ContinuousClock.now
    var bucket = TokenBucket(RateLimit(requestsPerSecond: 1, burst: 1), now: now)
    _ = bucket.take(now: now)
    let waited = bucket.take(now: now)
    bucket.giveBack()
    #expect(bucket.take(now: now) == waited)
  }

  @Test func requestsWaitAndCopiesShareTheLimit() async throws {
    let transport = FakeTransport([.json(configMap("a"))])
    let client = KubernetesClient(transport: transport, rateLimit: RateLimit(requestsPerSecond: 20, burst: 1))
    let start = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        let copy = client
        group.addTask { _ = try await copy.get(ConfigMap.self, "a", in: "n") }
      }
      try await group.waitForAll()
    }
    #expect(start.duration(to: .now) >= .milliseconds(145))
  }
}
