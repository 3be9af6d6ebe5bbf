import HTTPTypes
import Testing

@testable import TradingServer

@Suite struct LimitTests {
  private let start = ContinuousClock.now

  @Test func guessingGetsSlowerAndSlower() {
    var throttle = LoginThrottle(freeAttempts: 3, longestDelay: .seconds(60))
    var now = start
    for _ in 0..<3 { #expect(throttle.attempt("a", at: now) == nil) }
    var delays: [Duration] = []
    for _ in 0..<9 {
      let wait = throttle.attempt("a", at: now)
      delays.append(wait ?? .zero)
      // Neither waiting clients nor others are made to wait longer.
      #expect(throttle.attempt("a", at: now) == wait)
      #expect(throttle.attempt("b \(now)", at: now) == nil)
      now += wait ?? .zero
      #expect(throttle.attempt("a", at: now) == nil)
    }
    #expect(delays == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
    now += .seconds(1_000)
    #expect(throttle.attempt("a", at: now) == nil)
    #expect(throttle.attempt("a", at: now) == nil)
  }

  @Test func theRightPasswordClearsALoginButNotAnAddress() {
    var throttle = LoginThrottle(freeAttempts: 3)
    for _ in 0..<3 { _ = throttle.attempt("a", at: start) }
    #expect(throttle.attempt("a", at: start) != nil)
    throttle.forget("a")
    #expect(throttle.attempt("a", at: start) == nil)

    for _ in 0..<2 { _ = throttle.attempt("b", at: start) }
    for _ in 0..<50 {
      #expect(throttle.attempt("b", at: start) == nil)
      throttle.withdrawAttempt("b")
    }
    #expect(throttle.attempt("b", at: start) == nil)
    #expect(throttle.attempt("b", at: start) != nil)
  }

  @Test func memoryOfAttemptsIsBounded() {
    var throttle = LoginThrottle(freeAttempts: 1, capacity: 100)
    for number in 0..<10_000 { _ = throttle.attempt("\(number)", at: start) }
    #expect(throttle.count <= 100)
  }

  @Test func aBucketGivesItsBurstAndThenItsRate() throws {
    let limiter = RateLimiter(rate: 10, burst: 20)
    for _ in 0..<20 { #expect(limiter.take("a", at: start) == nil) }
    let wait = try #require(limiter.take("a", at: start))
    #expect(wait > .milliseconds(99) && wait <= .milliseconds(100))
    #expect(limiter.take("b", at: start) == nil)
    #expect(limiter.take("a", at: start + .milliseconds(101)) == nil)
    #expect(limiter.take("a", at: start + .milliseconds(101)) != nil)
    let later = start + .seconds(60)
    #expect((0..<100).count { _ in limiter.take("a", at: later) == nil } == 20)
  }

  @Test func zeroIsNoLimitAndKeysAreBounded() {
    let off = RateLimiter(rate: 0)
    #expect((0..<10_000).allSatisfy { _ in off.take("a", at: start) == nil })
    let limiter = RateLimiter(rate: 1, capacity: 100)
    for number in 0..<10_000 { _ = limiter.take("\(number)", at: start) }
    #expect(limiter.count <= 100)
  }

  @Test func whatWasTakenElsewhereCountsHereButShutsNobodyOutForLong() throws {
    let (here, elsewhere) = (RateLimiter(rate: 10, burst: 20), RateLimiter(rate: 10, burst: 20))
    for _ in 0..<15 { #expect(elsewhere.take("a", at: start) == nil) }
    here.note(elsewhere.takings(), at: start)
    #expect(elsewhere.takings().isEmpty)
    // What was heard is not told on.
    #expect(here.takings().isEmpty)
    #expect((0..<20).count { _ in here.take("a", at: start) == nil } == 5)
    #expect(here.takings() == ["a": 5])
    here.note(["a": 1_000_000, "b": -5], at: start)
    let wait = try #require(here.take("a", at: start))
    #expect(wait > .seconds(2) && wait < .milliseconds(2_101))
    #expect(here.take("b", at: start) == nil)
  }

  @Test func onlyTrustedProxiesTellTheAddress() {
    let forged = "6.6.6.6, 1.2.3.4,  10.0.0.1"
    func address(_ proxies: Int, _ header: String?) -> String {
      ForwardedAddress(trustedProxies: proxies).address(
        peer: "9.9.9.9", headers: header.map { [.forwardedFor: $0] } ?? [:])
    }
    #expect(address(0, forged) == "9.9.9.9")
    #expect(address(1, forged) == "10.0.0.1")
    #expect(address(2, forged) == "1.2.3.4")
    #expect(address(4, forged) == "9.9.9.9")
    #expect(address(1, nil) == "9.9.9.9")
  }
}
