import Testing

@testable import TradingCore

@Suite struct OrderValidationTests {
  private let good = OrderDraft(clientOrderId: "a-1", symbol: "EURUSD", side: "buy", volume: "0.10")

  @Test func fillsInTheDefaults() throws {
    let order = try good.validated(against: .standard)
    #expect(order.accountId == "demo")
    #expect(order.type == .market)
    #expect(order.volume.hundredths == 10)
  }

  @Test(
    arguments: [
      ("clientOrderId", nil, OrderValidationError.Kind.malformed), ("clientOrderId", "", .malformed),
      ("clientOrderId", "a b", .malformed), ("clientOrderId", String(repeating: "x", count: 65), .malformed),
      ("accountId", "dé", .malformed), ("symbol", nil, .malformed), ("symbol", "EURXXX", .refused),
      ("symbol", "eurusd", .refused), ("side", "long", .malformed), ("side", nil, .malformed),
      ("type", "iceberg", .malformed), ("volume", nil, .malformed), ("volume", "ten", .malformed),
      ("volume", "0", .refused),
      ("volume", "-0.10", .refused), ("volume", "0.005", .refused), ("volume", "100.01", .refused),
    ] as [(String, String?, OrderValidationError.Kind)])
  func namesTheFieldThatIsWrong(field: String, value: String?, kind: OrderValidationError.Kind) throws {
    let paths: [String: WritableKeyPath<OrderDraft, String?>] = [
      "clientOrderId": \.clientOrderId, "accountId": \.accountId, "symbol": \.symbol, "side": \.side, "type": \.type,
      "volume": \.volume,
    ]
    var draft = good
    draft[keyPath: try #require(paths[field])] = value
    let error = #expect(throws: OrderValidationError.self) { try draft.validated(against: .standard) }
    #expect(error?.field == field)
    #expect(error?.kind == kind)
    #expect(error?.remedy.isEmpty == false)
  }

  @Test func findsTheFieldThatDiffersUnderOneId() throws {
    let order = try good.validated(against: .standard)
    for (path, value, field) in [
      (\OrderDraft.symbol, "GBPUSD", "symbol"), (\.side, "sell", "side"), (\.volume, "0.11", "volume"),
    ] as [(WritableKeyPath<OrderDraft, String?>, String, String)] {
      var draft = good
      draft[keyPath: path] = value
      #expect(try draft.validated(against: .standard).fieldDiffering(from: order) == field)
    }
    var rewritten = good
    rewritten.volume = "0.1"
    #expect(try rewritten.validated(against: .standard).fieldDiffering(from: order) == nil)
  }
}

@Suite struct PriceTests {
  private let process = SimulatedPriceProcess(seed: 7, instruments: InstrumentCatalog.standard.instruments)
  private let time = Timestamp(milliseconds: 0)

  @Test func theSameSeedGivesTheSamePricesAndResumesAnywhere() {
    var first = process.initial(at: time)
    for _ in 0..<500 { first = process.next(after: first, at: time) }
    var second = process.initial(at: time)
    for _ in 0..<200 { second = process.next(after: second, at: time) }
    // A replica that takes over knows only the last snapshot.
    let successor = SimulatedPriceProcess(seed: 7, instruments: InstrumentCatalog.standard.instruments)
    for _ in 0..<300 { second = successor.next(after: second, at: time) }
    #expect(first == second)

    var other = SimulatedPriceProcess(seed: 8, instruments: process.instruments).initial(at: time)
    for _ in 0..<500 { other = process.next(after: other, at: time) }
    #expect(other == first, "the seed belongs to the process, not to the snapshot")
    let different = SimulatedPriceProcess(seed: 8, instruments: process.instruments)
    #expect(different.next(after: first, at: time) != process.next(after: first, at: time))
  }

  @Test func staysNearTheReferenceAndKeepsTheSpread() {
    var snapshot = process.initial(at: time)
    for _ in 0..<20_000 { snapshot = process.next(after: snapshot, at: time) }
    for instrument in process.instruments {
      guard let quote = snapshot[instrument.symbol] else {
        Issue.record("no quote for \(instrument.symbol)")
        continue
      }
      #expect(quote.ask.points - quote.bid.points == instrument.spread)
      let distance = abs(quote.bid.points - instrument.referencePrice.points)
      #expect(distance < instrument.referencePrice.points / 20)
    }
    #expect(snapshot != process.initial(at: time))
  }
}
