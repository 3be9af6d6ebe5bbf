/// The waiting time after each failure of a key.
public struct RequeuePolicy: Sendable, Hashable {
  /// The wait after the first failure; each further one doubles it.
  public var initial: Duration
  /// No wait is longer than this.
  public var maximum: Duration

  /// controller-runtime's defaults: 5 ms, doubled with each failure, about 16 minutes at most.
  public init(initial: Duration = .milliseconds(5), maximum: Duration = .seconds(1000)) {
    self.initial = initial
    self.maximum = maximum
  }

  /// For what somebody has to put right first, such as a missing permission: no hot loop, and no quarter of an hour of
  /// waiting after it was put right.
  public static let slow = RequeuePolicy(initial: .seconds(1), maximum: .seconds(120))

  func delay(afterFailures failures: Int) -> Duration {
    Backoff.delay(attempt: failures, initial: initial, maximum: maximum)
  }
}
