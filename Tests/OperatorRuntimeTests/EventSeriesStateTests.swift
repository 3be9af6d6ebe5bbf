import Testing

@testable import OperatorRuntime

@Suite struct EventSeriesStateTests {
  static func event(_ message: String, object: String = "a") -> EventSeriesState.Identity {
    EventSeriesState.Identity(
      objectUID: object, objectKind: "Pod", object: ObjectKey(namespace: "ns", name: object), type: "Normal",
      reason: "Test", message: message, action: "Test")
  }

  @Test func repetitionsBecomeOneSeriesThatIsRarelyWritten() {
    var state = EventSeriesState()
    #expect(state.decide(Self.event("x"), at: .seconds(0)) { "x.1" } == .create(name: "x.1"))
    #expect(state.decide(Self.event("x"), at: .seconds(1)) { "x.2" } == .updateSeries(name: "x.1", count: 2))
    #expect(state.decide(Self.event("x"), at: .seconds(2)) { "x.3" } == .drop)
    #expect(state.decide(Self.event("x"), at: .seconds(40)) { "x.4" } == .updateSeries(name: "x.1", count: 4))
    // Six quiet minutes end the series.
    #expect(state.decide(Self.event("x"), at: .seconds(401)) { "x.5" } == .create(name: "x.5"))
  }

  @Test func floodAboutOneObjectIsHeldBackAndOthersAreNot() {
    var state = EventSeriesState()
    var written = 0
    for index in 0..<100 where state.decide(Self.event("\(index)"), at: .seconds(1), newName: { "n" }) != .drop {
      written += 1
    }
    #expect(written == 25)
    #expect(state.decide(Self.event("x", object: "b"), at: .seconds(1)) { "n" } != .drop)
    #expect(state.decide(Self.event("later"), at: .seconds(302)) { "n" } != .drop)
  }
}
