import KubernetesModels
import OperatorRuntime
import Testing

@testable import PlatformOperator
@testable import RTXPlatformAPI

struct PlatformStatusTests {
  private let now = Timestamp(secondsSinceEpoch: 1_790_000_100)

  private func status(
    _ platform: RTXPlatform, _ changed: [PlatformComponent: ComponentCondition] = [:]
  ) -> RTXPlatformStatus {
    var conditions = Dictionary(
      uniqueKeysWithValues: PlatformComponent.allCases.map { ($0, ComponentCondition.available("well")) })
    conditions.merge(changed) { $1 }
    return PlatformStatusBuilder(platform: platform, now: now)
      .status(conditions, filled: platform.status ?? RTXPlatformStatus())
  }

  private func condition(_ status: RTXPlatformStatus, _ type: ConditionType) throws -> Condition {
    try #require(status.conditions?.first { $0.type == type.rawValue })
  }

  @Test func everythingWellIsReady() throws {
    let status = status(SamplePlatforms.plain())
    #expect(status.phase == "Ready" && status.observedGeneration == 1)
    #expect(try condition(status, .ready).status == "True")
    #expect(try condition(status, .reconciling).status == "False")
    #expect(try condition(status, .stalled).status == "False")
    #expect(status.conditions?.count == 10)
  }

  @Test func aComponentOnItsWayIsReconciling() throws {
    let status = status(SamplePlatforms.plain(), [.postgres: .progressing(.noPrimary, "nobody leads")])
    #expect(status.phase == "Progressing")
    #expect(try condition(status, .ready).message == "postgres: nobody leads")
    #expect(try condition(status, .ready).reason == "NoPrimary")
    #expect(try condition(status, .reconciling).status == "True")
    #expect(try condition(status, .postgresReady).status == "False")
    #expect(try condition(status, .redisReady).status == "True")
  }

  @Test func whatNeedsTheUserIsToldFirst() throws {
    let status = status(
      SamplePlatforms.plain(),
      [.network: .progressing(.retrying, "later"), .redis: .stalled(.nameConflict, "taken")])
    #expect(status.phase == "Stalled")
    #expect(try condition(status, .ready).message == "redis: taken")
    #expect(try condition(status, .stalled).status == "True")
    #expect(try condition(status, .reconciling).status == "False")
  }

  @Test func aFailedDumpDegradesButDoesNotStopTrading() throws {
    let status = status(SamplePlatforms.plain(), [.backup: .progressing(.dumpFailed, "see the logs")])
    #expect(status.phase == "Degraded")
    #expect(try condition(status, .ready).status == "True")
    #expect(try condition(status, .backupReady).status == "False")
  }

  @Test func timesMoveOnlyWhenAStatusDoes() throws {
    var platform = SamplePlatforms.plain()
    platform.status = status(platform)
    let later = PlatformStatusBuilder(platform: platform, now: Timestamp(secondsSinceEpoch: 1_790_000_200))
    let conditions = Dictionary(
      uniqueKeysWithValues: PlatformComponent.allCases.map { ($0, ComponentCondition.available("well")) })
    #expect(later.status(conditions, filled: platform.status ?? .init()) == platform.status)
    var broken = conditions
    broken[.redis] = .progressing(.progressing, "gone")
    let changed = later.status(broken, filled: platform.status ?? .init())
    #expect(try condition(changed, .redisReady).lastTransitionTime.secondsSinceEpoch == 1_790_000_200)
    #expect(try condition(changed, .postgresReady).lastTransitionTime == now)
  }

  @Test func anEventIsWorthAChangeOfStatusOnly() {
    let platform = SamplePlatforms.plain()
    let well = status(platform)
    let broken = status(platform, [.redis: .progressing(.progressing, "gone")])
    #expect(ConditionEvents.between(well, well).isEmpty)
    #expect(ConditionEvents.between(nil, broken).allSatisfy { $0.type == .normal })
    let events = ConditionEvents.between(well, broken)
    #expect(events.map(\.reason) == ["Progressing", "Progressing"])
    #expect(events.allSatisfy { $0.type == .warning })
  }

  // MARK: PostgreSQL

  private func member(_ name: String, _ role: String, _ state: String, ready: Bool = true) -> Pod {
    Pod(
      metadata: ObjectMeta(
        annotations: ["status": #"{"state":"running","replication_state":"\#(state)","timeline":3}"#],
        labels: ["role": role], name: name),
      status: PodStatus(conditions: [PodCondition(status: ready ? "True" : "False", type: "Ready")]))
  }

  private func postgres(_ pods: [Pod], leader: String?, standby: String = "pg-1") -> PostgresObservation {
    let record = ConfigMap(metadata: ObjectMeta(annotations: ["leader": leader ?? ""]))
    let sync = ConfigMap(metadata: ObjectMeta(annotations: ["leader": "pg-0", "sync_standby": standby]))
    return PostgresObservation(
      platform: SamplePlatforms.plain(), pods: pods, leader: PatroniLeader(record),
      synchronous: PatroniSynchronousState(sync))
  }

  @Test func postgresIsReadyWhenAllStreamAndOneIsSynchronous() {
    let pods = [
      member("pg-0", "primary", "running"), member("pg-1", "replica", "streaming"),
      member("pg-2", "replica", "streaming"),
    ]
    let well = postgres(pods, leader: "pg-0")
    #expect(well.condition.state == .available)
    #expect(well.status.primary == "pg-0" && well.status.timeline == 3 && well.status.ready == "3/3")
    #expect(postgres(pods, leader: "pg-0", standby: "").condition.reason == .notReplicating)
    #expect(postgres(pods, leader: nil).condition.reason == .noPrimary)
    #expect(postgres(Array(pods.prefix(2)), leader: "pg-0").condition.reason == .degraded)
    #expect(postgres([], leader: nil).condition.reason == .progressing)
  }

  @Test func settingsInPatronisStoreKeepWhatOthersAdded() {
    let present: JSONValue = ["ttl": 30, "pause": true, "postgresql": ["parameters": ["work_mem": "1MB"]]]
    let desired: JSONValue = ["ttl": 20, "postgresql": ["parameters": ["max_connections": "200"]]]
    #expect(
      DynamicSettings.merged(desired, into: present) == [
        "ttl": 20, "pause": true, "postgresql": ["parameters": ["max_connections": "200"]],
      ])
  }
}
