import Testing

@testable import OperatorRuntime

@Suite struct ReflectorMachineTests {
  typealias Machine = ReflectorMachine<String>

  static func machine(streaming: Bool = false) -> Machine {
    Machine(backoff: Backoff(initial: .seconds(1), maximum: .seconds(8), jitter: 0), streamsLists: streaming) {
      ObjectKey(namespace: nil, name: $0)
    }
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
    #expect(describe(machine.step(.failed(.gone))) == ["list"])
    #expect(describe(machine.step(.listed([], resourceVersion: "80"))) == ["replace  @80", "watch 80"])
  }

  @Test func goneAgainAndAgainWaitsBetweenLists() {
    var machine = Self.watching()
    #expect(describe(machine.step(.failed(.gone))) == ["list"])
    #expect(describe(machine.step(.failed(.gone))) == ["wait 2.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["list"])
  }

  @Test func otherFailuresOfAWatchKeepTheVersionAndBackOff() {
    var machine = Self.watching()
    #expect(describe(machine.step(.failed(.trouble))) == ["wait 1.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["watch 5"])
    #expect(describe(machine.step(.failed(.trouble))) == ["wait 2.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["watch 5"])
    // Health resets the waiting time.
    _ = machine.step(.bookmark(resourceVersion: "6"))
    #expect(describe(machine.step(.failed(.trouble))) == ["wait 1.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["watch 6"])
  }

  @Test func theServersOwnDelayIsRespected() {
    var machine = Self.watching()
    #expect(describe(machine.step(.failed(.trouble, retryAfter: .seconds(5)))) == ["wait 5.0 seconds"])
  }

  @Test func failedListIsListedAgain() {
    var machine = Self.machine()
    _ = machine.step(.start)
    #expect(describe(machine.step(.failed(.trouble))) == ["wait 1.0 seconds"])
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

  @Test func pagesBecomeOneListAtTheFirstPagesVersion() {
    var machine = Self.machine()
    _ = machine.step(.start)
    #expect(describe(machine.step(.listed(["a", "b"], resourceVersion: "5", continueToken: "t1"))) == ["list t1"])
    #expect(describe(machine.step(.listed(["c"], resourceVersion: "5", continueToken: "t2"))) == ["list t2"])
    #expect(describe(machine.step(.listed(["d"], resourceVersion: "7"))) == ["replace a,b,c,d @5", "watch 5"])
  }

  @Test func pageThatFailsIsAskedForAgainAndTheOthersAreKept() {
    var machine = Self.machine()
    _ = machine.step(.start)
    _ = machine.step(.listed(["a"], resourceVersion: "5", continueToken: "t1"))
    #expect(describe(machine.step(.failed(.trouble))) == ["wait 1.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["list t1"])
    #expect(describe(machine.step(.listed(["b"], resourceVersion: "5"))) == ["replace a,b @5", "watch 5"])
  }

  @Test func tokenThatExpiresBetweenPagesStartsTheListAnewAndWhole() {
    var machine = Self.machine()
    _ = machine.step(.start)
    _ = machine.step(.listed(["deleted meanwhile"], resourceVersion: "5", continueToken: "t1"))
    #expect(describe(machine.step(.failed(.gone))) == ["list whole"])
    #expect(describe(machine.step(.listed(["a"], resourceVersion: "90"))) == ["replace a @90", "watch 90"])
  }

  @Test func tokenThatTheServerDoesNotKnowStartsTheListAnew() {
    var machine = Self.machine()
    _ = machine.step(.start)
    _ = machine.step(.listed(["a"], resourceVersion: "5", continueToken: "t1"))
    #expect(describe(machine.step(.failed(.refused))) == ["wait 1.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["list"])
  }

  @Test func listWithoutAVersionIsNotWatched() {
    var machine = Self.machine()
    _ = machine.step(.start)
    #expect(describe(machine.step(.listed(["a"], resourceVersion: ""))) == ["wait 1.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["list"])
  }

  @Test func streamedListIsShownWhenItsEndIsMarkedAndGoesOnAsWatch() {
    var machine = Self.machine(streaming: true)
    #expect(describe(machine.step(.start)) == ["stream"])
    for name in ["a", "b", "c"] { #expect(machine.step(.added(name, resourceVersion: "3")).isEmpty) }
    #expect(machine.step(.bookmark(resourceVersion: "4")).isEmpty)
    #expect(machine.step(.deleted("b", resourceVersion: "8")).isEmpty)
    #expect(describe(machine.step(.bookmark(resourceVersion: "9", endsInitial: true))) == ["replace a,c @9"])
    #expect(describe(machine.step(.deleted("a", resourceVersion: "10"))) == ["remove a @10"])
    #expect(describe(machine.step(.watchEnded(openFor: .zero))) == ["watch 10"])
  }

  @Test func serverWithoutStreamingListsIsAskedForPagesFromThenOn() {
    var machine = Self.machine(streaming: true)
    _ = machine.step(.start)
    #expect(describe(machine.step(.failed(.refused))) == ["list"])
    #expect(describe(machine.step(.listed(["a"], resourceVersion: "5"))) == ["replace a @5", "watch 5"])
    #expect(describe(machine.step(.failed(.gone))) == ["list"])
  }

  @Test func streamThatBreaksBeforeItsMarkIsReplacedByPagesAndAfterTwoForGood() {
    var machine = Self.machine(streaming: true)
    _ = machine.step(.start)
    _ = machine.step(.added("half", resourceVersion: "3"))
    #expect(describe(machine.step(.watchEnded(openFor: .seconds(30)))) == ["list"])
    #expect(describe(machine.step(.listed(["a"], resourceVersion: "5"))) == ["replace a @5", "watch 5"])
    #expect(describe(machine.step(.failed(.gone))) == ["stream"])
    #expect(describe(machine.step(.watchEnded(openFor: .seconds(30)))) == ["list"])
    _ = machine.step(.listed(["a"], resourceVersion: "6"))
    _ = machine.step(.added("b", resourceVersion: "7"))
    #expect(describe(machine.step(.failed(.gone))) == ["list"])
  }

  @Test func serverThatIsDownWhileStreamingIsStreamedFromAgain() {
    var machine = Self.machine(streaming: true)
    _ = machine.step(.start)
    #expect(describe(machine.step(.failed(.trouble))) == ["wait 1.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["stream"])
    #expect(describe(machine.step(.failed(.gone))) == ["wait 2.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["stream"])
  }

  @Test func whatWasToldBeforeIsNotToldAgain() {
    var machine = Self.watching()
    #expect(describe(machine.step(.added("b", resourceVersion: "7"))) == ["upsert b @7"])
    #expect(machine.step(.added("b", resourceVersion: "7")).isEmpty)
    #expect(machine.step(.deleted("a", resourceVersion: "6")).isEmpty)
    #expect(machine.step(.bookmark(resourceVersion: "5")).isEmpty)
    // Versions that are no numbers have no order.
    #expect(describe(machine.step(.added("c", resourceVersion: "x"))) == ["upsert c @x"])
    #expect(describe(machine.step(.added("d", resourceVersion: "a"))) == ["upsert d @a"])
  }

  @Test func objectThatCannotBeReadKeepsItsLastStateAndItsDeletionIsSeen() {
    var machine = Self.machine()
    let broken = ObjectKey(namespace: nil, name: "broken")
    _ = machine.step(.start)
    #expect(
      describe(machine.step(.listed(["a"], unreadable: [broken], resourceVersion: "5")))
        == ["replace a keeping broken @5", "watch 5"])
    #expect(describe(machine.step(.unreadable(broken, resourceVersion: "6"))) == ["caught up 6"])
    #expect(describe(machine.step(.vanished(broken, resourceVersion: "7"))) == ["drop broken @7"])
    #expect(describe(machine.step(.watchEnded(openFor: .zero))) == ["watch 7"])
  }

  @Test func versionThatTheServerRefusesIsListedAnew() {
    var machine = Self.watching()
    #expect(describe(machine.step(.failed(.refused))) == ["wait 1.0 seconds"])
    #expect(describe(machine.step(.waited)) == ["list"])
  }

  @Test func whatTheStoreShowsAlreadyMovesTheVersionAlone() {
    var machine = Self.watching()
    #expect(
      describe(machine.step(.confirmed(ObjectKey(namespace: nil, name: "a"), resourceVersion: "12"))) == [
        "confirm a @12"
      ])
    #expect(describe(machine.step(.confirmed(ObjectKey(namespace: nil, name: "a"), resourceVersion: "12"))) == [])
    // It goes on from there.
    #expect(describe(machine.step(.watchEnded(openFor: .seconds(60)))) == ["watch 12"])
  }

  private func describe(_ actions: [Machine.Action]) -> [String] {
    actions.map { action in
      switch action {
      case .list(let page):
        ["list", page.continueToken, page.isLimited ? nil : "whole"].compactMap(\.self).joined(separator: " ")
      case .stream: "stream"
      case .watch(let version): "watch \(version)"
      case .replace(let items, let kept, let version) where !kept.isEmpty:
        "replace \(items.sorted().joined(separator: ",")) keeping \(kept.map(\.name).sorted().joined(separator: ",")) @\(version)"
      case .drop(let key, let version): "drop \(key) @\(version)"
      case .replace(let items, _, let version): "replace \(items.sorted().joined(separator: ",")) @\(version)"
      case .upsert(let item, let version): "upsert \(item) @\(version)"
      case .confirm(let key, let version): "confirm \(key.name) @\(version)"
      case .remove(let item, let version): "remove \(item) @\(version)"
      case .caughtUp(let version): "caught up \(version)"
      case .wait(let delay): "wait \(delay)"
      }
    }
  }
}
