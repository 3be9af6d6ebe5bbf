import Foundation
import NIOCore
import Testing
import TradingCore

@testable import TradingServer

@Suite struct QuoteFanOutTests {
  private final class Follower: QuoteFollower {
    var place = CohortPlace()
    var takesQuotes = true
    var messages: [ByteBuffer] = []

    func sendQuotes(_ frame: ByteBuffer) { messages.append(frame) }

    /// `type number symbol=bid …` of everything that came, and forgets it.
    func take() throws -> [String] {
      defer { messages = [] }
      return try messages.map { message in
        var frame = message
        let (_, length) = (frame.readInteger(as: UInt8.self), frame.readInteger(as: UInt8.self))
        if length == 126 { frame.moveReaderIndex(forwardBy: 2) }
        let json = try JSONSerialization.jsonObject(with: Data(frame.readableBytesView)) as? [String: Any]
        let prices = (json?["prices"] as? [[String: String]] ?? []).map { "\($0["symbol"] ?? "")=\($0["bid"] ?? "")" }
        return (["\(json?["type"] ?? "")", "\(json?["sequence"] ?? "")"] + prices).joined(separator: " ")
      }
    }
  }

  private var catalog: InstrumentCatalog { .standard }
  private let fanOut = QuoteFanOut(instruments: InstrumentCatalog.standard.instruments.count)

  /// Prices in points by symbol.
  private func update(_ sequence: Int64, _ bids: KeyValuePairs<String, Int64>) -> QuoteUpdate {
    let quotes = bids.map {
      Quote(symbol: Symbol($0.key), bid: Price(points: $0.value), ask: Price(points: $0.value + 2))
    }
    return QuoteUpdate(
      PriceSnapshot(sequence: sequence, time: Timestamp(milliseconds: 0), quotes: quotes), after: nil,
      terms: DealerTerms(catalog: catalog))
  }

  /// Shows everything at once.
  private func show(_ update: QuoteUpdate) {
    fanOut.show(update)
    while fanOut.proceed(limit: 1) {}
  }

  @Test func aFollowerIsShownEverythingAndThenWhatChanges() throws {
    let (early, other, late) = (Follower(), Follower(), Follower())
    fanOut.follow(early, [0, 7], freshLook: true)
    fanOut.follow(other, [1], freshLook: true)
    #expect(early.messages.isEmpty, "there are no prices yet")
    show(update(1, ["EURUSD": 100_000, "XAUUSD": 200_000]))
    #expect(try early.take() == ["snapshot 1 EURUSD=1.00000 XAUUSD=2000.00"])
    show(update(2, ["EURUSD": 100_001]))
    fanOut.follow(late, [0, 7], freshLook: true)
    show(update(3, ["XAUUSD": 200_001, "USDJPY": 150_000]))
    #expect(try early.take() == ["tick 2 EURUSD=1.00001", "tick 3 XAUUSD=2000.01"])
    #expect(try late.take() == ["snapshot 2 EURUSD=1.00001 XAUUSD=2000.00", "tick 3 XAUUSD=2000.01"])
    #expect(other.messages.isEmpty)
    fanOut.leave(early)
    show(update(4, ["EURUSD": 100_002]))
    #expect(try early.take() == [] && late.take() == ["tick 4 EURUSD=1.00002"])
  }

  @Test func theSameFrameServesEveryone() {
    let followers = (0..<3).map { _ in Follower() }
    for follower in followers { fanOut.follow(follower, [0], freshLook: true) }
    show(update(1, ["EURUSD": 100_000]))
    show(update(2, ["EURUSD": 100_001]))
    let storages = followers.compactMap { $0.messages.last?.withUnsafeReadableBytes { $0.baseAddress } }
    #expect(storages.count == 3 && Set(storages).count == 1, "it was copied")
  }

  @Test func aSlowReaderGetsTheNewestOfEachSymbolAndNothingQueues() throws {
    let (slow, fast) = (Follower(), Follower())
    for follower in [slow, fast] { fanOut.follow(follower, [0, 2, 7], freshLook: true) }
    show(update(1, ["EURUSD": 100_000, "USDJPY": 150_000, "XAUUSD": 200_000]))
    _ = try (slow.take(), fast.take())
    slow.takesQuotes = false
    for step: Int64 in 1...50 { show(update(1 + step, ["EURUSD": 100_000 + step])) }
    show(update(60, ["XAUUSD": 200_009]))
    #expect(try fast.take().count == 51)
    #expect(slow.messages.isEmpty)
    slow.takesQuotes = true
    fanOut.bringUpToDate(slow)
    #expect(try slow.take() == ["tick 52 EURUSD=1.00050 XAUUSD=2000.09"], "51 ticks in one")
    fanOut.bringUpToDate(slow)
    show(update(61, ["USDJPY": 150_001]))
    #expect(try slow.take() == ["tick 53 USDJPY=150.001"])
  }

  @Test func whoTakesMessagesAgainWithoutSayingSoIsNotForgotten() throws {
    let slow = Follower()
    fanOut.follow(slow, [0, 7], freshLook: true)
    show(update(1, ["EURUSD": 100_000, "XAUUSD": 200_000]))
    slow.takesQuotes = false
    show(update(2, ["EURUSD": 100_001]))
    slow.takesQuotes = true
    show(update(3, ["XAUUSD": 200_001]))
    #expect(try slow.take().last == "tick 3 EURUSD=1.00001 XAUUSD=2000.01")
  }

  @Test func whoComesAndGoesDuringARoundIsToldOnce() throws {
    let followers = (0..<9).map { _ in Follower() }
    for follower in followers { fanOut.follow(follower, [0], freshLook: true) }
    show(update(1, ["EURUSD": 100_000]))
    for follower in followers { _ = try follower.take() }
    fanOut.show(update(2, ["EURUSD": 100_001]))
    #expect(fanOut.proceed(limit: 3))
    // One who has been told, one who has not, and one who is just coming.
    fanOut.leave(followers[8])
    fanOut.leave(followers[1])
    let late = Follower()
    fanOut.follow(late, [0], freshLook: true)
    #expect(fanOut.proceed(limit: 3))
    followers[0].takesQuotes = false
    while fanOut.proceed(limit: 3) {}
    followers[0].takesQuotes = true
    fanOut.bringUpToDate(followers[0])
    #expect(try late.take() == ["snapshot 2 EURUSD=1.00001"])
    #expect(try followers.map { try $0.take() } == (0..<9).map { $0 == 1 ? [] : ["tick 2 EURUSD=1.00001"] })
  }

  @Test func updatesMergeIntoTheNewest() {
    var first = update(1, ["EURUSD": 100_000, "XAUUSD": 200_000])
    first.merge(update(5, ["EURUSD": 100_009]))
    #expect(first.sequence == 5)
    let shown = first.quotes.compactMap { $0.map { String(buffer: $0) } }
    #expect(shown.count == 2 && shown[0].contains("1.00009") && shown[1].contains("2000.00"))
  }
}
