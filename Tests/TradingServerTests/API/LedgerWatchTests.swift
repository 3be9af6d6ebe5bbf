import Testing
import TradingCore
import TradingStore

@testable import TradingServer

@Suite struct LedgerWatchTests {
  private func entry(_ accountId: String, _ id: TransactionID) -> LedgerEntry {
    LedgerEntry(
      accountId: accountId,
      transaction: Transaction(
        id: id, batchId: id, time: Timestamp(milliseconds: 0), kind: .stopLimitTrigger(orderId: 1)))
  }

  @Test func readersHearOfTheirAccountOnlyAndOfTheNewestAtOnce() async throws {
    let watch = LedgerWatch(interval: .seconds(3_600))
    var ends = watch.ends(of: "a").makeAsyncIterator()
    #expect(await ends.next() == 0)
    watch.hear([entry("b", 9), entry("a", 4), entry("a", 5), entry("b", 10)])
    #expect(await ends.next() == 5)
    // One who comes later knows what was heard already.
    var others = watch.ends(of: "a").makeAsyncIterator()
    #expect(await others.next() == 5)
    watch.hear([entry("a", 6)])
    #expect(await ends.next() == 6)
    #expect(await others.next() == 6)
  }

  @Test func whoLeavesIsForgotten() async throws {
    let watch = LedgerWatch()
    do {
      let ends = watch.ends(of: "a")
      #expect(watch.readers == 1)
      _ = ends
    }
    try await eventually("the reader is forgotten") { watch.readers == 0 }
  }

  @Test func aStreamBringsWhatAnyReplicaCommits() async throws {
    try await withReplicas { one, two, _ in
      async let lines = WireClient.lines(one, "/api/transactions/stream?since=0", count: 6)
      #expect(try await WireClient.order(two, "a").status == 201)
      #expect(try await WireClient.order(one, "b").status == 201)
      let placed = ContinuousClock.now
      let ids = try await lines.map { try WireClient.Answer(status: 200, head: "", body: $0).json("id") ?? "" }
      #expect(ids == ["1", "2", "3", "4", "5", "6"])
      // Not with the look that precedes a heartbeat, but at once.
      #expect(placed.duration(to: .now) < .seconds(4))
      let silent = try await WireClient.lines(two, "/api/transactions/stream", count: 1)
      #expect(silent.first?.contains(#""type":"HEARTBEAT""#) == true)
      #expect(silent.first?.contains(#""lastTransactionId":"6""#) == true)
    }
  }
}
