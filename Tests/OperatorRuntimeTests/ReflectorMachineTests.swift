import Testing

@testable import OperatorRuntime

@Suite struct ReflectorMachineTests {
  typealias Machine = ReflectorMachine<String>

  static func machine() -> Machine {
    Machine(backoff: Backoff(initial: .seconds(1), maximum: .seconds(8), jitter: 0))
  }

  /// Listed at version 5 and watching.
  static func watching() -> Machine {
    var machine = machine()
    _ = machine.step(.start)
    _ = machine.step(.listed(["a"], resourceVersion: "5"))
    return machine
  }

  @Test func listThenWatchFromTheListsVersion() {
    var machine = Self.machine()
    #expect(describe(machine.step(.start)) == ["list"])
    #expect(describe(machine.step(.listed(["a", "b"], resourceVersion: "5"))) == ["replace a,b @5", "watch 5"])
  }

  @Test func reconnectsFromTheLastVersionSeenBookmarksIncluded() {
    var machine = Self.watching()
    #expect(describe(machine.step(.added("b", resourceVersion: "6"))) == ["upsert b @6"])
    #expect(describe(machine.step(.deleted("a", resourceVersion: "7"))) == ["remove a @7"])
    #expect(describe(machine.step(.bookmark(resourceVersion: "9"))) == ["caught up 9"])
    #expect(describe(machine.step(.watchEnded(openFor: .milliseconds(1)))) == ["watch 9"])
  }

  @Test func goneInTheMiddleOfAWatchListsAgainAtOnce() {
    var machine = Self.watching()
    #expect(describe(machine.step(.failed(gone: true, retryAfter: nil))) == ["list"])
    #expect(describe(machine.step(.listed([], resourceVersion: "80"))) == ["replace  @80", "watch 80"])
  }

  @Test func goneAgainAndAgainWaitsBetweenLists() {
    var machine = Self.watching()
    #expect(describe(machine.step(.failed(gone: true, retryAfter: nil))) == ["list"])
    #expect(describe(machine.step(.failed(gone: true, retryAfter: nil))) == ["wait 2.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["list"])
  }

  @Test func otherFailuresOfAWatchKeepTheVersionAndBackOff() {
    var machine = Self.watching()
    #expect(describe(machine.step(.failed(gone: false, retryAfter: nil))) == ["wait 1.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["watch 5"])
    #expect(describe(machine.step(.failed(gone: false, retryAfter: nil))) == ["wait 2.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["watch 5"])
    // Health resets the waiting time.
    _ = machine.step(.bookmark(resourceVersion: "6"))
    #expect(describe(machine.step(.failed(gone: false, retryAfter: nil))) == ["wait 1.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["watch 6"])
  }

  @Test func theServersOwnDelayIsRespected() {
    var machine = Self.watching()
    #expect(describe(machine.step(.failed(gone: false, retryAfter: .seconds(5)))) == ["wait 5.0 seconds"])
  }

  @Test func failedListIsListedAgain() {
    var machine = Self.machine()
    _ = machine.step(.start)
    #expect(describe(machine.step(.failed(gone: false, retryAfter: nil))) == ["wait 1.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["list"])
  }

  @Test func watchThatEndsAtOnceWithoutEventsIsNoHotLoop() {
    var machine = Self.watching()
    #expect(describe(machine.step(.watchEnded(openFor: .zero))) == ["wait 1.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["watch 5"])
    #expect(describe(machine.step(.watchEnded(openFor: .zero))) == ["wait 2.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["watch 5"])
    #expect(describe(machine.step(.watchEnded(openFor: .seconds(300)))) == ["watch 5"])
  }

  private func describe(_ actions: [Machine.Action]) -> [String] {
    actions.map { action in
      switch action {
      case .list: "list"
      case .watch(let version): "watch \(version)"
      case .replace(let items, let version): "replace \(items.joined(separator: ",")) @\(version)"
      case .upsert(let item, let version): "upsert \(item) @\(version)"
      case .remove(let item, let version): "remove \(item) @\(version)"
      case .caughtUp(let version): "caught up \(version)"
      case .wait(let delay): "wait \(delay)"
      }
    }
  }
}
