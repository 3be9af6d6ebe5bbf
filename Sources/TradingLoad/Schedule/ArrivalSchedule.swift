import Glibc

/// How requests are spread over time.
public enum ArrivalSpacing: String, Sendable, CaseIterable {
  /// Independent clients: exponentially distributed gaps.
  case poisson
  /// One request every 1/rate seconds.
  case uniform
}

/// When requests are meant to start. It never waits for an answer (open loop), so a server that stalls gets what it would
/// get from real clients, and the waiting shows in the latencies.
public struct ArrivalSchedule: Sendable, Sequence {
  /// Requests a second.
  public let rate: Double
  public let duration: Duration
  public let spacing: ArrivalSpacing
  /// The same seed gives the same moments.
  public let seed: UInt64

  public init(rate: Double, duration: Duration, spacing: ArrivalSpacing, seed: UInt64) {
    self.rate = rate
    self.duration = duration
    self.spacing = spacing
    self.seed = seed
  }

  public func makeIterator() -> Iterator { Iterator(self) }

  /// Nanoseconds since the start, growing.
  public struct Iterator: IteratorProtocol {
    private let gap: Double
    private let end: Double
    private let spacing: ArrivalSpacing
    private var generator: SplitMix64
    private var count = 0.0
    private var time = 0.0

    init(_ schedule: ArrivalSchedule) {
      gap = schedule.rate > 0 ? 1e9 / schedule.rate : .infinity
      end = Double(schedule.duration.nanoseconds)
      spacing = schedule.spacing
      generator = SplitMix64(seed: schedule.seed)
    }

    public mutating func next() -> Int64? {
      switch spacing {
      case .uniform:
        // Multiplied, not added up: rounding errors must not drift.
        time = count * gap
        count += 1
      case .poisson:
        time -= log(1 - Double.random(in: 0..<1, using: &generator)) * gap
      }
      return time < end ? Int64(time) : nil
    }
  }
}

extension Duration {
  /// The whole of it in nanoseconds; enough for 292 years.
  var nanoseconds: Int64 {
    components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
  }
}
