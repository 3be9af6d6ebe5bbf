import Testing
import TradingCore

@testable import TradingServer

@Suite struct MarketBoardTests {
  private let board = MarketBoard(terms: DealerTerms(catalog: .standard))
  private let euro = Symbol("EURUSD")
  private let gold = Symbol("XAUUSD")

  private func snapshot(_ sequence: Int64, _ time: Int64, _ quotes: [(Symbol, Int64)]) -> PriceSnapshot {
    PriceSnapshot(
      sequence: sequence, time: Timestamp(milliseconds: time),
      quotes: quotes.map { Quote(symbol: $0.0, bid: Price(points: $0.1), ask: Price(points: $0.1 + 10)) })
  }

  @Test func nothingOlderIsShownWhatEverArrives() {
    #expect(board.offer(snapshot(5, 500, [(euro, 100)])))
    for (sequence, time) in [(5, 501), (4, 600), (6, 500), (6, 499)] as [(Int64, Int64)] {
      #expect(!board.offer(snapshot(sequence, time, [(euro, 200)])))
    }
    #expect(board.latest == snapshot(5, 500, [(euro, 100)]))
    #expect(board.offer(snapshot(6, 501, [(euro, 200)])))
  }

  @Test func aTickCarriesWhatChangedAndTheMarketAgesByQuote() async {
    var ticks = board.ticks(buffering: 8).makeAsyncIterator()
    board.offer(snapshot(1, 100, [(euro, 100), (gold, 900), (Symbol("NOPE"), 1)]))
    board.offer(snapshot(2, 200, [(euro, 100)]))
    board.offer(snapshot(3, 300, [(gold, 901), (euro, -1)]))
    #expect(await ticks.next()?.quotes.map(\.symbol) == [euro, gold])
    #expect(await ticks.next()?.quotes == [])
    #expect(await ticks.next()?.quotes.map(\.symbol) == [gold])
    #expect(board.market[euro]?.time.milliseconds == 200)
    #expect(board.market[gold]?.time.milliseconds == 300)
    #expect(board.latest == snapshot(3, 300, [(euro, 100), (gold, 901)]))
  }

  @Test func aSlowReaderLosesTheOldestTicks() async {
    var ticks = board.ticks(buffering: 2).makeAsyncIterator()
    for sequence in 1...5 as ClosedRange<Int64> { board.offer(snapshot(sequence, sequence, [(euro, sequence)])) }
    #expect(await ticks.next()?.sequence == 4)
    #expect(await ticks.next()?.sequence == 5)
  }

  @Test func momentsReachBackTenSecondsAndHoldTheMarketAsItWas() {
    for step in 1...300 as ClosedRange<Int64> { board.offer(snapshot(step, step * 50, [(euro, 1_000 + step)])) }
    #expect(board.moments(since: Timestamp(milliseconds: 0)).map(\.tick.time.milliseconds).first == 5_000)
    let recent = board.moments(since: Timestamp(milliseconds: 14_850))
    #expect(recent.map(\.tick.time.milliseconds) == [14_900, 14_950, 15_000])
    #expect(recent.map { $0.market[euro]?.bid.points } == [1_298, 1_299, 1_300])
    #expect(board.moments(since: Timestamp(milliseconds: 15_000)).isEmpty)
  }

  @Test func newTermsKeepTheQuotesOfWhatIsStillOffered() {
    board.offer(snapshot(1, 100, [(euro, 100), (gold, 900)]))
    let catalog = InstrumentCatalog(InstrumentCatalog.standard.instruments.filter { $0.symbol == euro })
    board.replace(terms: DealerTerms(catalog: catalog, markups: ["vip": [euro: 3]]))
    #expect(board.market.prices(of: euro, group: "vip")?.bid == 97)
    #expect(board.market[euro]?.time.milliseconds == 100)
    #expect(board.market[gold] == nil)
  }
}
