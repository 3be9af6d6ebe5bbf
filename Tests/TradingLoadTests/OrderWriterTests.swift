import Testing

@testable import TradingLoad

@Suite struct OrderWriterTests {
  private func writer(isHedging: Bool) throws -> OrderWriter {
    OrderWriter(
      prefix: "p",
      accounts: [
        LoadAccount(id: "a", isHedging: isHedging, token: SessionToken("t"), lastTransactionId: 0),
        LoadAccount(id: "b", isHedging: isHedging, token: SessionToken(), lastTransactionId: 0),
      ],
      instruments: [try #require(TradedInstrument(symbol: "EURUSD", bid: "1.08501"))], volume: "0.01")
  }

  @Test func everySecondOrderOfAnAccountClosesWhatTheOneBeforeOpened() throws {
    let netting = try writer(isHedging: false)
    #expect(
      netting.market(4, turn: 0).body
        == #"{"accountId":"a","clientOrderId":"p-4","symbol":"EURUSD","volume":"0.01","side":"buy","type":"market"}"#)
    #expect(netting.market(5, turn: 1).body?.contains(#""accountId":"b""#) == true)
    #expect(netting.market(5, turn: 1).body?.contains(#""side":"sell","type":"market"}"#) == true)
    let hedging = try writer(isHedging: true)
    #expect(hedging.market(5, turn: 1).body?.hasSuffix(#""side":"sell","type":"market","reduceOnly":true}"#) == true)
    #expect(hedging.market(5, turn: 2).body?.contains("reduceOnly") == false)
    #expect(hedging.market(4, turn: 0).token?.current == "t")
  }

  @Test(arguments: [
    ("1.08501", "0.54250"), ("149.350", "74.675"), ("0.00012", "0.00006"), ("2350.07", "1175.03"), ("42", "21"),
  ]) func limitOrdersWaitAtHalfOfTheMarket(bid: String, price: String) {
    #expect(TradedInstrument(symbol: "X", bid: bid)?.remotePrice == price)
  }

  @Test(arguments: ["", "x", "1.2.3", "0", "-1"]) func whatIsNoPriceIsNotTraded(bid: String) {
    #expect(TradedInstrument(symbol: "X", bid: bid) == nil)
  }

  @Test func mixturesAreReadAndDrawnByWeight() throws {
    let mix = try #require(OperationMix(parsing: "order=3,prices"))
    #expect(mix.operation(at: 0) == .order && mix.operation(at: 0.74) == .order)
    #expect(mix.operation(at: 0.76) == .prices && mix.operation(at: 0.999_999) == .prices)
    #expect(Set(try #require(OperationMix(parsing: "mixed")).operations) == Set(Operation.allCases))
    for text in ["", "nonsense", "order=0", "order=-1,prices=2", "order=x"] {
      #expect(OperationMix(parsing: text) == nil, "\(text)")
    }
  }

  @Test func targetsAreReadAsPeopleWriteThem() {
    let cases: [(String, String?)] = [
      ("http://a:1", "http://a:1"), ("https://a.example/", "https://a.example:443"),
      ("127.0.0.1:7999", "http://127.0.0.1:7999"),
      ("[::1]:80", "http://[::1]:80"), ("a", "http://a:80"), ("", nil), ("http://", nil), ("a:0", nil), ("a:x", nil),
      ("http://a/path", nil),
    ]
    for (text, expected) in cases { #expect(Target(text)?.description == expected, "\(text)") }
  }
}
