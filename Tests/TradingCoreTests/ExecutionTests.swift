import Testing

@testable import TradingCore

@Suite struct ExecutionTests {
  private func desk() throws -> Desk {
    var desk = try Desk()
    try desk.quote("EURUSD", 108_500, 108_512)
    return desk
  }

  @Test func refusesWithTheReason() throws {
    var desk = try Desk()
    #expect(try desk.order(.buy, "EURUSD", 10).outcome == .cancelled(.staleQuote))
    try desk.quote("EURUSD", 108_500, 108_512)
    desk.time += 10_001
    #expect(try desk.order(.buy, "EURUSD", 10).outcome == .cancelled(.staleQuote))
    try desk.quote("EURUSD", 108_500, 108_512)
    // 9.3 lots want 930,000 / 30 * 1.08512 = 33,638 USD; there are 10,000.
    #expect(try desk.order(.buy, "EURUSD", 93).outcome != .cancelled(.insufficientMargin))
    #expect(try desk.order(.buy, "EURUSD", 400).outcome == .cancelled(.insufficientMargin))
    try desk.quote("EURGBP", 85_300, 85_310)
    #expect(try desk.order(.buy, "EURGBP", 1).outcome == .cancelled(.conversionUnavailable))
    try desk.quote("XAUUSD", 235_000, 235_030)
    desk.time += 90_000
    try desk.quote("XAUUSD", 235_000, 235_030)
    #expect(try desk.order(.buy, "XAUUSD", 5).outcome == .cancelled(.marketHalted))
    #expect(try desk.order(.buy, "XAUUSD", 3).outcome == .rejected(.volumePrecisionExceeded))
    #expect(try desk.order(.buy, "EURNOK", 3).outcome == .rejected(.instrumentUnknown))
  }

  @Test func theDeviationIsMeasuredAgainstTheClient() throws {
    var desk = try desk()
    func order(_ side: Side, _ seen: Int64, _ most: Int64) throws -> OrderOutcome {
      try desk.order(side, "EURUSD", 1, price: seen) { $0.maximumDeviation = most }.outcome
    }
    #expect(try order(.buy, 108_509, 2) == .cancelled(.boundsViolation))
    #expect(try order(.buy, 108_509, 3) != .cancelled(.boundsViolation))
    #expect(try order(.buy, 108_600, 0) != .cancelled(.boundsViolation), "a better price is no violation")
    #expect(try order(.sell, 108_503, 2) == .cancelled(.boundsViolation))
    #expect(try order(.sell, 108_400, 0) != .cancelled(.boundsViolation))
    #expect(try desk.order(.buy, "EURUSD", 1) { $0.maximumDeviation = 3 }.outcome == .rejected(.priceBoundInvalid))
  }

  @Test func aLimitOrderWaitsForItsPriceAndTakesABetterOne() throws {
    var desk = try desk()
    #expect(try desk.order(.buy, "EURUSD", 10, .limit, price: 108_400).outcome == .pending)
    #expect(try desk.quote("EURUSD", 108_395, 108_401).isEmpty)
    #expect(try desk.quote("EURUSD", 108_340, 108_350) == ["ORDER_FILL"])
    #expect(try desk.onlyTrade.cost == 10 * 108_350)
    guard case .filled(let fill) = try desk.order(.buy, "EURUSD", 10, .limit, price: 108_360).outcome else {
      Issue.record("a limit that the market has reached is filled at once")
      return
    }
    #expect(fill.price.points == 108_350)
    #expect(fill.reason == .limitOrder)
  }

  @Test func aStopOrderFillsAtTheMarketAfterAGap() throws {
    var desk = try desk()
    #expect(try desk.order(.sell, "EURUSD", 10, .stop, price: 108_400).outcome == .pending)
    #expect(try desk.quote("EURUSD", 108_401, 108_410).isEmpty)
    #expect(try desk.quote("EURUSD", 108_100, 108_110) == ["ORDER_FILL"])
    #expect(try desk.onlyTrade.cost == 10 * 108_100)
  }

  @Test func aStopLimitOrderBecomesALimitOrder() throws {
    var desk = try desk()
    #expect(try desk.order(.buy, "EURUSD", 10, .stopLimit, price: 108_600, limit: 108_580).outcome == .pending)
    #expect(try desk.quote("EURUSD", 108_560, 108_570).isEmpty, "the limit alone does not count")
    #expect(try desk.quote("EURUSD", 108_595, 108_605) == ["STOP_LIMIT_TRIGGER"])
    #expect(try desk.quote("EURUSD", 108_575, 108_581).isEmpty)
    #expect(try desk.quote("EURUSD", 108_570, 108_580) == ["ORDER_FILL"])
  }

  @Test func takeProfitAndStopLossCloseTheTradeAndTakeEachOtherAway() throws {
    var desk = try desk()
    let protection = TradeProtection(takeProfit: Price(points: 108_700), stopLoss: Price(points: 108_400))
    try desk.deal(.buy, "EURUSD", 10) { $0.protection = protection }
    #expect(desk.names.suffix(3) == ["ORDER_FILL", "TAKE_PROFIT_ORDER", "STOP_LOSS_ORDER"])
    #expect(try desk.quote("EURUSD", 108_699, 108_710).isEmpty)
    #expect(try desk.quote("EURUSD", 108_702, 108_712) == ["ORDER_FILL", "ORDER_CANCEL"])
    #expect(desk.balance == 1_000_000 + 1_900)
    #expect(desk.account.linkedOrders.isEmpty)

    // A sold trade is closed at the ask.
    try desk.deal(.sell, "EURUSD", 10) { $0.protection = TradeProtection(stopLoss: Price(points: 108_800)) }
    #expect(try desk.quote("EURUSD", 108_780, 108_799).isEmpty)
    #expect(try desk.quote("EURUSD", 108_790, 108_800) == ["ORDER_FILL"])
    #expect(desk.balance == 1_000_000 + 1_900 - 980)
  }

  @Test func protectionOnTheWrongSideIsRefused() throws {
    var desk = try desk()
    let stop = TradeProtection(stopLoss: Price(points: 108_500))
    let target = TradeProtection(takeProfit: Price(points: 108_500))
    #expect(try desk.order(.buy, "EURUSD", 1) { $0.protection = stop }.outcome == .cancelled(.stopLossOnFillLoss))
    #expect(try desk.order(.buy, "EURUSD", 1) { $0.protection = target }.outcome == .cancelled(.losingTakeProfit))
    try desk.deal(.buy, "EURUSD", 1)
    let id = try desk.onlyTrade.id
    let (market, now) = (desk.market, desk.now)
    #expect(throws: CommandError.protectionInvalid(field: "stopLoss")) {
      try desk.account.modify(tradeId: id, protection: stop, in: market, at: now)
    }
    #expect(throws: CommandError.tradeDoesntExist(77)) {
      try desk.account.modify(tradeId: 77, protection: .none, in: market, at: now)
    }
    let set = try desk.account.modify(
      tradeId: id, protection: TradeProtection(stopLoss: Price(points: 108_400)), in: market, at: now)
    #expect(set.map(\.kind.name) == ["STOP_LOSS_ORDER"])
    let again = TradeProtection(stopLoss: Price(points: 108_400))
    #expect(try desk.account.modify(tradeId: id, protection: again, in: market, at: now).isEmpty)
    let cleared = try desk.account.modify(tradeId: id, protection: .none, in: market, at: now)
    #expect(cleared.map(\.kind.name) == ["ORDER_CANCEL"])
  }

  @Test func aTrailingStopFollowsInStepsAndNeverGoesBack() throws {
    var desk = try Desk()
    try desk.quote("USDJPY", 149_340, 149_350)
    try desk.deal(.buy, "USDJPY", 10) { $0.protection = TradeProtection(trailingDistance: 50) }
    let id = try #require(try desk.onlyTrade.trailingStopId)
    #expect(desk.account.linkedOrders[id]?.level == 149_290)
    #expect(try desk.quote("USDJPY", 149_344, 149_354).isEmpty, "the step is 5 points")
    #expect(try desk.quote("USDJPY", 149_345, 149_355) == ["TRAILING_STOP_MOVE"])
    #expect(desk.account.linkedOrders[id]?.level == 149_295)
    #expect(try desk.quote("USDJPY", 149_300, 149_310).isEmpty)
    #expect(desk.account.linkedOrders[id]?.level == 149_295)
    #expect(try desk.quote("USDJPY", 149_295, 149_305) == ["ORDER_FILL"])
    #expect(desk.account.trades.isEmpty)
  }

  @Test func timeInForceDecidesWhatWaits() throws {
    var desk = try desk()
    let outcome = try desk.order(.buy, "EURUSD", 1, .limit, price: 108_400) { $0.timeInForce = .immediateOrCancel }
    #expect(outcome.outcome == .cancelled(.timeInForceExpired))
    let until = Timestamp(milliseconds: desk.time + 100)
    let waiting = try desk.order(.buy, "EURUSD", 1, .limit, price: 108_400) {
      $0.timeInForce = .goodTillDate
      $0.goodTill = until
    }
    #expect(waiting.outcome == .pending)
    desk.time += 89
    #expect(try desk.quote("EURUSD", 108_500, 108_512).isEmpty)
    desk.time += 1
    #expect(try desk.quote("EURUSD", 108_300, 108_310) == ["ORDER_CANCEL"], "late is late, even at its price")
    #expect(
      try desk.order(.buy, "EURUSD", 1, .stop, price: 108_600) { $0.timeInForce = .fillOrKill }.outcome
        == .rejected(.timeInForceInvalid))
    #expect(
      try desk.order(.buy, "EURUSD", 1, .limit, price: 1) { $0.timeInForce = .goodTillDate }.outcome
        == .rejected(.goodTillMissing))
  }

  @Test func reduceOnlyClosesTheOldestFirstAndOpensNothing() throws {
    var desk = try desk()
    #expect(try desk.order(.sell, "EURUSD", 5) { $0.isReduceOnly = true }.outcome == .cancelled(.noPositionToReduce))
    try desk.deal(.buy, "EURUSD", 10)
    let older = try desk.onlyTrade.id
    try desk.deal(.buy, "EURUSD", 10)
    let fill = try desk.deal(.sell, "EURUSD", 15) { $0.isReduceOnly = true }
    #expect(fill.closures.map(\.tradeId).first == older)
    #expect(fill.closures.map(\.volume.hundredths) == [10, 5])
    #expect(
      try desk.order(.sell, "EURUSD", 15) { $0.isReduceOnly = true }.outcome == .cancelled(.volumeExceedsPosition))
    let rest = try desk.deal(.sell, "EURUSD", 15) {
      $0.isReduceOnly = true
      $0.timeInForce = .immediateOrCancel
    }
    #expect(rest.volume.hundredths == 5)
    #expect(desk.account.trades.isEmpty)
  }

  @Test func oppositeTradesCloseEachOtherWithoutASpread() throws {
    var desk = try desk()
    try desk.deal(.buy, "EURUSD", 10)
    let long = try desk.onlyTrade.id
    try desk.quote("EURUSD", 108_600, 108_700)
    try desk.deal(.sell, "EURUSD", 6)
    let short = try #require(desk.account.trades.keys.max())
    let answer = try desk.order(.sell, "EURUSD", 10) {
      $0.closingTradeId = long
      $0.closeByTradeId = short
    }
    guard case .closedBy(let closeBy) = answer.outcome else {
      Issue.record("\(answer.outcome)")
      return
    }
    // 0.06 lots from 1.08512 to 1.08600.
    #expect(closeBy.volume.hundredths == 6)
    #expect(closeBy.profit.minorUnits == 528)
    #expect(try desk.onlyTrade.volume.hundredths == 4)
  }

  @Test func anOrderIsReplacedAndCancelled() throws {
    var desk = try desk()
    let first = try desk.order(.buy, "EURUSD", 10, .limit, price: 108_400)
    let second = try desk.order(.buy, "EURUSD", 20, .limit, price: 108_300) { $0.replacedOrderId = first.orderId }
    #expect(desk.account.orders.keys.sorted() == [second.orderId])
    #expect(desk.names.suffix(2) == ["ORDER_CANCEL", "LIMIT_ORDER"])
    _ = try desk.account.cancel(orderId: second.orderId, at: desk.now)
    #expect(desk.account.orders.isEmpty)
    let now = desk.now
    #expect(throws: CommandError.orderDoesntExist(second.orderId)) {
      try desk.account.cancel(orderId: second.orderId, at: now)
    }
    #expect(try desk.quote("EURUSD", 100_000, 100_010).isEmpty)
  }
}
