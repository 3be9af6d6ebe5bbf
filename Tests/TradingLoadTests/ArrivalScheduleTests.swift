import Testing

@testable import TradingLoad

@Suite struct ArrivalScheduleTests {
  @Test func uniformArrivalsKeepTheirRateToTheLastOne() {
    let schedule = ArrivalSchedule(rate: 3, duration: .seconds(100), spacing: .uniform, seed: 1)
    let moments = Array(schedule)
    #expect(moments.count == 300)
    #expect(moments[299] == 99_666_666_666)
  }

  @Test func poissonArrivalsHaveTheRateAndTheSpreadOfIndependentClients() {
    let schedule = ArrivalSchedule(rate: 1_000, duration: .seconds(20), spacing: .poisson, seed: 7)
    let moments = Array(schedule)
    // 20,000 expected with a standard deviation of 141.
    #expect(abs(moments.count - 20_000) < 700)
    #expect(moments == moments.sorted())
    let gaps = zip(moments, moments.dropFirst()).map { Double($1 - $0) / 1e6 }
    let mean = gaps.reduce(0, +) / Double(gaps.count)
    let deviation = (gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gaps.count)).squareRoot()
    // An exponential distribution's deviation is its mean.
    #expect(abs(deviation / mean - 1) < 0.05)
  }

  @Test func theSameSeedGivesTheSameMoments() {
    func moments(_ seed: UInt64) -> [Int64] {
      Array(ArrivalSchedule(rate: 50, duration: .seconds(10), spacing: .poisson, seed: seed))
    }
    #expect(moments(3) == moments(3))
    #expect(moments(3) != moments(4))
  }

  @Test func nothingArrivesWithoutARateOrWithoutTime() {
    #expect(Array(ArrivalSchedule(rate: 0, duration: .seconds(9), spacing: .poisson, seed: 1)).isEmpty)
    #expect(Array(ArrivalSchedule(rate: 9, duration: .zero, spacing: .uniform, seed: 1)).isEmpty)
  }
}
