import NIOCore
import Testing

@testable import TradingLoad

@Suite struct OrderAccountingTests {
  private let receipt = #"{"accountId":"demo","clientOrderId":"x-1"}"#

  private func answer(_ status: Int, _ body: String) -> Answer {
    Answer(status: status, retryAfter: nil, body: ByteBuffer(string: body))
  }

  private func record(_ number: Int, _ outcome: OrderRecord.Outcome) -> OrderRecord {
    var record = OrderRecord(number: number, account: 0, request: .post("/api/orders", "{}"))
    record.attempts = 1
    if outcome == .acknowledged { _ = record.take(answer(201, receipt)) } else { record.outcome = outcome }
    return record
  }

  /// Outside of the macro, which cannot change what it looks at.
  private func taken(_ record: inout OrderRecord, _ answer: Answer) -> Bool { record.take(answer) }

  private func figures(_ records: [OrderRecord], _ findings: LedgerFindings) -> OrderFigures {
    OrderFigures(records, differing: [], findings: findings) { "x-\($0)" }
  }

  @Test func aRejectionInTheLedgerIsAnAnswerAndARefusalIsNot() {
    var rejected = record(1, .pending)
    #expect(taken(&rejected, answer(422, receipt)))
    #expect(rejected.outcome == .acknowledged)
    var refused = record(2, .pending)
    #expect(taken(&refused, answer(422, #"{"error":{"code":"order_refused"}}"#)))
    #expect(refused.outcome == .refused)
  }

  @Test func anAnswerOfOtherBytesIsNoticed() {
    var order = record(1, .acknowledged)
    #expect(taken(&order, answer(200, receipt)))
    #expect(!taken(&order, answer(200, receipt + " ")))
    #expect(!taken(&order, answer(404, #"{"error":{"code":"unknown_order"}}"#)))
  }

  @Test func whatIsAcknowledgedAndNotInTheLedgerIsLost() {
    let findings = LedgerFindings(creations: [1: 1])
    let figures = figures([record(1, .acknowledged), record(2, .acknowledged), record(3, .unknown)], findings)
    #expect(figures.lost == ["x-2"])
    #expect((figures.sent, figures.acknowledged, figures.found, figures.unknown) == (3, 2, 1, 1))
    #expect(figures.isBroken)
  }

  @Test func whatIsInTheLedgerTwiceIsDoubledWhoeverSaidWhat() {
    let findings = LedgerFindings(creations: [1: 2, 2: 2, 3: 1])
    let figures = figures([record(1, .acknowledged), record(2, .unknown), record(3, .refused)], findings)
    #expect(figures.doubled == ["x-1", "x-2"])
    #expect(figures.contradicted == ["x-3"])
  }

  @Test func aStoredAnswerOfOtherBytesIsADifferentAnswer() {
    let order = record(1, .acknowledged)
    let same = figures([order], LedgerFindings(creations: [1: 1], receipts: [1: order.digest]))
    #expect(same.differing.isEmpty && !same.isBroken)
    let other = figures([order], LedgerFindings(creations: [1: 1], receipts: [1: order.digest &+ 1]))
    #expect(other.differing == ["x-1"] && other.isBroken)
    let none = figures([order], LedgerFindings(receipts: [1: nil], isComplete: false))
    #expect(none.lost == ["x-1"])
  }

  @Test func aLedgerThatCannotBeReadProvesNothing() {
    var report = LoadReport()
    report.orders = figures([record(1, .acknowledged)], LedgerFindings(isComplete: false, obstacles: ["HTTP 503"]))
    #expect(report.orders.lost.isEmpty)
    #expect(report.orders.unchecked == 1)
    #expect(report.verdict == .unresolved)
    report.orders = figures([record(1, .acknowledged)], LedgerFindings(creations: [1: 1]))
    #expect(report.verdict == .sound)
    report.orders = figures([record(1, .unknown)], LedgerFindings())
    #expect(report.verdict == .unresolved)
  }

  @Test func creationsAreCountedByThePrefixOfTheRun() throws {
    let body = """
      {"transactions":[{"id":"4","type":"MARKET_ORDER","clientOrderId":"x-7"},{"id":"5","type":"ORDER_FILL"},
      {"id":"6","type":"LIMIT_ORDER_REJECT","clientOrderId":"x-8"},{"id":"7","type":"MARKET_ORDER","clientOrderId":"y-7"},
      {"id":"8","type":"MARKET_ORDER","clientOrderId":"x-7"}]}
      """
    let page = try #require(LedgerPage(ByteBuffer(string: body)))
    #expect(page.creations(prefix: "x") == [7: 2, 8: 1])
    #expect(LedgerPage(ByteBuffer(string: "{}")) == nil)
  }
}
