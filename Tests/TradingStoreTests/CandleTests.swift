import Testing
import TradingCore

@testable import TradingStore

@Suite struct CandleTests {
  private let euro = Symbol("EURUSD")

  private func deadline() -> ContinuousClock.Instant { .now + .seconds(20) }

  private func tick(_ milliseconds: Int64, _ bid: Int64, _ symbol: String = "EURUSD") -> RecordedTick {
    RecordedTick(
      Quote(symbol: Symbol(symbol), bid: Price(points: bid), ask: Price(points: bid + 10)),
      at: Timestamp(milliseconds: milliseconds))
  }

  private func candle(_ time: Int64, _ open: Int64, _ high: Int64, _ low: Int64, _ close: Int64, _ volume: Int64)
    -> Candle
  {
    Candle(
      time: Timestamp(milliseconds: time), open: Price(points: open), high: Price(points: high),
      low: Price(points: low), close: Price(points: close), volume: volume)
  }

  @Test func ticksBecomeCandlesHoweverTheyAreBatchedAndRepeated() async throws {
    let pool = PostgresPool(settings: try await PostgresServer.shared.makeMigratedDatabase(), logger: quietLogger)
    let (store, reader) = (TickStore(pool: pool), CandleReader(pool: pool))
    await #expect(throws: DeskError.self, "there is no partition yet") {
      try await store.append([tick(Timestamp.now.milliseconds, 1)], deadline: deadline())
    }
    try await store.maintain(deadline: deadline())
    try await store.maintain(deadline: deadline())

    // The last whole five minutes.
    let start = (Timestamp.now.milliseconds / 300_000 - 1) * 300_000
    try await store.append(
      [tick(start + 1, 100), tick(start + 59_999, 90), tick(start, 7, "XAUUSD")], deadline: deadline())
    let more = [tick(start + 60_000, 95), tick(start + 61_000, 120), tick(start + 240_000, 80)]
    for _ in 0..<2 { try await store.append(more, deadline: deadline()) }

    let minutes = [
      candle(start, 100, 100, 90, 90, 2), candle(start + 60_000, 95, 120, 95, 120, 2),
      candle(start + 240_000, 80, 80, 80, 80, 1),
    ]
    func read(
      _ granularity: CandleGranularity, from: Int64? = nil, to: Int64? = nil, count: Int = 100
    ) async throws -> [Candle] {
      try await reader.candles(
        symbol: euro, granularity: granularity, from: from.map { Timestamp(milliseconds: $0) },
        to: to.map { Timestamp(milliseconds: $0) }, count: count, deadline: deadline())
    }
    #expect(try await read(.M1) == minutes)
    #expect(try await read(.M1, count: 2) == Array(minutes.suffix(2)))
    #expect(try await read(.M1, from: start, count: 2) == Array(minutes.prefix(2)))
    #expect(try await read(.M1, from: start + 1, to: start + 240_000) == [minutes[1]])
    #expect(try await read(.M5) == [candle(start, 100, 120, 80, 80, 5)])
    #expect(try await read(.D).map(\.volume).reduce(0, +) == 5)
    await pool.shutdown()
  }

  @Test func oldPartitionsGoAndARollBackKeepsTheCandles() async throws {
    let settings = try await PostgresServer.shared.makeMigratedDatabase()
    let pool = PostgresPool(settings: settings, logger: quietLogger)
    let store = TickStore(pool: pool)
    try await store.maintain(deadline: deadline())
    try await store.append([tick(Timestamp.now.milliseconds, 100)], deadline: deadline())
    let limit = deadline()
    func partitions() async throws -> [String] {
      try await pool.run(deadline: limit) { connection in
        try connection.query(
          "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE inhparent = 'ticks'::regclass",
          deadline: limit
        ).rows.compactMap { $0[0] }
      }
    }
    // Where TimescaleDB is at hand it keeps chunks of its own.
    if try await partitions().contains(where: { $0.hasPrefix("ticks_2") }) {
      try await pool.run(deadline: limit) { connection in
        try connection.script(
          "CREATE TABLE ticks_20200101 PARTITION OF ticks FOR VALUES FROM ('2020-01-01') TO ('2020-01-02')",
          deadline: limit)
      }
      try await store.maintain(deadline: limit)
      #expect(try await partitions().count == 4)
    }
    let migrator = Migrator(settings: settings, logger: quietLogger)
    try await migrator.run(.down(to: 2), deadline: deadline())
    try await migrator.run(.up(to: nil), deadline: deadline())
    let candles = try await CandleReader(pool: pool).candles(symbol: euro, granularity: .M1, deadline: deadline())
    #expect(candles.map(\.close.points) == [100])
    await pool.shutdown()
  }
}
