import KubernetesModels
import Testing

@testable import SandboxCluster

@Suite struct StatefulSetPlanTests {
  let now = Timestamp(secondsSinceEpoch: 1_000_000)

  func pod(
    _ ordinal: Int, revision: String = "r1", ready: Bool = true, deleting: Bool = false, phase: String = "Running"
  ) -> Pod {
    var pod = Pod(metadata: ObjectMeta(labels: ["controller-revision-hash": revision], name: "db-\(ordinal)"))
    pod.metadata.deletionTimestamp = deleting ? now : nil
    pod.status = KubernetesModels.PodStatus(
      conditions: [
        PodCondition(
          lastTransitionTime: Timestamp(secondsSinceEpoch: 0), status: ready ? "True" : "False", type: "Ready")
      ], phase: phase)
    return pod
  }

  func actions(_ settings: StatefulSetPlan.Settings, _ pods: [Int: Pod]) -> [StatefulSetPlan.Action] {
    StatefulSetPlan(settings, pods: pods, now: now).actions
  }

  let three = StatefulSetPlan.Settings(replicas: 3, currentRevision: "r1", updateRevision: "r1")

  @Test func podsStartOneAfterTheOther() {
    #expect(actions(three, [:]) == [.create(ordinal: 0, revision: "r1")])
    #expect(actions(three, [0: pod(0, ready: false)]) == [])
    #expect(actions(three, [0: pod(0)]) == [.create(ordinal: 1, revision: "r1")])
  }

  @Test func parallelStartsAllAtOnce() {
    var settings = three
    settings.isParallel = true
    #expect(actions(settings, [1: pod(1, ready: false)]).map(description) == ["create 0 r1", "create 2 r1"])
  }

  @Test func endedPodIsMadeAgain() {
    #expect(actions(three, [0: pod(0), 1: pod(1, ready: false, phase: "Failed")]) == [.delete(ordinal: 1)])
  }

  @Test func scaleDownTakesTheHighestFirstAndOneAtATime() {
    var settings = three
    settings.replicas = 1
    let pods = [0: pod(0), 1: pod(1), 2: pod(2)]
    #expect(actions(settings, pods) == [.delete(ordinal: 2)])
    #expect(actions(settings, [0: pod(0), 1: pod(1), 2: pod(2, deleting: true)]) == [])
  }

  @Test func updateGoesDownFromTheHighestAndWaitsForHealth() {
    var settings = three
    settings.updateRevision = "r2"
    #expect(actions(settings, [0: pod(0), 1: pod(1), 2: pod(2)]) == [.delete(ordinal: 2)])
    #expect(actions(settings, [0: pod(0), 1: pod(1)]) == [.create(ordinal: 2, revision: "r2")])
    #expect(actions(settings, [0: pod(0), 1: pod(1), 2: pod(2, revision: "r2", ready: false)]) == [])
    #expect(actions(settings, [0: pod(0), 1: pod(1), 2: pod(2, revision: "r2")]) == [.delete(ordinal: 1)])
  }

  @Test func partitionHoldsLowerOrdinalsAtTheOldRevision() {
    var settings = three
    settings.updateRevision = "r2"
    settings.partition = 2
    #expect(actions(settings, [0: pod(0), 1: pod(1), 2: pod(2, revision: "r2")]) == [])
    #expect(actions(settings, [0: pod(0), 2: pod(2, revision: "r2")]) == [.create(ordinal: 1, revision: "r1")])
  }

  @Test func onDeleteChangesOnlyWhatTheUserDeletes() {
    var settings = three
    settings.updateRevision = "r2"
    settings.partition = nil
    #expect(actions(settings, [0: pod(0), 1: pod(1), 2: pod(2)]) == [])
    #expect(actions(settings, [0: pod(0), 1: pod(1)]) == [.create(ordinal: 2, revision: "r2")])
  }

  @Test func ordinalsAreReadFromWholeNamesOnly() {
    #expect(StatefulSetPlan.ordinal(of: "db-12", in: "db") == 12)
    #expect(StatefulSetPlan.ordinal(of: "db-x-1", in: "db") == nil)
    #expect(StatefulSetPlan.ordinal(of: "db-01", in: "db") == nil)
    #expect(StatefulSetPlan.ordinal(of: "data-db-0", in: "data-db") == 0)
  }

  private func description(_ action: StatefulSetPlan.Action) -> String {
    switch action {
    case .create(let ordinal, let revision): "create \(ordinal) \(revision)"
    case .delete(let ordinal): "delete \(ordinal)"
    }
  }
}
