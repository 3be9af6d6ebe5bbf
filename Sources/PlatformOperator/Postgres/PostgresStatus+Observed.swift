import KubernetesModels
import RTXPlatformAPI

/// What the members, the lease and the StatefulSet say, as status and condition.
struct PostgresObservation {
  var platform: RTXPlatform
  var statefulSet: StatefulSet?
  var pods: [Pod]
  var leader: PatroniLeader?
  var synchronous: PatroniSynchronousState

  private var wanted: Int { platform.spec.postgres.instances }
  private var members: [PatroniMember] { pods.map(PatroniMember.init).sorted { $0.name < $1.name } }

  /// The member that holds the lease and that the `-rw` Service leads to.
  var primary: PatroniMember? {
    members.first { $0.name == leader?.holder && $0.role == "primary" && $0.isReady }
  }

  var status: PostgresStatus {
    let ready = members.count { $0.isReady }
    return PostgresStatus(
      members: members.map { member in
        PostgresMemberStatus(
          name: member.name, ready: member.isReady, role: member.role, state: member.state, timeline: member.timeline)
      },
      primary: primary?.name,
      ready: "\(ready)/\(wanted)",
      readyInstances: ready,
      synchronousStandbys: platform.spec.postgres.synchronous ? synchronous.standbys : nil,
      timeline: primary?.timeline)
  }

  var condition: ComponentCondition {
    guard let primary else {
      // Without any ready member there never was a primary to lose.
      let reason: ConditionReason = members.contains { $0.isReady } ? .noPrimary : .progressing
      return .progressing(
        reason,
        PodState.trouble(in: pods) ?? "no member takes writes yet; the first primary, or the next one, is on its way")
    }
    let ready = members.count { $0.isReady }
    guard ready >= wanted else {
      return .progressing(
        .degraded,
        "\(primary.name) takes writes; \(ready) of \(wanted) members are ready"
          + (PodState.trouble(in: pods).map { "; \($0)" } ?? ""))
    }
    let silent = members.filter { $0.name != primary.name && !$0.isStreaming }.map(\.name)
    guard silent.isEmpty else {
      return .progressing(.notReplicating, "\(silent.joined(separator: ", ")) does not stream from \(primary.name) yet")
    }
    if platform.spec.postgres.synchronous, synchronous.standbys.isEmpty {
      return .progressing(.notReplicating, "no synchronous replica is named yet; a failover now could lose commits")
    }
    let restart = members.filter(\.needsRestart).map(\.name)
    let note =
      restart.isEmpty
      ? "" : "; changed parameters take effect when these restart: \(restart.joined(separator: ", "))"
    return .available("\(primary.name) takes writes, \(wanted - 1) of \(wanted - 1) replicas stream\(note)")
  }
}
