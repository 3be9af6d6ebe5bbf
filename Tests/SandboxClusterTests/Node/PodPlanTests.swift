import Foundation
import KubernetesModels
import Testing

@testable import SandboxCluster

@Suite("What a node does next about a pod")
struct PodPlanTests {
  let now = Date(timeIntervalSince1970: 1_000_000)
  let address = IPv4Address(value: 10 << 24 | 244 << 16 | 10)

  func pod(
    restartPolicy: String = "Always", initContainers: [Container] = [], containers: [Container] = [Container(name: "a")]
  ) -> Pod {
    Pod(
      metadata: ObjectMeta(name: "p", namespace: "n", uid: "u"),
      spec: PodSpec(
        containers: containers, initContainers: initContainers, restartPolicy: restartPolicy,
        terminationGracePeriodSeconds: 7))
  }

  func record(_ containers: [String: ContainerRecord.Stage] = [:]) -> PodRecord {
    var record = PodRecord()
    record.surroundings = .ready(address)
    record.startedAt = now
    for (name, stage) in containers { record[name].stage = stage }
    return record
  }

  func running(_ id: String = "x") -> ContainerRecord.Stage { .running(.init(id: id, pid: 1, startedAt: now)) }

  func exit(_ code: Int, at time: Date? = nil) -> ContainerRecord.Exit {
    .init(id: "x", exitCode: code, reason: "Error", message: nil, startedAt: now, finishedAt: time ?? now)
  }

  @Test func aNewPodGetsItsSurroundingsFirst() {
    #expect(PodPlan.decide(pod: pod(), record: PodRecord(), now: now).actions == [.prepare])
  }

  @Test func failedSurroundingsAreTriedAgainOnlyWhenDue() {
    var record = PodRecord()
    record.surroundings = .failed(message: "no", until: now.addingTimeInterval(5))
    let early = PodPlan.decide(pod: pod(), record: record, now: now)
    #expect(early.actions.isEmpty)
    #expect(early.wakeAt == now.addingTimeInterval(5))
    #expect(PodPlan.decide(pod: pod(), record: record, now: now.addingTimeInterval(5)).actions == [.prepare])
  }

  @Test func initContainersRunOneAfterAnotherAndBeforeTheOthers() {
    let pod = pod(initContainers: [Container(name: "i1"), Container(name: "i2")])
    #expect(PodPlan.decide(pod: pod, record: record(), now: now).actions == [.start(container: "i1")])
    #expect(PodPlan.decide(pod: pod, record: record(["i1": running()]), now: now).actions.isEmpty)
    let second = record(["i1": .exited(exit(0))])
    #expect(PodPlan.decide(pod: pod, record: second, now: now).actions == [.start(container: "i2")])
    let done = record(["i1": .exited(exit(0)), "i2": .exited(exit(0))])
    #expect(PodPlan.decide(pod: pod, record: done, now: now).actions == [.start(container: "a")])
  }

  @Test func aSidecarLetsTheNextOnesStartOnlyOnceItHasStarted() {
    var sidecar = Container(name: "s")
    sidecar.restartPolicy = "Always"
    let pod = pod(initContainers: [sidecar])
    var record = record(["s": running()])
    #expect(PodPlan.decide(pod: pod, record: record, now: now).actions.isEmpty)
    record["s"].isStarted = true
    #expect(PodPlan.decide(pod: pod, record: record, now: now).actions == [.start(container: "a")])
  }

  @Test func aFailedInitContainerOfAPodThatNeverRestartsFailsThePod() {
    let pod = pod(restartPolicy: "Never", initContainers: [Container(name: "i")])
    let record = record(["i": .exited(exit(3))])
    #expect(PodPhase.of(pod, record) == .failed)
    #expect(PodPlan.decide(pod: pod, record: record, now: now).actions == [.tearDown])
  }

  @Test func theFirstRestartIsAtOnceAndTheNextOnesWaitLonger() {
    var state = ContainerRecord()
    var delays: [TimeInterval] = []
    for _ in 0..<8 {
      state.ended(exit(1))
      delays.append(state.backOff.delay)
    }
    #expect(delays == [0, 10, 20, 40, 80, 160, 300, 300])
    // Ten minutes of good work forgive everything.
    state.ended(.init(id: nil, exitCode: 1, reason: "", startedAt: now, finishedAt: now.addingTimeInterval(600)))
    #expect(state.backOff.delay == 0)
  }

  @Test func aCrashedContainerWaitsForItsTurn() {
    var record = record()
    record["a"].ended(exit(1))
    #expect(PodPlan.decide(pod: pod(), record: record, now: now).actions == [.start(container: "a")])
    record["a"].restarting()
    record["a"].ended(exit(1))
    let plan = PodPlan.decide(pod: pod(), record: record, now: now.addingTimeInterval(9))
    #expect(plan.actions.isEmpty)
    #expect(plan.wakeAt == now.addingTimeInterval(10))
    #expect(
      PodPlan.decide(pod: pod(), record: record, now: now.addingTimeInterval(10)).actions == [.start(container: "a")])
  }

  @Test(arguments: [
    ("Always", 0, true), ("Always", 1, true), ("OnFailure", 0, false), ("OnFailure", 1, true), ("Never", 1, false),
  ])
  func restartPolicyDecidesAboutTheNextRun(policy: String, code: Int, restarts: Bool) {
    var record = record()
    record["a"].ended(exit(code))
    let actions = PodPlan.decide(pod: pod(restartPolicy: policy), record: record, now: now).actions
    #expect(actions.contains(.start(container: "a")) == restarts)
  }

  @Test func anUnhealthyContainerIsStoppedOnce() {
    var record = record(["a": running()])
    record["a"].unhealthy = "liveness"
    #expect(
      PodPlan.decide(pod: pod(), record: record, now: now).actions
        == [.stop(container: "a", graceSeconds: 7, message: "liveness")])
    record["a"].isStopping = true
    #expect(PodPlan.decide(pod: pod(), record: record, now: now).actions.isEmpty)
  }

  @Test func aDeletedPodStopsTearsDownAndGoes() {
    var pod = pod()
    pod.metadata.deletionTimestamp = Timestamp(secondsSinceEpoch: 1)
    pod.metadata.deletionGracePeriodSeconds = 3
    var record = record(["a": running()])
    #expect(
      PodPlan.decide(pod: pod, record: record, now: now).actions
        == [.stop(container: "a", graceSeconds: 3, message: "Stopping container a")])
    record["a"].ended(exit(0))
    #expect(PodPlan.decide(pod: pod, record: record, now: now).actions == [.tearDown])
    record.surroundings = .removed
    #expect(PodPlan.decide(pod: pod, record: record, now: now).actions == [.removeObject])
  }

  @Test func aPodDeletedWhileItStartsIsStoppedAsSoonAsItRuns() {
    var pod = pod()
    pod.metadata.deletionTimestamp = Timestamp(secondsSinceEpoch: 1)
    #expect(PodPlan.decide(pod: pod, record: record(["a": .starting]), now: now).actions.isEmpty)
    let running = PodPlan.decide(pod: pod, record: record(["a": running()]), now: now).actions
    #expect(running == [.stop(container: "a", graceSeconds: 7, message: "Stopping container a")])
  }

  @Test func sidecarsEndAfterTheOthers() {
    var sidecar = Container(name: "s")
    sidecar.restartPolicy = "Always"
    var pod = pod(initContainers: [sidecar])
    pod.metadata.deletionTimestamp = Timestamp(secondsSinceEpoch: 1)
    var record = record(["a": running(), "s": running()])
    #expect(
      PodPlan.decide(pod: pod, record: record, now: now).actions
        == [.stop(container: "a", graceSeconds: 7, message: "Stopping container a")])
    record["a"].ended(exit(0))
    #expect(
      PodPlan.decide(pod: pod, record: record, now: now).actions
        == [.stop(container: "s", graceSeconds: 7, message: "Stopping container s")])
  }

  @Test func aPodWithoutObjectGetsNoTime() {
    let plan = PodPlan.decide(pod: pod(), record: record(["a": running()]), isGone: true, now: now)
    #expect(plan.actions == [.stop(container: "a", graceSeconds: 0, message: "Stopping container a")])
  }

  @Test func aFinishedPodGivesBackWhatItHolds() {
    var record = record()
    record["a"].ended(exit(0))
    let pod = pod(restartPolicy: "Never")
    #expect(PodPhase.of(pod, record) == .succeeded)
    #expect(PodPlan.decide(pod: pod, record: record, now: now).actions == [.tearDown])
    record.surroundings = .removed
    #expect(PodPlan.decide(pod: pod, record: record, now: now).actions.isEmpty)
  }

  // MARK: Status

  func status(_ pod: Pod, _ record: PodRecord, at time: Date? = nil) -> PodStatus {
    PodStatusReport(pod: pod, record: record, before: pod.status, hostAddress: "10.244.0.1", now: time ?? now).status()
  }

  @Test func betweenTwoRunsTheStatusSaysCrashLoopBackOff() {
    var record = record()
    record["a"].ended(exit(1))
    record["a"].restarting()
    record["a"].ended(exit(2))
    let container = status(pod(), record).containerStatuses?.first
    #expect(container?.state?.waiting?.reason == "CrashLoopBackOff")
    #expect(container?.state?.waiting?.message?.hasPrefix("back-off 10s restarting failed container=a") == true)
    #expect(container?.lastState?.terminated?.exitCode == 2)
    #expect(container?.restartCount == 1)
    #expect(status(pod(), record).phase == "Running")
  }

  @Test func readinessNeedsTheProbeWhereThereIsOne() {
    var container = Container(name: "a")
    container.readinessProbe = Probe()
    let pod = pod(containers: [container])
    var record = record(["a": running()])
    record["a"].isStarted = true
    #expect(status(pod, record).conditions?.first { $0.type == "Ready" }?.status == "False")
    record["a"].isReady = true
    #expect(status(pod, record).conditions?.first { $0.type == "Ready" }?.status == "True")
    record["a"].isStopping = true
    #expect(status(pod, record).conditions?.first { $0.type == "Ready" }?.status == "False")
  }

  @Test func aConditionKeepsItsTimeWhileItStaysTheSame() {
    var pod = pod()
    var record = record(["a": running()])
    record["a"].isStarted = true
    pod.status = status(pod, record)
    let later = status(pod, record, at: now.addingTimeInterval(100))
    #expect(later == pod.status)
    record["a"].isStopping = true
    let changed = status(pod, record, at: now.addingTimeInterval(100)).conditions?.first { $0.type == "Ready" }
    #expect(changed?.lastTransitionTime == Timestamp(now.addingTimeInterval(100)))
  }

  @Test func conditionsOfOthersStay() {
    var pod = pod()
    pod.status = PodStatus(conditions: [PodCondition(status: "True", type: "example.com/gate")])
    pod.spec?.readinessGates = [PodReadinessGate(conditionType: "example.com/other")]
    var record = record(["a": running()])
    record["a"].isStarted = true
    let conditions = status(pod, record).conditions ?? []
    #expect(conditions.contains { $0.type == "example.com/gate" && $0.status == "True" })
    #expect(conditions.first { $0.type == "Ready" }?.reason == "ReadinessGatesNotReady")
    #expect(conditions.first { $0.type == "ContainersReady" }?.status == "True")
  }
}
