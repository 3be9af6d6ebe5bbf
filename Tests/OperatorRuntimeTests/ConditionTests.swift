import KubernetesModels
import Testing

@testable import OperatorRuntime

@Suite struct ConditionTests {
  let early = Timestamp(secondsSinceEpoch: 1000)
  let late = Timestamp(secondsSinceEpoch: 2000)

  @Test func transitionTimeMovesWithTheStatusOnly() {
    var conditions: [Condition] = []
    #expect(conditions.set("Ready", .isFalse, reason: "A", message: "a", observedGeneration: 1, now: early) == true)
    #expect(conditions.set("Ready", .isFalse, reason: "A", message: "a", observedGeneration: 1, now: late) == false)
    #expect(conditions.set("Ready", .isFalse, reason: "B", message: "b", observedGeneration: 2, now: late) == true)
    #expect(conditions["Ready"]?.lastTransitionTime == early)
    #expect(conditions["Ready"]?.observedGeneration == 2)
    #expect(conditions.set("Ready", .isTrue, reason: "C", message: "c", observedGeneration: 2, now: late) == true)
    #expect(conditions["Ready"]?.lastTransitionTime == late)
    #expect(conditions.count == 1)
  }

  @Test func kstatusReadsWhatIsSet() {
    let metadata = ObjectMeta(generation: 3)
    for progress in [
      Progress.current, .inProgress(reason: "Waiting", message: "for x"),
      .failed(reason: "InvalidSpec", message: "fix x"),
    ] {
      var conditions: [Condition] = []
      conditions.set(.inProgress(reason: "Old", message: "old"), observedGeneration: 2, now: early)
      conditions.set(progress, observedGeneration: 3, now: late)
      #expect(Progress(metadata: metadata, observedGeneration: 3, conditions: conditions) == progress)
      #expect(conditions.set(progress, observedGeneration: 3, now: late) == false)
    }
  }

  @Test func specThatNobodyLookedAtIsInProgress() {
    var conditions: [Condition] = []
    conditions.set(.current, observedGeneration: 2)
    guard
      case .inProgress = Progress(metadata: ObjectMeta(generation: 3), observedGeneration: 2, conditions: conditions)
    else {
      Issue.record("an old status was believed")
      return
    }
    let deleted = ObjectMeta(deletionTimestamp: .now, generation: 2)
    #expect(Progress(metadata: deleted, observedGeneration: 2, conditions: conditions) == .terminating)
  }
}
