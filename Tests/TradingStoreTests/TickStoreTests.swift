import Testing
import TradingCore

@testable import TradingStore

@Suite struct TickStoreTests {
  private let symbols = [Symbol("EURUSD"), Symbol("XAUUSD"), Symbol("USDJPY")]

  private func tick(_ milliseconds: Int64, _ bid: Int64, _ symbol: String = "EURUSD") -> RecordedTick {
    RecordedTick(
      Quote(symbol: Symbol(symbol), bid: Price(points: bid), ask: Price(points: bid + 10)),
      at: Timestamp(milliseconds: milliseconds))
  }

  @Test func whatWasStoredComesBackInOrderAPageAtATime() async throws {
    let pool = PostgresPool(settings: try await PostgresServer.shared.makeMigratedDatabase(), logger: quietLogger)
    let store = TickStore(pool: pool)
    try await store.maintain(deadline: soon)
    // Odd milliseconds, on both sides of a midnight.
    let start = Timestamp.now.milliseconds / 86_400_000 * 86_400_000 - 1_001
    let ticks = [
      tick(start, 1), tick(start, 900, "XAUUSD"), tick(start + 7, 2), tick(start + 999, 3), tick(start + 1_000, 4),
      tick(start + 40_000_123, 5), tick(start + 40_000_124, 901, "XAUUSD"),
    ]
    try await store.append(ticks.reversed(), deadline: soon)

    func page(after: Int64, through: Int64 = .max / 1_000, span: Int64 = 1_000) async throws -> [RecordedTick] {
      try await store.ticks(
        of: symbols, after: Timestamp(milliseconds: after), through: Timestamp(milliseconds: min(through, start * 2)),
        span: span, deadline: soon)
    }
    #expect(try await page(after: start - 5_000) == Array(ticks[0..<4]))
    #expect(try await page(after: start) == Array(ticks[2..<5]))
    #expect(try await page(after: start, through: start + 7) == [ticks[2]])
    #expect(try await page(after: start + 1_000) == Array(ticks[5...]), "a hole costs one look")
    #expect(try await page(after: start + 40_000_124).isEmpty)

    func quotes(_ time: Int64) async throws -> [RecordedTick] {
      try await store.quotes(of: symbols, at: Timestamp(milliseconds: time), deadline: soon)
    }
    #expect(try await quotes(start + 999) == [ticks[3], ticks[1]], "and no USDJPY")
    #expect(try await quotes(start - 1).isEmpty)
    await pool.shutdown()
  }
}
