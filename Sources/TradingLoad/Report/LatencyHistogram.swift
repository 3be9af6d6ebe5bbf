/// Counts durations in buckets that are less than 1 % wide, so that any number of them fit in a few kilobytes.
public struct LatencyHistogram: Sendable {
  private static let subBuckets = 128
  private var buckets = [Int](repeating: 0, count: 58 * subBuckets)
  /// How many durations were recorded.
  public private(set) var count = 0
  /// The longest one, exactly, in nanoseconds.
  public private(set) var maximum: Int64 = 0

  public init() {}

  /// Counts a duration; a negative one counts as zero.
  public mutating func record(nanoseconds: Int64) {
    let value = Swift.max(0, nanoseconds)
    buckets[Self.bucket(of: value)] += 1
    count += 1
    maximum = Swift.max(maximum, value)
  }

  /// Adds what `other` has counted.
  public mutating func merge(_ other: LatencyHistogram) {
    for index in buckets.indices { buckets[index] += other.buckets[index] }
    count += other.count
    maximum = Swift.max(maximum, other.maximum)
  }

  /// The duration that the given part of all durations does not exceed, in nanoseconds: 0.99 gives p99. The nearest rank
  /// is taken, and of its bucket the upper end; 0 when nothing was recorded.
  public func percentile(_ part: Double) -> Int64 {
    guard count > 0 else { return 0 }
    let rank = Swift.max(1, Int((Double(count) * part).rounded(.up)))
    var seen = 0
    for (index, number) in buckets.enumerated() where number > 0 {
      seen += number
      if seen >= rank { return Swift.min(maximum, Self.upperEnd(of: index)) }
    }
    return maximum
  }

  /// Below 256 every value has a bucket of its own; above, each power of two is cut into 128.
  private static func bucket(of value: Int64) -> Int {
    let shift = Swift.max(0, 56 - value.leadingZeroBitCount)
    return shift * subBuckets + Int(value >> Int64(shift))
  }

  private static func upperEnd(of index: Int) -> Int64 {
    let shift = Swift.max(0, index / subBuckets - 1)
    let (value, overflow) = Int64(index - shift * subBuckets + 1).multipliedReportingOverflow(by: 1 << Int64(shift))
    return overflow ? .max : value - 1
  }
}
