import Testing

@testable import OperatorRuntime

@Suite struct TimeSourceTests {
  @Test func `A cancelled wait ends at once, and one that is not ends with its time`() async throws {
    let started = ContinuousClock.now
    let waiting = Task { try await TimeSource.continuous.sleep(for: .seconds(3600)) }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    try await TimeSource.continuous.sleep(for: .milliseconds(20))
    let taken = started.duration(to: .now)
    #expect(taken >= .milliseconds(20) && taken < .seconds(60))
  }

  @Test func `A wait in a task that is cancelled already does not begin`() async throws {
    let waiting = Task {
      while !Task.isCancelled { await Task.yield() }
      try await TimeSource.continuous.sleep(for: .seconds(3600))
    }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
  }
}
