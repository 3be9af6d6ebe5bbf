import Testing
import TradingCore
import TradingStore

@testable import TradingServer

@Suite struct TickRecorderTests {
  private let euro = Symbol("EURUSD")

  private func tick(_ milliseconds: Int64, _ bid: Int64 = 100) -> RecordedTick {
    RecordedTick(
      Quote(symbol: euro, bid: Price(points: bid), ask: Price(points: bid + 10)),
      at: Timestamp(milliseconds: milliseconds))
  }

  @Test func ticksWaitUntilTheyAreStoredAndTheOldestOfTooManyGo() {
    let unstored = UnstoredTicks(capacity: 5)
    func all() -> [Int64] {
      unstored.ticks(after: Timestamp(milliseconds: 0), through: Timestamp(milliseconds: 99)).map(\.time.milliseconds)
    }
    #expect(unstored.add((1...4).map { tick($0) }) == 0)
    let (first, end) = unstored.first(3, through: Timestamp(milliseconds: 2))
    #expect(first.map(\.time.milliseconds) == [1, 2])
    #expect(all() == [1, 2, 3, 4], "until they are stored")
    // While they are being stored some are dropped.
    #expect(unstored.add((5...8).map { tick($0) }) == 3)
    unstored.remove(before: end)
    #expect(all() == [4, 5, 6, 7, 8])
    unstored.remove(before: unstored.first(2, through: Timestamp(milliseconds: 9)).end)
    #expect(all() == [6, 7, 8])
  }

  @Test func everyReplicaStoresWhatAllHeardAndNoneItsOwnPrices() async throws {
    let postgres = try await PostgresServer.shared.makeMigratedDatabase()
    let pool = PostgresPool(settings: postgres, logger: quietLogger)
    let board = MarketBoard(terms: DealerTerms(catalog: .standard))
    let unstored = UnstoredTicks()
    // One that follows: the leader may have died before it stored anything.
    board.source = .shared(isLeader: false)
    let recorder = TickRecorder(
      board: board, unstored: unstored, postgres: postgres, interval: .milliseconds(10), logger: quietLogger)
    let running = Task { await recorder.record() }
    let start = Timestamp.now.milliseconds - 4_000
    let stored = { () async throws -> [RecordedTick] in
      try await TickStore(pool: pool).ticks(
        of: [euro], after: Timestamp(milliseconds: 0), through: Timestamp(milliseconds: start + 60_000), span: 60_000,
        deadline: soon)
    }
    // The recorder has to listen before the first one comes.
    var sequence: Int64 = 0
    try await eventually("it listens") {
      sequence += 1
      board.offer(
        PriceSnapshot(sequence: sequence, time: tick(start + sequence).time, quotes: [tick(0, sequence).quote]))
      return unstored.count > 0
    }
    try await eventually("what is older than three seconds is stored") {
      try await stored().last == tick(start + sequence, sequence)
    }
    // Of its own making, and then one that is younger: the leader has time to store it.
    board.offer(
      PriceSnapshot(sequence: 1_000, time: tick(start + 1_000).time, quotes: [tick(0, 500).quote]), isShared: false)
    board.offer(PriceSnapshot(sequence: 2_000, time: .now, quotes: [tick(0, 600).quote]))
    try await eventually("it waits") { unstored.count == 1 }
    #expect(try await stored().last == tick(start + sequence, sequence))
    board.source = .shared(isLeader: true)
    try await eventually("the leader stores at once") { try await stored().last?.quote.bid.points == 600 }
    #expect(try await !stored().contains { $0.quote.bid.points == 500 })
    running.cancel()
    await running.value
    await pool.shutdown()
  }
}
