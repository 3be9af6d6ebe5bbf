import KubernetesModels
import Testing

@testable import PlatformOperator
@testable import RTXPlatformAPI

/// The lease of a dead primary is released; that of one that may be alive never is.
struct FailoverAcceleratorTests {
  private static let noon: Int64 = 1_790_000_000

  private func at(_ second: Int64) -> Timestamp { Timestamp(secondsSinceEpoch: Self.noon + second) }

  private func leader(_ holder: String? = "pg-0", renewed second: Double) -> PatroniLeader {
    let time = MicroTime(microsecondsSinceEpoch: Self.noon * 1_000_000 + Int64(second * 1_000_000))
    return PatroniLeader(
      ConfigMap(
        metadata: ObjectMeta(
          annotations: ["leader": holder ?? "", "renewTime": "\(time)"], name: "pg-leader", resourceVersion: "7")))
  }

  private func pod(_ name: String, _ role: String, _ state: ContainerStatus, ready: Bool = true) -> Pod {
    Pod(
      metadata: ObjectMeta(labels: ["role": role], name: name),
      status: PodStatus(
        conditions: [PodCondition(status: ready ? "True" : "False", type: "Ready")], containerStatuses: [state]))
  }

  private func container(
    running: Int64? = nil, terminated: Int64? = nil, waiting: Bool = false, last: Int64? = nil
  ) -> ContainerStatus {
    func ended(_ second: Int64) -> ContainerStateTerminated {
      ContainerStateTerminated(exitCode: 137, finishedAt: at(second))
    }
    return ContainerStatus(
      image: "", imageID: "", lastState: last.map { ContainerState(terminated: ended($0)) }, name: "postgres",
      ready: running != nil, restartCount: 0,
      state: ContainerState(
        running: running.map { ContainerStateRunning(startedAt: at($0)) }, terminated: terminated.map(ended),
        waiting: waiting ? ContainerStateWaiting(reason: "CrashLoopBackOff") : nil))
  }

  private func decide(
    _ leader: PatroniLeader, primary: ContainerStatus?, replicaReady: Bool = true, standby: String = "pg-1",
    synchronous: Bool = true
  ) -> FailoverAccelerator.Decision {
    var pods = [pod("pg-1", "replica", container(running: -100), ready: replicaReady)]
    if let primary { pods.append(pod("pg-0", "primary", primary, ready: false)) }
    let sync = ConfigMap(metadata: ObjectMeta(annotations: ["leader": "pg-0", "sync_standby": standby]))
    return FailoverAccelerator.decide(
      FailoverAccelerator.Observation(
        leader: leader, synchronous: PatroniSynchronousState(sync), isSynchronousMode: synchronous, pods: pods))
  }

  private let release = FailoverAccelerator.Decision.release(holder: "pg-0", resourceVersion: "7")

  @Test func aTerminatedContainerIsProof() {
    #expect(decide(leader(renewed: 4.9), primary: container(terminated: 5)) == release)
    #expect(decide(leader(renewed: 5.4), primary: container(terminated: 5)) == release)
  }

  @Test func aRestartedOrWaitingContainerProvesTheOneBeforeIt() {
    #expect(decide(leader(renewed: 4.9), primary: container(running: 6, last: 5)) == release)
    #expect(decide(leader(renewed: 4.9), primary: container(waiting: true, last: 5)) == release)
  }

  @Test func aLeaseThatTheNextProcessRenewedIsLeftAlone() {
    #expect(decide(leader(renewed: 8.1), primary: container(running: 6, last: 5)) == .nothing)
    #expect(decide(leader(renewed: 6.2), primary: container(terminated: 5)) == .nothing)
  }

  @Test func aSilentPrimaryIsNotADeadOne() {
    #expect(decide(leader(renewed: -60), primary: container(running: -100)) == .nothing)
    #expect(decide(leader(renewed: -60), primary: nil) == .nothing)
    #expect(decide(leader(renewed: -60), primary: container(waiting: true)) == .nothing)
  }

  @Test func withoutAnHeirNothingIsGained() {
    let dead = container(terminated: 5)
    #expect(decide(leader(renewed: 4.9), primary: dead, replicaReady: false) == .nothing)
    #expect(decide(leader(renewed: 4.9), primary: dead, standby: "pg-2") == .nothing)
    #expect(decide(leader(renewed: 4.9), primary: dead, standby: "", synchronous: false) == release)
  }

  @Test func aReleasedLeaseIsNotReleasedAgain() {
    #expect(decide(leader(nil, renewed: 4.9), primary: container(terminated: 5)) == .nothing)
  }
}
