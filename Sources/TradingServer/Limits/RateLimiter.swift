import Synchronization

/// Token buckets by key: `rate` requests a second on average, `burst` at once.
final class RateLimiter: Sendable {
  private struct Bucket {
    var tokens: Double
    var filled: ContinuousClock.Instant
  }
  private let rate: Double
  private let burst: Double
  private let capacity: Int
  private let buckets = Mutex<[String: Bucket]>([:])

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
    return buckets.withLock { buckets in
      let tokens = buckets[key].map { level(of: $0, at: now) } ?? burst
      guard tokens >= 1 else { return .seconds((1 - tokens) / rate) }
      if buckets.count >= capacity, buckets[key] == nil {
        buckets = buckets.filter { level(of: $0.value, at: now) < burst }
        // All of them in use: forgetting some lets a few requests more through, and memory stays bounded.
        if buckets.count >= capacity { buckets = buckets.filter { _ in Bool.random() } }
      }
      buckets[key] = Bucket(tokens: tokens - 1, filled: now)
      return nil
    }
  }

  /// Keys that are remembered.
  var count: Int { buckets.withLock { $0.count } }

  private func level(of bucket: Bucket, at now: ContinuousClock.Instant) -> Double {
    let elapsed = bucket.filled.duration(to: now) / .seconds(1)
    return min(burst, bucket.tokens + max(0, elapsed) * rate)
  }
}
