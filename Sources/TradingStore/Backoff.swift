/// Waiting times between attempts: doubling, and spread so that replicas do not retry in step.
public struct Backoff: Sendable {
  private var ceiling: Duration
  private let maximum: Duration

  public init(initial: Duration = .milliseconds(50), maximum: Duration = .seconds(1)) {
    ceiling = initial
    self.maximum = maximum
  }

  /// The next waiting time: between half of the ceiling and the ceiling.
  public mutating func next() -> Duration {
    let milliseconds = max(1, ceiling.wholeMilliseconds)
    ceiling = min(ceiling * 2, maximum)
    return .milliseconds(Int64.random(in: (milliseconds + 1) / 2...milliseconds))
  }
}
