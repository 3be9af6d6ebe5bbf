/// How fast a client may send requests: on the long run `requestsPerSecond`, and up to `burst` at once after a pause.
///
/// The server has its own protection (priority and fairness), which answers 429 and is obeyed anyway; a limit of the
/// client's own keeps a loop gone wild from getting that far. client-go's tools start with 5 and 10, its controllers
/// usually with 20 and 30 or none.
public struct RateLimit: Sendable, Hashable {
  /// Requests a second on the long run; more than 0.
  public var requestsPerSecond: Double
  /// Requests that may go at once after a pause; at least 1.
  public var burst: Int

  /// Makes a limit; values that would stop everything are raised to the least that do not.
  public init(requestsPerSecond: Double, burst: Int) {
    self.requestsPerSecond = max(requestsPerSecond, 0.001)
    self.burst = max(burst, 1)
  }
}

/// A bucket that fills steadily and gives one token to each request (the token bucket algorithm), as a value: the time
/// comes from outside.
struct TokenBucket: Sendable {
  let limit: RateLimit
  /// May be below zero: those tokens are promised to requests that wait.
  private(set) var tokens: Double
  private var filledAt: ContinuousClock.Instant

  init(_ limit: RateLimit, now: ContinuousClock.Instant) {
    self.limit = limit
    tokens = Double(limit.burst)
    filledAt = now
  }

  /// Takes a token and says how long to wait before it is there; zero when it is already.
  mutating func take(now: ContinuousClock.Instant) -> Duration {
    fill(now)
    tokens -= 1
    return tokens >= 0 ? .zero : .seconds(-tokens / limit.requestsPerSecond)
  }

  /// Gives back a token that was waited for in vain.
  mutating func giveBack() { tokens = min(tokens + 1, Double(limit.burst)) }

  private mutating func fill(_ now: ContinuousClock.Instant) {
    let elapsed = filledAt.duration(to: now)
    guard elapsed > .zero else { return }
    filledAt = now
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    tokens = min(tokens + seconds * limit.requestsPerSecond, Double(limit.burst))
  }
}
