import Testing

@testable import TradingCore

@Suite struct NettingTests {
  @Test func aPositionGrowsAtItsAveragePriceShrinksAndReverses() throws {
    var desk = try Desk(mode: .netting)
    try desk.quote("EURUSD", 108_500, 108_512)
    try desk.deal(.buy, "EURUSD", 10)
    let id = try desk.onlyTrade.id
    try desk.quote("EURUSD", 108_603, 108_613)
    #expect(try desk.deal(.buy, "EURUSD", 20).increasedTradeId == id)
    // (10 * 108512 + 20 * 108613) / 30 = 108579.33.
    #expect(try desk.onlyTrade.averagePrice.points == 108_579)
    try desk.quote("EURUSD", 108_700, 108_710)
    // Half of the cost of 3,257,380 is 1,628,690; 15 * 108700 - 1628690 = 1810 point-hundredths = 18.10 USD.
    #expect(try desk.deal(.sell, "EURUSD", 15).profit.minorUnits == 1_810)
    #expect(try desk.onlyTrade.id == id)
    let fill = try desk.deal(.sell, "EURUSD", 25)
    #expect(fill.closures.map(\.volume.hundredths) == [15])
    #expect(fill.openedVolume.hundredths == 10)
    let trade = try desk.onlyTrade
    #expect(trade.side == .sell)
    #expect(trade.id != id)
    #expect(trade.cost == 10 * 108_700)
    #expect(desk.balance == 1_000_000 + 1_810 + 1_810)
  }

  @Test func theNewestOrdersProtectionReplacesTheOldAndAReductionKeepsIt() throws {
    var desk = try Desk(mode: .netting)
    try desk.quote("EURUSD", 108_500, 108_512)
    try desk.deal(.buy, "EURUSD", 10) { $0.protection = TradeProtection(stopLoss: Price(points: 108_000)) }
    try desk.deal(.sell, "EURUSD", 2)
    #expect(try desk.onlyTrade.stopLossId != nil)
    try desk.deal(.buy, "EURUSD", 2) { $0.protection = TradeProtection(stopLoss: Price(points: 108_100)) }
    let stop = try #require(try desk.onlyTrade.stopLossId)
    #expect(desk.account.linkedOrders[stop]?.level == 108_100)
    try desk.deal(.buy, "EURUSD", 2)
    #expect(try desk.onlyTrade.stopLossId == nil)
    #expect(desk.account.linkedOrders.isEmpty)
  }

  @Test func reduceOnlyDoesNotReverse() throws {
    var desk = try Desk(mode: .netting)
    try desk.quote("EURUSD", 108_500, 108_512)
    try desk.deal(.buy, "EURUSD", 10)
    let fill = try desk.deal(.sell, "EURUSD", 30) {
      $0.isReduceOnly = true
      $0.timeInForce = .immediateOrCancel
    }
    #expect(fill.volume.hundredths == 10)
    #expect(desk.account.trades.isEmpty)
  }
}

@Suite struct StopOutTests {
  /// 1,000 USD at 1:30: 0.20 lots of EURUSD at 1.08512 bind 723.42 USD.
  private func loaded(isProtected: Bool = true) throws -> Desk {
    var desk = try Desk(deposit: 100_000, isProtected: isProtected)
    try desk.quote("EURUSD", 108_500, 108_512)
    try desk.deal(.buy, "EURUSD", 12)
    try desk.deal(.buy, "EURUSD", 8)
    return desk
  }

  @Test func theCallComesBelowItsLevelAndGoesAgain() throws {
    var desk = try loaded()
    // At a bid of 1.0700 the loss is 302.40 and the equity 697.60; margin 20,000 / 30 * 1.07012 = 713.42: 97 %.
    #expect(try desk.quote("EURUSD", 107_000, 107_012) == ["MARGIN_CALL_ENTER"])
    #expect(desk.account.isInMarginCall)
    #expect(try desk.quote("EURUSD", 106_990, 107_002).isEmpty, "said once")
    #expect(try desk.quote("EURUSD", 107_500, 107_512) == ["MARGIN_CALL_EXIT"])
  }

  @Test func theLargestLossIsClosedFirstAndOnlyAsMuchAsNeeded() throws {
    var desk = try loaded()
    let larger = try #require(desk.account.trades.values.max { $0.volume < $1.volume }).id
    // At 1.0520: loss 662.40, equity 337.60, margin 701.42 (48 %). Without 0.12 lots the margin is 280.57: 120 %.
    let names = try desk.quote("EURUSD", 105_200, 105_212)
    #expect(names == ["MARGIN_CALL_ENTER", "MARKET_ORDER", "ORDER_FILL", "MARGIN_CALL_EXIT"])
    #expect(desk.account.trades[larger] == nil)
    #expect(try desk.onlyTrade.volume.hundredths == 8)
    #expect(desk.balance == 100_000 - 39_744)
  }

  @Test func aDebtIsForgivenOnlyWhereTheAccountSaysSo() throws {
    for (isProtected, expected) in [(true, 0), (false, -17_040)] as [(Bool, Int64)] {
      var desk = try loaded(isProtected: isProtected)
      // 5,852 points on 20,000 EUR: 1,170.40 lost of 1,000.
      let names = try desk.quote("EURUSD", 102_660, 102_672)
      #expect(desk.account.trades.isEmpty)
      #expect(names.last == (isProtected ? "TRANSFER_FUNDS" : "MARGIN_CALL_EXIT"))
      #expect(desk.balance == expected)
    }
  }

  @Test func aClosedMarketIsPassedOverUntilItOpens() throws {
    var desk = try Desk(deposit: 100_000)
    try desk.quote("XAUUSD", 235_000, 235_030)
    try desk.deal(.buy, "XAUUSD", 5)
    desk.time += 90_000
    let names = try desk.quote("XAUUSD", 219_000, 219_030)
    #expect(names == ["MARGIN_CALL_ENTER"])
    #expect(desk.account.trades.count == 1)
  }

  @Test func onlyFreeMarginCanBeWithdrawn() throws {
    var desk = try loaded()
    let (market, now) = (desk.market, desk.now)
    #expect(throws: CommandError.insufficientFunds) {
      try desk.account.transfer(Money(minorUnits: -30_000), reference: "w1", in: market, at: now)
    }
    // Equity 1,000 - 2.40, margin 723.42: 274.18 are free.
    #expect(try desk.account.transfer(Money(minorUnits: -27_400), reference: "w2", in: market, at: now).count == 1)
    #expect(try desk.account.transfer(Money(minorUnits: -27_400), reference: "w2", in: market, at: now).isEmpty)
    #expect(throws: CommandError.conflict(field: "amount")) {
      try desk.account.transfer(Money(minorUnits: -1), reference: "w2", in: market, at: now)
    }
    #expect(desk.balance == 72_600)
  }
}
