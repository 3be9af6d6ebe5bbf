/// What arrived.
struct Recorder {
  var ticks = 0
  var bytes = 0
  /// Ticks that came as part of a later one, because the client had not read the ones before.
  var merged = 0
  var delays = DelayHistogram()

  mutating func tick(delay: Double, bytes: Int) {
    ticks += 1
    self.bytes += bytes
    delays.add(delay)
  }
}

/// Delays in tenths of a millisecond, up to ten seconds.
struct DelayHistogram {
  private var counts = [Int](repeating: 0, count: 100_001)
  private(set) var maximum = 0.0

  mutating func add(_ milliseconds: Double) {
    counts[min(max(0, Int(milliseconds * 10)), counts.count - 1)] += 1
    maximum = max(maximum, milliseconds)
  }

  /// Milliseconds, rounded up to a tenth.
  func quantile(_ share: Double) -> Double {
    var rest = Double(counts.reduce(0, +)) * share
    for (index, count) in counts.enumerated() {
      rest -= Double(count)
      if rest <= 0, count > 0 { return Double(index + 1) / 10 }
    }
    return 0
  }
}
