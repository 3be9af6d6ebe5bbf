import Testing
import TradingCore

@testable import TradingStore

@Suite struct OrderReceiptTests {
  private let time = Timestamp(milliseconds: 1_795_038_000_000)

  private func receipts(_ change: (inout OrderRequest) -> Void) throws -> [String] {
    var account = Account.open(
      AccountSettings(accountId: "demo", currency: Currency("USD")), at: time
    ).account
    var market = Market(terms: DealerTerms(catalog: .standard))
    try market.update(
      Quote(symbol: Symbol("EURUSD"), bid: Price(points: 108_500), ask: Price(points: 108_512)), at: time)
    _ = try account.transfer(Money(minorUnits: 100_000), reference: "", in: market, at: time)
    var request = makeOrder("a \"quoted\"\\\u{1}", volume: 10)
    change(&request)
    let new = try account.place(request, in: market, at: time).transactions
    return new.compactMap { OrderReceipt($0, in: new, of: account.settings, digits: 5)?.json }
  }

  @Test func aFillTellsThePriceAndTheTrade() throws {
    #expect(
      try receipts { _ in } == [
        #"{"accountId":"demo","clientOrderId":"a \"quoted\"\\\u0001","orderId":"3","price":"1.08512","profit":"0.00","#
          + #""side":"buy","status":"filled","symbol":"EURUSD","time":"2026-11-18T21:40:00.000Z","timeInForce":"FOK","#
          + #""tradeId":"4","transactionId":"4","type":"market","volume":"0.10"}"#
      ])
  }

  @Test func aWaitingOrderTellsWhatItWaitsFor() throws {
    let texts = try receipts {
      $0 = OrderRequest(
        accountId: "demo", clientOrderId: "w", symbol: Symbol("EURUSD"), side: .buy, type: .stopLimit,
        volume: Volume(hundredths: 1), price: Price(points: 109_000), limitPrice: Price(points: 109_010),
        timeInForce: .goodTillDate, goodTill: Timestamp(milliseconds: 1_795_038_060_000),
        protection: TradeProtection(takeProfit: Price(points: 110_000), trailingDistance: 50))
    }
    #expect(
      texts == [
        #"{"accountId":"demo","clientOrderId":"w","goodTill":"2026-11-18T21:41:00.000Z","limitPrice":"1.09010","#
          + #""orderId":"3","price":"1.09000","side":"buy","status":"pending","symbol":"EURUSD","takeProfit":"1.10000","#
          + #""time":"2026-11-18T21:40:00.000Z","timeInForce":"GTD","trailingDistance":"50","transactionId":"3","#
          + #""type":"stopLimit","volume":"0.01"}"#
      ])
  }

  @Test func aRefusalTellsTheReason() throws {
    let cancelled = try receipts {
      $0 = makeOrder("c", volume: 5_000)
    }
    #expect(cancelled[0].contains(#""reason":"INSUFFICIENT_MARGIN","side":"buy","status":"cancelled""#))
    let rejected = try receipts { $0 = makeOrder("r", volume: 0) }
    #expect(rejected[0].contains(#""reason":"VOLUME_MINIMUM_NOT_MET","side":"buy","status":"rejected""#))
  }
}
