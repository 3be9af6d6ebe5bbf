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
    #expect(state.decide(Self.event("x"), at: .seconds(0)) { "x.1" } == .create(name: "x.1", note: "x"))
    #expect(state.decide(Self.event("x"), at: .seconds(1)) { "x.2" } == .updateSeries(name: "x.1", count: 2))
    #expect(state.decide(Self.event("x"), at: .seconds(2)) { "x.3" } == .drop)
    #expect(state.decide(Self.event("x"), at: .seconds(40)) { "x.4" } == .updateSeries(name: "x.1", count: 4))
    // Six quiet minutes end the series.
    #expect(state.decide(Self.event("x"), at: .seconds(401)) { "x.5" } == .create(name: "x.5", note: "x"))
  }

  @Test func eventsThatDifferOnlyInTheirTextBecomeOneSeries() {
    var state = EventSeriesState()
    var decisions: [EventSeriesState.Decision] = []
    for index in 0..<100 {
      decisions.append(state.decide(Self.event("pod \(index)"), at: .seconds(1)) { "n\(index)" })
    }
    let single = (0..<10).map { EventSeriesState.Decision.create(name: "n\($0)", note: "pod \($0)") }
    let combined = EventSeriesState.Decision.create(name: "n10", note: "(combined from similar events): pod 10")
    #expect(decisions.filter { $0 != .drop } == single + [combined, .updateSeries(name: "n10", count: 2)])
    // What has an event of its own goes on in it, and another reason is another family.
    #expect(state.decide(Self.event("pod 3"), at: .seconds(2)) { "n" } == .updateSeries(name: "n3", count: 2))
    var other = Self.event("pod 200")
    other.reason = "Other"
    #expect(state.decide(other, at: .seconds(2)) { "o" } == .create(name: "o", note: "pod 200"))
    // A write that failed is forgotten: the next one makes the event anew.
    state.forget(Self.event("pod 99"))
    #expect(
      state.decide(Self.event("pod 100"), at: .seconds(3)) { "again" }
        == .create(name: "again", note: "(combined from similar events): pod 100"))
    // Ten quiet minutes end the family.
    #expect(state.decide(Self.event("pod 101"), at: .seconds(604)) { "m" } == .create(name: "m", note: "pod 101"))
  }

  @Test func floodAboutOneObjectIsHeldBackAndOthersAreNot() {
    var state = EventSeriesState()
    func flood(_ index: Int) -> EventSeriesState.Identity {
      var event = Self.event("\(index)")
      event.reason = "Reason\(index)"
      return event
    }
    let decisions = (0..<100).map { index in state.decide(flood(index), at: .seconds(1)) { "n" } }
    #expect(decisions.filter { $0 != .drop }.count == 25)
    #expect(state.decide(Self.event("x", object: "b"), at: .seconds(1)) { "n" } != .drop)
    #expect(state.decide(Self.event("later"), at: .seconds(302)) { "n" } != .drop)
  }
}
