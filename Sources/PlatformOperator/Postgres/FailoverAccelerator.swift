import KubernetesModels

/// Whether the primary's lease may be released before it ends by itself.
///
/// Patroni alone waits for the lease's ttl, because from inside the cluster a silent primary may still be writing. The
/// kubelet knows better: a container that it reports as terminated has no process left. Only that is taken as proof; a
/// missing pod, a node that went silent or a failed probe are not, and are left to Patroni's clock.
enum FailoverAccelerator {
  /// The container that PostgreSQL and Patroni run in.
  static let container = "postgres"

  struct Observation {
    var leader: PatroniLeader
    var synchronous: PatroniSynchronousState
    var isSynchronousMode: Bool
    var pods: [Pod]
  }

  enum Decision: Equatable {
    case nothing
    /// Set the lease's holder empty, if it still has this resource version.
    case release(holder: String, resourceVersion: String)
  }

  static func decide(_ observation: Observation) -> Decision {
    guard let holder = observation.leader.holder, let version = observation.leader.resourceVersion,
      let renewed = observation.leader.renewed,
      let pod = observation.pods.first(where: { $0.metadata.name == holder }),
      let dead = death(of: pod), wasLastRenewed(renewed, by: dead),
      hasHeir(observation, besides: holder)
    else { return .nothing }
    return .release(holder: holder, resourceVersion: version)
  }

  /// When the process that held the lease was gone at the latest.
  private struct Death {
    /// Whole seconds, rounded down by the kubelet.
    var time: Timestamp
  }

  private static func death(of pod: Pod) -> Death? {
    guard let status = pod.status?.containerStatuses?.first(where: { $0.name == container }) else { return nil }
    if let finished = status.state?.terminated?.finishedAt { return Death(time: finished) }
    // Restarted, or waiting to be: the process before it is as dead.
    guard let finished = status.lastState?.terminated?.finishedAt else { return nil }
    if let started = status.state?.running?.startedAt { return Death(time: max(started, finished)) }
    return status.state?.waiting == nil ? nil : Death(time: finished)
  }

  /// A lease renewed after the death belongs to the process that came next. Renewals have microseconds and deaths whole
  /// seconds, hence the second between; a new Patroni takes longer than that to its first renewal.
  private static func wasLastRenewed(_ renewed: MicroTime, by death: Death) -> Bool {
    renewed.timestamp <= death.time
  }

  /// Whether somebody can take over. With synchronous replication only a member that has every commit may.
  private static func hasHeir(_ observation: Observation, besides holder: String) -> Bool {
    observation.pods.contains { pod in
      let member = PatroniMember(pod)
      guard member.name != holder, member.isReady, member.role == "replica" else { return false }
      return !observation.isSynchronousMode || observation.synchronous.standbys.contains(member.name)
    }
  }
}
