import KubernetesClient

/// A monotonic clock without its `Instant` type, so that it can be stored: time is a `Duration` since creation.
public struct TimeSource: Sendable {
  private let elapsed: @Sendable () -> Duration
  private let wait: @Sendable (Duration) async throws -> Void

  /// The machine's clock, which goes on while the machine sleeps; waiting on it does not.
  public static let continuous = TimeSource(
    elapsed: { [start = ContinuousClock.now] in start.duration(to: .now) },
    wait: { try await sleepCancellably(for: $0) })

  private init(
    elapsed: @escaping @Sendable () -> Duration, wait: @escaping @Sendable (Duration) async throws -> Void
  ) {
    self.elapsed = elapsed
    self.wait = wait
  }

  /// Wraps a clock; tests give one that they advance by hand.
  public init<C: Clock>(_ clock: C) where C.Duration == Duration {
    if clock is ContinuousClock {
      self = .continuous
      return
    }
    let start = clock.now
    elapsed = { start.duration(to: clock.now) }
    wait = { try await clock.sleep(until: clock.now.advanced(by: $0), tolerance: nil) }
  }

  /// Time since this source was made.
  public var now: Duration { elapsed() }

  /// Returns after `duration`; throws `CancellationError` when the task is cancelled before that.
  public func sleep(for duration: Duration) async throws {
    try await wait(duration)
  }
}

/// An operation took longer than it was allowed to.
public struct DeadlineExceeded: Error, CustomStringConvertible {
  public var limit: Duration
  public var description: String { "not finished within \(limit)" }
}

/// Runs `operation` and cancels it when `limit` has passed.
///
/// Waits for the cancelled operation to end, so nothing of it is running afterwards.
/// - Throws: `DeadlineExceeded`, or what the operation throws.
func withDeadline<Value: Sendable>(
  _ limit: Duration, time: TimeSource, _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  try await withThrowingTaskGroup(of: Value?.self) { group in
    group.addTask { try await operation() }
    group.addTask {
      try await time.sleep(for: limit)
      return nil
    }
    defer { group.cancelAll() }
    guard let first = try await group.next(), let value = first else { throw DeadlineExceeded(limit: limit) }
    return value
  }
}
