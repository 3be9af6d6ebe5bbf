import Testing
import TradingCore
import TradingStore

@testable import TradingServer

@Suite struct RolloverTests {
  private let euro = Symbol("EURUSD")
  /// Tuesday 2026-11-24, 21:59:59 UTC.
  private let evening: Int64 = 1_795_557_599_000

  private func offer(_ board: MarketBoard, _ time: Int64) {
    board.offer(
      PriceSnapshot(
        sequence: time, time: Timestamp(milliseconds: time),
        quotes: [Quote(symbol: euro, bid: Price(points: 108_500), ask: Price(points: 108_510))]))
  }

  /// An account with an open trade.
  private func account(_ board: MarketBoard, at time: Int64) throws -> Account {
    var account = Account.open(
      AccountSettings(accountId: "a", currency: Currency("USD")), at: Timestamp(milliseconds: time)
    ).account
    let now = Timestamp(milliseconds: time)
    _ = try account.transfer(Money(minorUnits: 1_000_000), reference: "first", in: board.market, at: now)
    let order = OrderRequest(
      accountId: "a", clientOrderId: "o", symbol: euro, side: .buy, type: .market, volume: Volume(hundredths: 100))
    _ = try account.place(order, in: board.market, at: now)
    #expect(account.trades.count == 1)
    return account
  }

  @Test func theLastRolloverIsTenInTheEvening() {
    func last(_ milliseconds: Int64) -> String {
      Rollovers.last(at: Timestamp(milliseconds: milliseconds)).description
    }
    #expect(last(evening) == "2026-11-23T22:00:00.000Z")
    #expect(last(evening + 1_000) == "2026-11-24T22:00:00.000Z")
    #expect(last(-1) == "1969-12-31T22:00:00.000Z")
  }

  @Test func swapsAreBookedOnceADayAndMadeUpForAfterATakeOver() throws {
    let board = MarketBoard(terms: DealerTerms(catalog: .standard))
    offer(board, evening)
    var account = try account(board, at: evening)
    var book = ShardBook(
      lease: EvaluatorLease(shard: 0, epoch: 1), accounts: [account], terms: board.market.terms, history: [])
    func due(_ time: Int64) throws -> [Timestamp] {
      offer(board, time)
      book.take(try #require(board.moments(since: Timestamp(milliseconds: time - 1)).first))
      return book.takeRequests().flatMap { request -> [Timestamp] in
        if case .rollOver("a", let rollovers) = request { rollovers } else { [] }
      }
    }
    #expect(try due(evening + 500).isEmpty)
    let first = Timestamp(milliseconds: evening + 1_000)
    #expect(try due(evening + 1_100) == [first])
    #expect(try due(evening + 1_200).isEmpty, "it is under way")
    #expect(book.watermark == Timestamp(milliseconds: evening + 1_099))

    let booked = try account.rollover(first, in: board.market, at: Timestamp(milliseconds: evening + 1_300))
    #expect(booked.count == 1)
    book.finished("a", wrote: booked)
    let next = try #require(book.takeRequests().first)
    guard case .reload("a") = next else {
      Issue.record("\(next)")
      return
    }
    book.reloaded(account, newest: booked, history: [])
    #expect(try due(evening + 1_400).isEmpty)

    // A successor two days later, that finds none of them charged.
    let later = evening + 2 * 86_400_000 + 5_000
    let days = Rollovers.due(account, at: Timestamp(milliseconds: later)).map(\.description)
    #expect(days == ["2026-11-25T22:00:00.000Z", "2026-11-26T22:00:00.000Z"])
  }
}
