import Testing

@testable import TradingCore

@Suite struct LedgerTests {
  @Test func theSameClientOrderIdGetsTheIdenticalAnswerLaterToo() throws {
    var desk = try Desk()
    try desk.quote("EURUSD", 108_500, 108_512)
    let market = desk.request(.buy, "EURUSD", 10, id: "m")
    let waiting = desk.request(.buy, "EURUSD", 10, .limit, price: 108_400, id: "w")
    let refused = desk.request(.buy, "EURUSD", 0, id: "r")
    let requests = [market, waiting, refused]
    let first = try requests.map { try desk.place($0) }
    // The market moves, the limit is filled, the trade is closed: the answers stay what they were.
    try desk.quote("EURUSD", 108_300, 108_310)
    let id = try #require(desk.account.trades.keys.min())
    try desk.deal(.sell, "EURUSD", 10) { $0.closingTradeId = id }
    let length = desk.ledger.count
    let replayed = try Account(replaying: desk.ledger)
    for (request, answer) in zip(requests, first) {
      #expect(try desk.place(request) == answer)
      #expect(replayed.answers[request.clientOrderId]?.canonicalLine == answer.canonicalLine)
    }
    #expect(desk.ledger.count == length)
    #expect(first[1].outcome == .pending)
    #expect(first[2].outcome == .rejected(.volumeMinimumNotMet))
  }

  @Test func anotherOrderUnderTheSameIdIsAConflictThatNamesTheField() throws {
    var desk = try Desk()
    try desk.quote("EURUSD", 108_500, 108_512)
    let base = desk.request(.buy, "EURUSD", 10, .limit, price: 108_400, id: "x")
    _ = try desk.place(base)
    let changes: [(String, (inout OrderRequest) -> Void)] = [
      ("price", { $0.price = Price(points: 108_401) }), ("timeInForce", { $0.timeInForce = .immediateOrCancel }),
      ("goodTill", { $0.goodTill = Timestamp(milliseconds: 1) }), ("maximumDeviation", { $0.maximumDeviation = 1 }),
      ("reduceOnly", { $0.isReduceOnly = true }), ("limitPrice", { $0.limitPrice = Price(points: 1) }),
      ("takeProfit", { $0.protection.takeProfit = Price(points: 1) }),
      ("stopLoss", { $0.protection.stopLoss = Price(points: 1) }),
      ("trailingDistance", { $0.protection.trailingDistance = 1 }), ("closingTradeId", { $0.closingTradeId = 1 }),
      ("closeByTradeId", { $0.closeByTradeId = 1 }), ("replacedOrderId", { $0.replacedOrderId = 1 }),
    ]
    for (field, change) in changes {
      var other = base
      change(&other)
      #expect(throws: CommandError.conflict(field: field)) { try desk.place(other) }
    }
    let elsewhere = OrderRequest(
      accountId: "b", clientOrderId: "x", symbol: base.symbol, side: .buy, type: .market, volume: base.volume)
    #expect(throws: CommandError.wrongAccount) { try desk.place(elsewhere) }
    let nameless = desk.request(.buy, "EURUSD", 10, id: "")
    #expect(throws: CommandError.clientOrderIdMissing) { try desk.place(nameless) }
  }

  @Test func aLineIsStableAndReadsBack() throws {
    var desk = try Desk()
    try desk.quote("EURUSD", 108_500, 108_512)
    try desk.deal(.buy, "EURUSD", 10) { $0.protection = TradeProtection(takeProfit: Price(points: 109_000)) }
    #expect(
      desk.ledger.map(\.canonicalLine) == [
        "1 1 1795038000000 CREATE account=a currency=USD leverage=30 mode=HEDGING group= marginCall=100 stopOut=50 "
          + "protected=1",
        "2 2 1795038000000 TRANSFER_FUNDS amount=1000000 reason=CLIENT_FUNDING reference=deposit balance=1000000",
        "3 3 1795038000010 MARKET_ORDER reason=CLIENT_ORDER client=o0 symbol=EURUSD side=buy volume=10 tif=FOK "
          + "takeProfit=109000",
        "4 3 1795038000010 ORDER_FILL order=3 symbol=EURUSD side=buy price=108512 reason=MARKET_ORDER opened=10 "
          + "profit=0 balance=1000000",
        "5 3 1795038000010 TAKE_PROFIT_ORDER trade=4 reason=ON_FILL price=109000",
      ])
    let odd = Transaction(
      id: 2, batchId: 2, time: Timestamp(milliseconds: -1),
      kind: .transferFunds(
        FundTransfer(
          amount: Money(minorUnits: -5), reason: .adjustment, reference: "ü =%\n", balance: Money(minorUnits: 0))))
    #expect(
      odd.canonicalLine == "2 2 -1 TRANSFER_FUNDS amount=-5 reason=ADJUSTMENT reference=%C3%BC%20%3D%25%0A balance=0")
    #expect(try Transaction(canonicalLine: odd.canonicalLine, accountId: "a") == odd)
  }

  @Test(arguments: [
    "", "1", "1 1 x CREATE", "1 1 1 NONSENSE", "1 1 1 ORDER_CANCEL order=1",
    "1 1 1 ORDER_CANCEL order=1 reason=BECAUSE",
    "1 1 1 ORDER_FILL order=1 symbol=E side=buy price=1 reason=MARKET_ORDER closed=1:2 opened=0 profit=0 balance=0",
    "1 1 1 TRANSFER_FUNDS amount=99999999999999999999 reason=ADJUSTMENT reference=a balance=0",
    "1 1 1 TRANSFER_FUNDS amount=1 reason=ADJUSTMENT reference=%FF balance=0",
  ])
  func refusesLinesThatItDidNotWrite(line: String) {
    #expect(throws: CanonicalLineError.self) { try Transaction(canonicalLine: line, accountId: "a") }
  }

  @Test func replayRefusesALedgerThatCannotBe() throws {
    var desk = try Desk()
    try desk.quote("EURUSD", 108_500, 108_512)
    try desk.deal(.buy, "EURUSD", 10)
    let ledger = desk.ledger
    #expect(throws: ReplayError.notCreated) { try Account(replaying: ledger.dropFirst()) }
    #expect(throws: ReplayError.outOfOrder(expected: 3, found: 4)) {
      try Account(replaying: ledger.filter { $0.id != 3 })
    }
    var forged = try Account(replaying: ledger)
    let money = FundTransfer(
      amount: Money(minorUnits: 1), reason: .adjustment, reference: "", balance: Money(minorUnits: 5))
    #expect(throws: ReplayError.balanceMismatch(transaction: 5)) {
      try forged.apply(Transaction(id: 5, batchId: 5, time: desk.now, kind: .transferFunds(money)))
    }
    #expect(throws: ReplayError.unknownReference(transaction: 5)) {
      try forged.apply(Transaction(id: 5, batchId: 5, time: desk.now, kind: .orderCancel(orderId: 3, .clientRequest)))
    }
    #expect(forged.canonicalState == desk.account.canonicalState, "a refused transaction changes nothing")
  }

  @Test func sessionsAreCountedFromSundayInUTC() {
    // 2026-11-22 was a Sunday.
    let sunday = Timestamp(milliseconds: 1_795_305_600_000)
    #expect(sunday.description == "2026-11-22T00:00:00.000Z")
    #expect(sunday.weekday == .sunday)
    #expect(sunday.minuteOfWeek == 0)
    #expect(Timestamp(milliseconds: -1).weekday == .wednesday)
    let minute: Int64 = 60_000
    let cases: [(Int64, Bool)] = [(1_319, false), (1_320, true), (5 * 1_440 + 1_319, true), (5 * 1_440 + 1_320, false)]
    for (offset, isOpen) in cases {
      let time = Timestamp(milliseconds: sunday.milliseconds + offset * minute)
      #expect(TradingSessions.forexWeek.isOpen(at: time) == isOpen, "minute \(offset)")
    }
  }
}
