import Logging
import Testing
import TradingCore
import TradingStore

@testable import TradingServer

@Suite struct OandaTests {
  private static func price(
    _ instrument: String, _ bid: String, _ ask: String, isTradeable: Bool = true
  ) -> String {
    #"{"type":"PRICE","time":"2026-11-22T20:41:07.123456789Z","bids":[{"price":"\#(bid)","liquidity":1000000},"#
      + #"{"price":"0.5","liquidity":1}],"asks":[{"price":"\#(ask)","liquidity":1000000}],"closeoutBid":"1","#
      + #""closeoutAsk":"2","status":"tradeable","tradeable":\#(isTradeable),"instrument":"\#(instrument)"}"# + "\n"
  }
  private static let heartbeat = #"{"type":"HEARTBEAT","time":"2026-11-22T20:41:08.000000000Z"}"# + "\n"

  private func withMaker(
    _ server: OandaServer, patience: Duration = .seconds(20), pause: Duration = .milliseconds(10),
    _ body: @escaping @Sendable (OandaPriceMaker) async throws -> Void
  ) async throws {
    try await server.run { port in
      let settings = OandaSettings(
        token: Secret("t0ken"), accountId: "101-004-1-001", url: "http://127.0.0.1:\(port)")
      let maker = OandaPriceMaker(
        settings: settings, catalog: .standard, patience: patience, shortestPause: pause, logger: quietLogger)
      try await withThrowingTaskGroup { group in
        group.addTask { await maker.run() }
        defer { group.cancelAll() }
        maker.setActive(true)
        try await body(maker)
      }
    }
  }

  private static func quote(_ symbol: String, _ bid: Int64, _ ask: Int64) -> Quote {
    Quote(symbol: Symbol(symbol), bid: Price(points: bid), ask: Price(points: ask))
  }

  /// What the maker tells next.
  private static func next(_ maker: OandaPriceMaker, _ time: Int64 = 0) -> [Quote]? {
    maker.next(after: nil, at: Timestamp(milliseconds: time))
  }

  @Test func linesBecomeQuotesHoweverTheyAreCut() async throws {
    let text =
      Self.heartbeat + "{\"type\":\n" + Self.price("EUR_USD", "1.08501", "1.08513")
      + Self.price("XAU_USD", "2350.123", "2350.451") + Self.price("USD_JPY", "149.3", "149.31", isTradeable: false)
      + "[]\n" + Self.price("GBP_USD", "x", "y") + Self.price("DE30_EUR", "1", "2") + Self.heartbeat
    let pieces = stride(from: 0, to: text.count, by: 37).map { start in
      String(text.dropFirst(start).prefix(37))
    }
    let server = OandaServer(
      instruments: ["EUR_USD", "XAU_USD", "USD_JPY", "GBP_USD", "DE30_EUR"], [.stream(pieces)])
    try await withMaker(server) { maker in
      var quotes: [Quote] = []
      try await eventually("both quotes are told") {
        quotes = Self.next(maker) ?? quotes
        return quotes.count == 2
      }
      // Rounded away from the middle to the instrument's two digits; what is halted is not vouched for.
      #expect(quotes == [Self.quote("EURUSD", 108_501, 108_513), Self.quote("XAUUSD", 235_012, 235_046)])
      #expect(Self.next(maker) == nil, "nothing has changed")
      #expect(Self.next(maker, 1_000) == quotes, "vouched for again after a second")
      let heads = server.heads
      #expect(heads.allSatisfy { $0.lowercased().contains("authorization: bearer t0ken\r\n") })
      #expect(heads.first?.hasPrefix("GET /v3/accounts/101-004-1-001/instruments ") == true)
      let stream = heads.last ?? ""
      #expect(stream.hasPrefix("GET /v3/accounts/101-004-1-001/pricing/stream?instruments=EUR_USD%2C"))
      #expect(!stream.contains("DE30_EUR") && !stream.contains("BTC_USD"))
      maker.setActive(false)
      #expect(maker.obstacle == nil)
      try await eventually("nothing is vouched for") { Self.next(maker, 5_000) == nil }
    }
  }

  @Test func aStreamThatFallsSilentIsMadeAnew() async throws {
    let server = OandaServer(
      instruments: ["EUR_USD"],
      [
        .stream([Self.price("EUR_USD", "1.10000", "1.10010")]),
        .stream([Self.price("EUR_USD", "1.20000", "1.20010")], isEnding: true),
        .stream([Self.price("EUR_USD", "1.30000", "1.30010")]),
      ])
    try await withMaker(server, patience: .milliseconds(700)) { maker in
      var (time, seen) = (Int64(0), Set<Int64>())
      try await eventually("the third stream's price") {
        time += 1_000
        if let bid = Self.next(maker, time)?.first?.bid.points { seen.insert(bid) }
        return seen.contains(130_000)
      }
      #expect(seen.contains(110_000))
      #expect(server.openStreams >= 3)
    }
  }

  @Test(arguments: [
    (401, "OANDA_API_KEY"), (403, "OANDA_ACCOUNT_ID"), (404, "OANDA_ACCOUNT_ID"), (400, "instruments"),
    (503, "tried again"),
  ])
  func refusalsAreExplained(status: Int, remedy: String) async throws {
    let server = OandaServer(
      instruments: ["EUR_USD"], [.refusal(status, "Insufficient authorization to perform request.")])
    try await withMaker(server, pause: .seconds(30)) { maker in
      try await eventually("the refusal is told") { maker.obstacle != nil }
      let obstacle = maker.obstacle ?? ""
      #expect(obstacle.contains(remedy) && obstacle.contains("\(status): Insufficient authorization"))
      #expect(!obstacle.contains("t0ken"))
      #expect(Self.next(maker) == nil)
    }
  }

  @Test func tooManyConnectionsAreTriedAgainLater() async throws {
    let server = OandaServer(
      instruments: ["EUR_USD"],
      [
        .refusal(429, "Rate limit violation", headers: "Retry-After: 1\r\n"), .refusal(500, ""),
        .stream([Self.price("EUR_USD", "1.10000", "1.10010")]),
      ])
    let start = ContinuousClock.now
    try await withMaker(server) { maker in
      try await eventually("a price at last") { Self.next(maker) != nil }
      #expect(maker.obstacle == nil)
    }
    #expect(ContinuousClock.now - start >= .seconds(1))
  }

  @Test func linesAreBounded() {
    var splitter = LineSplitter()
    let long = [UInt8](repeating: 65, count: LineSplitter.limit * 2)
    #expect(splitter.lines(in: long + Array("\nok\r\n\n".utf8)) == [Array("ok".utf8)])
  }
}
