import Testing

@testable import TradingCore

@Suite struct ProfitAndMarginTests {
  @Test func aTradeIsWorthItsDistanceTimesItsSize() throws {
    var desk = try Desk()
    try desk.quote("EURUSD", 108_500, 108_512)
    let fill = try desk.deal(.buy, "EURUSD", 10)
    #expect(fill.price.points == 108_512)
    // 0.10 lots are 10,000 EUR. The spread is lost at once: 12 points are 1.20 USD.
    // Margin: 10,000 EUR / 30 * 1.08512 = 361.7067, rounded up.
    let figures = try desk.account.figures(in: desk.market)
    #expect(figures.unrealizedProfit.minorUnits == -120)
    #expect(figures.marginUsed.minorUnits == 36_171)
    #expect(figures.freeMargin.minorUnits == 1_000_000 - 120 - 36_171)
    #expect(figures.marginLevelPercent == 2_764)
    try desk.quote("EURUSD", 108_600, 108_612)
    let id = try desk.onlyTrade.id
    let close = try desk.deal(.sell, "EURUSD", 10) { $0.closingTradeId = id }
    #expect(close.profit.minorUnits == 880)
    #expect(close.reason == .tradeClose)
    #expect(desk.balance == 1_000_880)
    #expect(desk.account.trades.isEmpty)
    #expect(desk.account.positions.isEmpty)
  }

  @Test func aPartialCloseLeavesTheRestAtItsPrice() throws {
    var desk = try Desk()
    try desk.quote("EURUSD", 108_500, 108_512)
    try desk.deal(.buy, "EURUSD", 10)
    try desk.quote("EURUSD", 108_600, 108_612)
    let id = try desk.onlyTrade.id
    #expect(try desk.deal(.sell, "EURUSD", 3) { $0.closingTradeId = id }.profit.minorUnits == 264)
    let trade = try desk.onlyTrade
    #expect(trade.volume.hundredths == 7)
    #expect(trade.cost == 7 * 108_512)
    #expect(trade.averagePrice.points == 108_512)
  }

  @Test func aYenProfitIsConvertedAtTheAskAndAYenLossAtTheBid() throws {
    for (bid, ask, expected) in [
      // 100 points of 10,000 USD are 1,000 JPY: 1000 / 149.460 = 6.6907.
      (149_450, 149_460, 669),
      // A loss of 1,000 JPY has to be bought: 1000 / 149.250 = 6.7002.
      (149_250, 149_260, -670),
    ] as [(Int64, Int64, Int64)] {
      var desk = try Desk()
      try desk.quote("USDJPY", 149_340, 149_350)
      try desk.deal(.buy, "USDJPY", 10)
      try desk.quote("USDJPY", bid, ask)
      let id = try desk.onlyTrade.id
      #expect(try desk.deal(.sell, "USDJPY", 10) { $0.closingTradeId = id }.profit.minorUnits == expected)
    }
  }

  @Test func withoutADirectQuoteTheProfitGoesThroughThePivot() throws {
    var desk = try Desk("JPY", deposit: 1_000_000)
    try desk.quote("USDJPY", 149_350, 149_360)
    try desk.quote("GBPUSD", 127_200, 127_210)
    try desk.quote("EURUSD", 108_500, 108_510)
    try desk.quote("EURGBP", 85_300, 85_310)
    try desk.deal(.buy, "EURGBP", 10)
    try desk.quote("EURGBP", 85_410, 85_420)
    let id = try desk.onlyTrade.id
    // 100 points of 10,000 EUR are 10 GBP; 10 * 1.27200 * 149.350 = 1899.732 JPY, and yen have no minor unit.
    #expect(try desk.deal(.sell, "EURGBP", 10) { $0.closingTradeId = id }.profit.minorUnits == 1_900)
    let symbols = desk.market.terms.conversions.symbols(from: Currency("GBP"), to: Currency("JPY"))
    #expect(symbols == [Symbol("GBPUSD"), Symbol("USDJPY")])
    #expect(desk.market.terms.conversions.symbols(from: Currency("XAU"), to: Currency("CHF")) == nil)
  }

  @Test func marginTakesTheLargerOfLeverageAndInstrumentRateAndTheLargerLeg() throws {
    var desk = try Desk(leverage: 500)
    try desk.quote("XAUUSD", 235_000, 235_030)
    try desk.deal(.buy, "XAUUSD", 10)
    // 5 % of 10 ounces at 2350.30: 1175.15, whatever the leverage.
    #expect(try desk.account.figures(in: desk.market).marginUsed.minorUnits == 117_515)
    try desk.deal(.sell, "XAUUSD", 10)
    #expect(try desk.account.figures(in: desk.market).marginUsed.minorUnits == 117_515)
    try desk.deal(.sell, "XAUUSD", 5)
    // 15 ounces short against 10 long.
    #expect(try desk.account.figures(in: desk.market).marginUsed.minorUnits == 176_273)
  }

  @Test func aGroupPaysItsMarkupOnBothSides() throws {
    var desk = try Desk(group: "retail", markups: ["retail": [Symbol("EURUSD"): 3]])
    try desk.quote("EURUSD", 108_500, 108_512)
    #expect(try desk.deal(.buy, "EURUSD", 10).price.points == 108_515)
    #expect(try desk.deal(.sell, "EURUSD", 10).price.points == 108_497)
  }

  @Test func swapsAreBookedThreefoldOnTheTripleDayAndNotTwice() throws {
    var desk = try Desk()
    try desk.quote("EURUSD", 108_500, 108_512)
    try desk.deal(.buy, "EURUSD", 10)
    try desk.deal(.sell, "EURUSD", 100)
    let wednesday = Timestamp(milliseconds: desk.time + 1_200_000)
    #expect(wednesday.weekday == .wednesday)
    // Long pays 7.31 points, short receives 2.57: 3 * -0.731 = -2.193 and 3 * 2.57 = 7.71 USD.
    let booked = try desk.account.rollover(wednesday, in: desk.market, at: wednesday)
    guard case .dailyFinancing(let financing) = booked.first?.kind else {
      Issue.record("no financing: \(booked)")
      return
    }
    #expect(financing.nights == 3)
    #expect(financing.items.map(\.amount.minorUnits) == [-219, 771])
    #expect(desk.balance == 1_000_000 + 552)
    #expect(try desk.account.rollover(wednesday, in: desk.market, at: wednesday).isEmpty)
    let thursday = Timestamp(milliseconds: wednesday.milliseconds + 86_400_000)
    _ = try desk.account.rollover(thursday, in: desk.market, at: thursday)
    #expect(desk.balance == 1_000_000 + 552 - 73 + 257)
    let saturday = Timestamp(milliseconds: wednesday.milliseconds + 3 * 86_400_000)
    #expect(try desk.account.rollover(saturday, in: desk.market, at: saturday).isEmpty)
  }
}

@Suite struct RatioTests {
  @Test(arguments: [
    (5, 2, 2), (7, 2, 4), (-5, 2, -2), (-7, 2, -4), (5, 3, 2), (-4, 3, -1), (6, 3, 2), (0, 7, 0), (1, 2, 0), (3, 2, 2),
  ])
  func halvesGoToTheEvenUnit(numerator: Int, denominator: Int, expected: Int64) throws {
    #expect(try Ratio(Int128(numerator), over: Int128(denominator)).rounded(.halfToEven) == expected)
  }

  @Test func marginIsNeverUnderstated() throws {
    #expect(try Ratio(1, over: 1_000).rounded(.awayFromZero) == 1)
    #expect(try Ratio(-1, over: 1_000).rounded(.awayFromZero) == -1)
    #expect(try Ratio(2_000, over: 1_000).rounded(.awayFromZero) == 2)
  }

  @Test func whatDoesNotFitThrows() {
    #expect(throws: AmountOverflow()) { try Ratio(Int128(Int64.max) + 1).rounded(.halfToEven) }
    #expect(throws: AmountOverflow()) { try Ratio(Int128.max).multiplied(by: Ratio(2)) }
    #expect(throws: AmountOverflow()) { try Money(minorUnits: Int64.max).adding(Money(minorUnits: 1)) }
  }

  @Test func anOrderWhoseAmountsCannotBeRepresentedIsCancelled() throws {
    let huge = Instrument(
      symbol: Symbol("EURUSD"), title: "", digits: 0, contractSize: 1_000_000_000_000,
      maximumVolume: Volume(hundredths: Int64.max / 4), spread: 1, referencePrice: Price(points: 1), simulatedMove: 1)
    var market = Market(terms: DealerTerms(catalog: InstrumentCatalog([huge])))
    let time = Timestamp(milliseconds: 0)
    try market.update(
      Quote(symbol: Symbol("EURUSD"), bid: Price(points: 999_999_999), ask: Price(points: 1_000_000_000)), at: time)
    var account = Account.open(AccountSettings(accountId: "a", currency: Currency("USD")), at: time).account
    let order = OrderRequest(
      accountId: "a", clientOrderId: "1", symbol: Symbol("EURUSD"), side: .buy, type: .market,
      volume: Volume(hundredths: Int64.max / 4))
    #expect(try account.place(order, in: market, at: time).answer.outcome == .cancelled(.amountOverflow))
    #expect(account.trades.isEmpty)
  }
}
