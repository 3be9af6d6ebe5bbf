/// Exponential waiting times with jitter.
public struct Backoff: Sendable {
  /// The first waiting time.
  public var initial: Duration
  /// No waiting time before jitter is longer than this.
  public var maximum: Duration
  /// How much longer each waiting time is than the one before.
  public var factor: Double
  /// The share of a waiting time that is added at random: 0.5 means up to half as long again.
  public var jitter: Double
  /// How often `next` was asked since the last reset.
  public private(set) var attempts = 0

  private let random: @Sendable () -> Double

  /// - Parameter random: Gives numbers in 0 ..< 1; tests give a fixed one.
  public init(
    initial: Duration = .milliseconds(800), maximum: Duration = .seconds(30), factor: Double = 2, jitter: Double = 1,
    random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
  ) {
    self.initial = initial
    self.maximum = maximum
    self.factor = factor
    self.jitter = jitter
    self.random = random
  }

  /// The next waiting time.
  public mutating func next() -> Duration {
    defer { attempts += 1 }
    return Self.delay(attempt: attempts, initial: initial, maximum: maximum, factor: factor)
      * (1 + jitter * random())
  }

  /// Starts over; called when the thing retried proved healthy.
  public mutating func reset() {
    attempts = 0
  }

  /// `initial * factor^attempt`, at most `maximum`; never overflows, however many attempts.
  public static func delay(attempt: Int, initial: Duration, maximum: Duration, factor: Double = 2) -> Duration {
    var delay = initial
    for _ in 0..<max(0, attempt) {
      if delay >= maximum { return maximum }
      delay = delay * factor
    }
    return min(delay, maximum)
  }
}
