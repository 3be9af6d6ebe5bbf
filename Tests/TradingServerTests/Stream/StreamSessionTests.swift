import HTTPTypes
import NIOCore
import Testing
import TradingCore

@testable import TradingServer

@Suite struct StreamSessionTests {
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
  private let time = Timestamp(milliseconds: 1_700_000_000_000)

  /// The token "ann" is for account a and ends a minute after `time`; without a token only prices may be had.
  private func session(open: Bool = true, limits: StreamLimits = StreamLimits()) -> StreamSession {
    let terms = StreamTerms(catalog: .standard, limits: limits) { [time] token throws(APIError) in
      if token == nil, open { return StreamAccess(expires: nil) { _ in false } }
      guard token == "ann" else {
        throw APIError(.unauthorized, "unauthenticated", "who are you", remedy: "log in")
      }
      return StreamAccess(expires: Timestamp(milliseconds: time.milliseconds + 60_000)) { $0 == "a" }
    }
    return StreamSession(terms: terms, now: start)
  }

  private func text(_ json: String) -> StreamEvent { .text(ByteBuffer(string: json)) }

  private func errorCode(_ actions: [StreamSession.Action]) -> String? {
    if case .send(.error(let mistake)) = actions.first { mistake.code } else { nil }
  }

  private func closeCode(_ actions: [StreamSession.Action]) -> UInt16? {
    for case .close(let reason) in actions { return reason.code }
    return nil
  }

  @Test func subscriptionsAddUpAndEachBeginsWithAFreshLook() {
    var session = session()
    #expect(session.start(token: nil, at: start) == [])
    #expect(session.receive(text(#"{"type":"subscribe","symbols":["XAUUSD"]}"#), at: start) == [.follow([7])])
    #expect(
      session.receive(text(#"{"type":"subscribe","symbols":["EURUSD","XAUUSD"]}"#), at: start) == [.follow([0, 7])])
    #expect(session.receive(text(#"{"type":"unsubscribe","symbols":["XAUUSD"]}"#), at: start) == [.unfollow([0])])
    #expect(
      session.receive(text(#"{"type":"subscribe"}"#), at: start)
        == [.follow(Array(InstrumentCatalog.standard.instruments.indices))])
    #expect(session.receive(text(#"{"type":"unsubscribe"}"#), at: start) == [.unfollow([])])
    #expect(session.receive(text(#"{"type":"ping"}"#), at: start) == [.send(.pong)])
  }

  @Test func mistakesAreExplainedAndChangeNothing() {
    var session = session()
    _ = session.start(token: nil, at: start)
    #expect(errorCode(session.receive(text("nonsense"), at: start)) == "invalid_message")
    #expect(errorCode(session.receive(text(#"{"type":"dance"}"#), at: start)) == "unknown_type")
    #expect(
      errorCode(session.receive(text(#"{"type":"subscribe","symbols":["EURUSD","NO"]}"#), at: start))
        == "unknown_symbol")
    #expect(errorCode(session.receive(text(#"{"type":"subscribe","account":"a"}"#), at: start)) == "forbidden")
    #expect(
      errorCode(session.receive(text(#"{"type":"subscribe","account":"a","since":-1}"#), at: start))
        == "invalid_message")
    let many = Array(repeating: #""EURUSD""#, count: 257).joined(separator: ",")
    #expect(
      errorCode(session.receive(text(#"{"type":"subscribe","symbols":[\#(many)]}"#), at: start)) == "too_many_symbols")
    #expect(session.isOpen && session.instruments.isEmpty && session.accounts.isEmpty)
  }

  @Test func aTokenMayComeWithTheRequestOrInTheFirstMessage() {
    var early = session(open: false)
    #expect(early.start(token: "ann", at: start) == [])
    #expect(
      early.receive(text(#"{"type":"subscribe","account":"a","since":"41"}"#), at: start)
        == [.watch(account: "a", since: 41)])
    #expect(
      early.receive(text(#"{"type":"subscribe","account":"a","symbols":["EURUSD"],"since":41}"#), at: start)
        == [.follow([0]), .watch(account: "a", since: 41)])

    var late = session(open: false)
    #expect(late.start(token: nil, at: start) == [])
    #expect(!late.isOpen)
    #expect(errorCode(late.receive(text(#"{"type":"subscribe"}"#), at: start)) == "unauthenticated")
    let welcome = late.receive(text(#"{"type":"authenticate","token":"ann"}"#), at: start)
    #expect(welcome == [.send(.authenticated(expires: Timestamp(milliseconds: time.milliseconds + 60_000)))])
    #expect(late.receive(text(#"{"type":"subscribe","account":"a"}"#), at: start) == [.watch(account: "a", since: nil)])
    #expect(late.receive(text(#"{"type":"unsubscribe","account":"a"}"#), at: start) == [.unwatch(account: "a")])
  }

  @Test func whoIsNotKnownIsSentAway() {
    var wrong = session()
    let refusal = wrong.start(token: "eve", at: start)
    #expect(errorCode(refusal) == "unauthenticated" && closeCode(refusal) == 1008)

    var silent = session(open: false)
    _ = silent.start(token: nil, at: start)
    #expect(closeCode(silent.look(at: start + .seconds(9), time: time)) == nil)
    #expect(closeCode(silent.look(at: start + .seconds(10), time: time)) == 1008)

    var expired = session()
    _ = expired.start(token: "ann", at: start)
    #expect(closeCode(expired.look(at: start, time: Timestamp(milliseconds: time.milliseconds + 59_999))) == nil)
    #expect(closeCode(expired.look(at: start, time: Timestamp(milliseconds: time.milliseconds + 60_000))) == 1008)
  }

  @Test func aTokenThatIsNotForAnAccountTakesItAway() {
    var session = session()
    _ = session.start(token: "ann", at: start)
    _ = session.receive(text(#"{"type":"subscribe","account":"a"}"#), at: start)
    let wrong = session.receive(text(#"{"type":"authenticate","token":"eve"}"#), at: start)
    #expect(closeCode(wrong) == 1008 && !session.isOpen)
  }

  @Test func theQuietArePingedAndTheSilentAreGone() {
    var session = session()
    _ = session.start(token: nil, at: start)
    #expect(session.look(at: start + .seconds(4), time: time) == [])
    #expect(session.look(at: start + .seconds(5), time: time) == [.send(.heartbeat(time))])
    session.wrote(at: start + .seconds(5))
    #expect(session.look(at: start + .seconds(6), time: time) == [])
    session.wrote(at: start + .seconds(20))
    #expect(session.look(at: start + .seconds(20), time: time) == [.ping])
    _ = session.receive(.pong, at: start + .seconds(30))
    session.wrote(at: start + .seconds(94))
    #expect(session.look(at: start + .seconds(94), time: time) == [.ping])
    #expect(session.look(at: start + .seconds(95), time: time) == [.end])
  }

  @Test func goodbyesAreAnsweredAndWaitedFor() {
    var asked = session()
    _ = asked.start(token: nil, at: start)
    #expect(
      asked.receive(.close(ByteBuffer(bytes: [3, 232])), at: start) == [.answerClose(ByteBuffer(bytes: [3, 232]))])
    #expect(asked.receive(text(#"{"type":"ping"}"#), at: start) == [] && asked.look(at: start, time: time) == [])

    var drained = session()
    _ = drained.start(token: nil, at: start)
    #expect(
      drained.drain(reconnectWithinMilliseconds: 7, at: start)
        == [.send(.reconnect(withinMilliseconds: 7)), .close(.drain)])
    #expect(drained.drain(reconnectWithinMilliseconds: 7, at: start) == [])
    #expect(drained.receive(text(#"{"type":"subscribe"}"#), at: start) == [], "nothing counts after a close")
    #expect(drained.look(at: start + .seconds(1), time: time) == [])
    #expect(drained.look(at: start + .seconds(2), time: time) == [.end], "an answer is not waited for for ever")
  }

  @Test func aFloodIsStopped() {
    var session = session()
    _ = session.start(token: nil, at: start)
    for second: Int64 in 0..<3 {
      for _ in 0..<50 { #expect(closeCode(session.receive(.pong, at: start + .seconds(second))) == nil) }
    }
    #expect(closeCode(session.receive(.pong, at: start + .seconds(2))) == 1008)
  }
}
