import Synchronization

/// Token buckets by key: `rate` requests a second on average, `burst` at once.
///
/// Replicas tell each other what was taken (``SharedLimits``), so that a client that goes to all of them gets no more than
/// one that stays with one. What was not told yet is what it may get beyond that.
final class RateLimiter: Sendable {
  private struct Bucket {
    var tokens: Double
    var filled: ContinuousClock.Instant
  }
  private let rate: Double
  private let burst: Double
  private let capacity: Int
  private let state = Mutex(State())

  private struct State {
    var buckets: [String: Bucket] = [:]
    /// Tokens that were taken here and that nobody has been told of.
    var taken: [String: Int] = [:]
  }

  /// - Parameters:
  ///   - rate: requests a second, 0 for no limit.
  ///   - burst: two seconds' worth when nil.
  ///   - capacity: keys that are remembered; a full bucket needs no memory.
  init(rate: Int, burst: Int? = nil, capacity: Int = 50_000) {
    self.rate = Double(rate)
    self.burst = Double(burst ?? 2 * rate)
    self.capacity = capacity
  }

  /// Takes a token. Nil when there was one; otherwise the time until there is one again.
  func take(_ key: String, at now: ContinuousClock.Instant = .now) -> Duration? {
    guard rate > 0 else { return nil }
    return state.withLock { state in
      let tokens = state.buckets[key].map { level(of: $0, at: now) } ?? burst
      guard tokens >= 1 else { return .seconds((1 - tokens) / rate) }
      set(key, tokens - 1, &state, at: now)
      if state.taken.count < capacity || state.taken[key] != nil { state.taken[key, default: 0] += 1 }
      return nil
    }
  }

  /// What was taken since the last call, by key.
  func takings() -> [String: Int] {
    state.withLock { state in
      defer { state.taken = [:] }
      return state.taken
    }
  }

  /// Counts what was taken elsewhere. A bucket may owe as much as it can hold, and no more: nobody is shut out for long by
  /// what another replica says.
  func note(_ takings: [String: Int], at now: ContinuousClock.Instant = .now) {
    guard rate > 0 else { return }
    state.withLock { state in
      for (key, count) in takings where count > 0 {
        let tokens = state.buckets[key].map { level(of: $0, at: now) } ?? burst
        set(key, max(-burst, tokens - Double(count)), &state, at: now)
      }
    }
  }

  /// Keys that are remembered.
  var count: Int { state.withLock { $0.buckets.count } }

  private func set(_ key: String, _ tokens: Double, _ state: inout State, at now: ContinuousClock.Instant) {
    if state.buckets.count >= capacity, state.buckets[key] == nil {
      state.buckets = state.buckets.filter { level(of: $0.value, at: now) < burst }
      // All of them in use: forgetting some lets a few requests more through, and memory stays bounded.
      if state.buckets.count >= capacity { state.buckets = state.buckets.filter { _ in Bool.random() } }
    }
    state.buckets[key] = Bucket(tokens: tokens, filled: now)
  }

  private func level(of bucket: Bucket, at now: ContinuousClock.Instant) -> Double {
    let elapsed = bucket.filled.duration(to: now) / .seconds(1)
    return min(burst, bucket.tokens + max(0, elapsed) * rate)
  }
}
