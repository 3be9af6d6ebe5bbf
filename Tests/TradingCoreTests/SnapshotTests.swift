import Testing

@testable import TradingCore

@Suite struct SnapshotTests {
  /// A day of random steps, which meets every kind of order and protection.
  @Test func anAccountGoesOnFromItsSnapshotAsIfNothingHadHappened() throws {
    for seed in 1...150 as ClosedRange<UInt64> {
      var generator = SequenceGenerator(seed: seed)
      var market = Market(terms: SequenceGenerator.terms)
      var account = Account.open(generator.settings, at: Timestamp(milliseconds: generator.time)).account
      for symbol in generator.symbols { try market.update(generator.quote(symbol), at: .init(milliseconds: 0)) }
      var (twin, restorations) = (account, 0)
      for round in 0..<120 {
        let trades = account.trades.values.sorted { $0.id < $1.id }
          .map { (id: $0.id, symbol: $0.symbol.name, side: $0.side, volume: $0.volume.hundredths) }
        let orders = (Array(account.orders.keys) + Array(account.linkedOrders.keys)).sorted()
        let step =
          round == 0 ? .transfer(generator.deposit(), "first") : generator.step(orderIds: orders, tradeIds: trades)
        let moment = Timestamp(milliseconds: generator.time)
        if case .tick(let quote) = step { try? market.update(quote, at: moment) }
        let ours = carryOut(step, on: &account, market, moment)
        let theirs = carryOut(step, on: &twin, market, moment)
        #expect(ours == theirs, "seed \(seed), round \(round)")
        account.forgetAnswers()
        twin.forgetAnswers()
        if round % 7 == 0 {
          let snapshot = account.snapshot
          twin = try Account(snapshot: snapshot)
          restorations += 1
          #expect(twin.canonicalState == snapshot)
          #expect(twin.settings == account.settings && twin.positions == account.positions)
        }
        if ours != theirs { return }
      }
      #expect(restorations > 10)
    }
  }

  private func carryOut(_ step: Step, on account: inout Account, _ market: Market, _ time: Timestamp) -> [Transaction] {
    let transactions: [Transaction]?
    switch step {
    case .tick(let quote): transactions = account.tick(quote.symbol, in: market, at: time)
    case .place(let request): transactions = try? account.place(request, in: market, at: time).transactions
    case .cancel(let id): transactions = try? account.cancel(orderId: id, at: time)
    case .modify(let id, let protection):
      transactions = try? account.modify(tradeId: id, protection: protection, in: market, at: time)
    case .transfer(let amount, let reference):
      transactions = try? account.transfer(Money(minorUnits: amount), reference: reference, in: market, at: time)
    case .rollover(let moment):
      transactions = try? account.rollover(Timestamp(milliseconds: moment), in: market, at: time)
    }
    return transactions ?? []
  }

  @Test(arguments: ["", "ORDER 1 MARKET_ORDER", "ACCOUNT account=a", "ACCOUNT\nTRADE 1"])
  func textThatIsNoSnapshotIsRefused(text: String) {
    #expect(throws: SnapshotError.self) { try Account(snapshot: text) }
  }

  @Test func aBrokenLineIsNamed() throws {
    let account = Account.open(
      AccountSettings(accountId: "a", currency: Currency("USD")), at: Timestamp(milliseconds: 1)
    ).account
    let error = #expect(throws: SnapshotError.self) {
      try Account(snapshot: account.snapshot + "TRADE 5 symbol=EURUSD side=sideways\n")
    }
    #expect(error?.description == "account snapshot, line 2: side is missing or malformed")
  }
}
