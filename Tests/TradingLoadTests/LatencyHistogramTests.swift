import Testing

@testable import TradingLoad

@Suite struct LatencyHistogramTests {
  @Test func percentilesAreWithinOnePercentOfTheTruth() {
    var histogram = LatencyHistogram()
    var values: [Int64] = []
    var generator = SplitMix64(seed: 5)
    for _ in 0..<10_000 {
      let value = Int64(1) << Int64.random(in: 0...50, using: &generator) | Int64.random(in: 0...999, using: &generator)
      values.append(value)
      histogram.record(nanoseconds: value)
    }
    values.sort()
    for part in [0.001, 0.5, 0.9, 0.99, 0.999] {
      let truth = values[Int((part * 10_000).rounded(.up)) - 1]
      let found = histogram.percentile(part)
      #expect(found >= truth && Double(found) <= Double(truth) * 1.01, "p\(part): \(found) instead of \(truth)")
    }
    #expect(histogram.percentile(1) == values.last)
    #expect(histogram.maximum == values.last)
  }

  @Test func smallValuesAreExactAndImpossibleOnesHarmless() {
    var histogram = LatencyHistogram()
    #expect(histogram.percentile(0.5) == 0)
    for value in [Int64(-5), 1, 2, 3, .max] { histogram.record(nanoseconds: value) }
    #expect(histogram.percentile(0.2) == 0)
    #expect(histogram.percentile(0.6) == 2)
    #expect(histogram.percentile(1) == .max)
  }

  @Test func mergedHistogramsCountEverything() {
    var (low, high) = (LatencyHistogram(), LatencyHistogram())
    for value in Int64(1)...100 { low.record(nanoseconds: value) }
    for value in Int64(101)...200 { high.record(nanoseconds: value) }
    low.merge(high)
    #expect(low.count == 200)
    #expect(low.percentile(0.5) == 100)
    #expect(low.maximum == 200)
  }
}
