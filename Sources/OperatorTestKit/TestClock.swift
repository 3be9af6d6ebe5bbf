import Synchronization

/// A clock that stands still until the test moves it: time-outs, backoffs and leases in no time, and always the same.
public final class TestClock: Clock {
  public struct Instant: InstantProtocol {
    /// Time since the clock was made.
    public var offset: Duration

    public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
    public func duration(to other: Instant) -> Duration { other.offset - offset }
    public static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
  }

  private struct State {
    var now = Instant(offset: .zero)
    var sleepers: [Int: (deadline: Instant, continuation: CheckedContinuation<Void, any Error>)] = [:]
    var nextID = 0
    /// Counts sleeps that began or ended.
    var activity = 0
  }

  /// A turn comes after everybody who was in line before; a chain of hand-overs takes one for each.
  private static let quietTurns = 50

  private let quietTime: Duration

  private let state = Mutex(State())

  /// - Parameter quietTime: `advance` takes everybody for done when nobody began or ended a sleep for this long, in real
  ///   time.
  public init(quietTime: Duration = .milliseconds(2)) {
    self.quietTime = quietTime
  }

  public var now: Instant { state.withLock { $0.now } }
  public var minimumResolution: Duration { .nanoseconds(1) }

  /// How many tasks sleep on this clock.
  public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

  public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    defer { state.withLock { $0.activity += 1 } }
    let id = state.withLock { state in
      state.activity += 1
      defer { state.nextID += 1 }
      return state.nextID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let result: Result<Void, any Error>? = state.withLock { state in
          if Task.isCancelled { return .failure(CancellationError()) }
          if deadline <= state.now { return .success(()) }
          state.sleepers[id] = (deadline, continuation)
          return nil
        }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
    }
  }

  /// Moves time forward, waking sleepers in order, and lets everybody run who can.
  public func advance(by duration: Duration) async {
    let goal = now.advanced(by: duration)
    await settle()
    while let continuation = wakeNext(before: goal) {
      continuation.resume()
      await settle()
    }
    state.withLock { $0.now = goal }
    await settle()
  }

  private func wakeNext(before goal: Instant) -> CheckedContinuation<Void, any Error>? {
    state.withLock { state in
      guard let next = state.sleepers.min(by: { $0.value.deadline < $1.value.deadline }), next.value.deadline <= goal
      else { return nil }
      state.sleepers[next.key] = nil
      state.now = max(state.now, next.value.deadline)
      return next.value.continuation
    }
  }

  /// Waits until nobody who could run is left: no sleep begins or ends over many turns, nor for the quiet time, nor for
  /// several times as long as our own turns are apart, which tells how busy the machine is.
  private func settle() async {
    var seen = state.withLock { $0.activity }
    var since = ContinuousClock.now
    var (lastTurn, turns, quiet) = (since, 0, quietTime)
    while turns < Self.quietTurns || ContinuousClock.now - since < quiet {
      await Task.yield()
      let now = ContinuousClock.now
      quiet = max(quiet, min((now - lastTurn) * 5, .milliseconds(250)))
      (lastTurn, turns) = (now, turns + 1)
      let current = state.withLock { $0.activity }
      if current != seen { (seen, since, turns) = (current, now, 0) }
    }
  }
}

/// Waits for a condition in real time; the limit is for machines that are busy with other things, not the usual wait.
/// - Returns: Whether it came true.
public func eventually(
  _ limit: Duration = .seconds(30), _ condition: @Sendable () async throws -> Bool
) async rethrows -> Bool {
  let deadline = ContinuousClock.now + limit
  while ContinuousClock.now < deadline {
    if try await condition() { return true }
    // Looking all the time would take the processor from what is waited for. A cancelled wait ends with its last look.
    do { try await Task.sleep(for: .milliseconds(2)) } catch { break }
  }
  return try await condition()
}
