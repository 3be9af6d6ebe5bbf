import Testing

@testable import TradingServer

@Suite struct AccountFeedTests {
  private func hear(_ feed: inout AccountFeed, _ id: Int64, ready: Bool = true, slow: Bool = false)
    -> AccountFeed.Decision
  { feed.hear(id, isReady: ready, isSlow: slow, lag: 10) }

  @Test func newsIsSentInOrderAndOnce() {
    var feed = AccountFeed()
    #expect(hear(&feed, 5) == .nothing, "the account is not read yet")
    feed.open(last: 5, since: nil)
    #expect(feed.proceed() == .nothing)
    #expect(hear(&feed, 6) == .send)
    #expect(hear(&feed, 6) == .nothing && hear(&feed, 3) == .nothing)
    #expect(hear(&feed, 7) == .send)
  }

  @Test func aHoleIsReadAndNothingIsDoubled() {
    var feed = AccountFeed()
    feed.open(last: 5, since: nil)
    #expect(hear(&feed, 8) == .read(after: 5))
    #expect(hear(&feed, 9) == .nothing, "one page at a time")
    #expect(feed.take([6, 7]) == [6, 7])
    #expect(feed.proceed() == .read(after: 7))
    #expect(feed.take([8, 9, 10]) == [8, 9, 10])
    #expect(feed.proceed() == .nothing)
    #expect(hear(&feed, 10) == .nothing && hear(&feed, 11) == .send)
  }

  @Test func whatIsMissedIsReadFromWhereTheClientWas() {
    var feed = AccountFeed()
    #expect(hear(&feed, 200) == .nothing, "committed while the account was being read")
    feed.open(last: 199, since: 100)
    #expect(feed.proceed() == .read(after: 100))
    #expect(feed.take(Array(101...164)) == Array(101...164))
    #expect(feed.proceed() == .read(after: 164))
    feed.failed()
    #expect(feed.proceed() == .read(after: 164))
    #expect(feed.take(Array(165...200)).count == 36)
    #expect(hear(&feed, 201) == .send)
  }

  @Test func aSlowReaderIsReadToLaterAndSentAwayWhenTooFarBehind() {
    var feed = AccountFeed()
    feed.open(last: 5, since: nil)
    for id: Int64 in 6...15 { #expect(hear(&feed, id, slow: true) == .nothing) }
    #expect(feed.proceed() == .read(after: 5))
    feed.failed()
    #expect(hear(&feed, 16, slow: true) == .outgrown(after: 5))
  }

  @Test func whatIsNotAtHandIsRead() {
    var feed = AccountFeed()
    feed.open(last: 5, since: nil)
    #expect(hear(&feed, 6, ready: false) == .read(after: 5))
  }
}
