import Testing

@testable import TradingCore

@Suite struct DealerTests {
  /// Forty accounts under random orders: the index must lead every tick to everyone whom it concerns.
  @Test(arguments: Array(11...18) as [UInt64])
  func tickingThroughTheIndexGivesWhatTickingEveryAccountGives(seed: UInt64) throws {
    var generators = (0..<40).map { SequenceGenerator(seed: seed * 1_000 + $0) }
    var dealer = Dealer(terms: SequenceGenerator.terms)
    var market = Market(terms: SequenceGenerator.terms)
    var plain: [Account] = []
    var ledgers: [[String]] = [[], []]
    var calls = 0
    for index in generators.indices {
      let old = generators[index].settings
      let settings = AccountSettings(
        accountId: "a\(index)", currency: old.currency, leverage: old.leverage, mode: old.mode, group: old.group,
        stopOutPercent: old.stopOutPercent)
      let account = Account.open(settings, at: Timestamp(milliseconds: SequenceGenerator.startTime)).account
      dealer.add(account)
      plain.append(account)
    }
    var time = Timestamp(milliseconds: SequenceGenerator.startTime)
    var random = SeededRandom(seed: seed)
    for round in 0..<600 {
      time = Timestamp(milliseconds: time.milliseconds + random.below(400))
      let quote = generators[0].quote(random.pick(generators[0].symbols))
      let effects = try dealer.tick(quote, at: time)
      try market.update(quote, at: time)
      for effect in effects { ledgers[0] += effect.transactions.map { effect.accountId + $0.canonicalLine } }
      for index in plain.indices {
        let transactions = plain[index].tick(quote.symbol, in: market, at: time)
        calls += transactions.filter { $0.kind.name.hasPrefix("MARGIN_CALL") }.count
        ledgers[1] += transactions.map { plain[index].settings.accountId + $0.canonicalLine }
      }
      let index = Int(random.below(Int64(plain.count)))
      generators[index].time = time.milliseconds
      generators[index].middles = generators[0].middles
      if round < 40 {
        _ = try plain[round].transfer(Money(minorUnits: 300_000), reference: "first", in: market, at: time)
        _ = try dealer.perform(on: "a\(round)") { account, market throws(CommandError) in
          try account.transfer(Money(minorUnits: 300_000), reference: "first", in: market, at: time)
        }
      }
      guard case .place(let request) = generators[index].step(orderIds: [], tradeIds: []) else { continue }
      let order = OrderRequest(
        accountId: "a\(index)", clientOrderId: request.clientOrderId, symbol: request.symbol, side: request.side,
        type: request.type, volume: request.volume, price: request.price, limitPrice: request.limitPrice,
        timeInForce: request.timeInForce, goodTill: request.goodTill, protection: request.protection)
      guard let mine = try? plain[index].place(order, in: market, at: time) else { continue }
      let theirs = try dealer.perform(on: "a\(index)") { account, market throws(CommandError) in
        try account.place(order, in: market, at: time)
      }
      #expect(mine == theirs, "seed \(seed)")
    }
    #expect(ledgers[0].count > 50)
    #expect(calls > 0, "no account came near its margin")
    #expect(ledgers[0] == ledgers[1], "seed \(seed)")
    for account in plain {
      #expect(dealer[account.settings.accountId]?.canonicalState == account.canonicalState, "seed \(seed)")
    }
  }

  @Test func anAccountThatIsNotThereGetsNoCommand() {
    var dealer = Dealer(terms: SequenceGenerator.terms)
    #expect(dealer.perform(on: "nobody") { _, _ in 1 } == nil)
  }

  @Test func refusesQuotesThatCannotBe() {
    var dealer = Dealer(terms: SequenceGenerator.terms)
    let time = Timestamp(milliseconds: 1_000)
    func tick(_ symbol: String, _ bid: Int64, _ ask: Int64, _ at: Timestamp) -> QuoteError? {
      do {
        _ = try dealer.tick(Quote(symbol: Symbol(symbol), bid: Price(points: bid), ask: Price(points: ask)), at: at)
        return nil
      } catch { return error }
    }
    #expect(tick("EURXXX", 1, 2, time) == .instrumentUnknown(Symbol("EURXXX")))
    #expect(tick("EURUSD", 108_502, 108_501, time) == .invalid(Symbol("EURUSD")))
    #expect(tick("EURUSD", 0, 108_501, time) == .invalid(Symbol("EURUSD")))
    #expect(tick("EURUSD", 108_500, 2_000_000_000, time) == .invalid(Symbol("EURUSD")))
    #expect(tick("EURUSD", 108_500, 108_501, time) == nil)
    #expect(tick("EURUSD", 108_500, 108_501, Timestamp(milliseconds: 999)) == .outOfOrder(Symbol("EURUSD")))
  }
}
