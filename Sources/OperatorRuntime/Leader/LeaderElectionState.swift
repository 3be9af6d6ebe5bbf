import KubernetesModels

/// Times of a leader election.
public struct LeaderElectionTiming: Sendable {
  /// How long others wait after a lease's last change that they saw before they take it.
  public var lease: Duration
  /// A leader that could not renew for this long stops leading. Shorter than `lease`: it stops before others start.
  public var renewDeadline: Duration
  /// The pause between two tries.
  public var retry: Duration

  /// client-go's defaults.
  public init(
    lease: Duration = .seconds(15), renewDeadline: Duration = .seconds(10), retry: Duration = .seconds(2)
  ) {
    self.lease = lease
    self.renewDeadline = renewDeadline
    self.retry = retry
  }
}

/// One candidate's view of the lease, as a value. Time is this candidate's own monotonic clock.
///
/// Clocks of machines differ, so the times inside the lease are never compared with ours: a lease is taken when it has
/// not changed for its whole duration on our own monotonic clock (the rule of client-go's leaderelection). For the same
/// reason a leader counts its own time from before the request that renewed the lease, not from its answer.
///
/// Two never may act at once as long as no clock runs faster than another by `lease / renewDeadline`, half as fast again
/// with the defaults; how far they are apart does not matter, nor where a process is paused.
struct LeaderElectionState: Sendable {
  enum Decision: Equatable, Sendable {
    /// Nobody holds it, or its holder stopped renewing.
    case acquire
    case renew
    /// Somebody else holds it.
    case wait
  }

  let identity: String
  let timing: LeaderElectionTiming
  private(set) var holder: String?
  private var observedVersion: String?
  private var observedSpec: LeaseSpec?
  private var observedAt: Duration = .zero
  /// When the last renewal that succeeded was begun.
  private(set) var renewedAt: Duration?

  init(identity: String, timing: LeaderElectionTiming) {
    self.identity = identity
    self.timing = timing
  }

  mutating func observe(_ lease: Lease, at now: Duration) {
    // Labels and annotations change the version but say nothing about the holder's health.
    if observedVersion == nil || observedSpec != lease.spec {
      observedAt = now
      observedSpec = lease.spec
    }
    observedVersion = lease.metadata.resourceVersion
    let name = lease.spec?.holderIdentity ?? ""
    holder = name.isEmpty ? nil : name
    if holder != identity { renewedAt = nil }
  }

  func decide(at now: Duration) -> Decision {
    guard let holder else { return .acquire }
    if holder == identity { return .renew }
    let duration = observedSpec?.leaseDurationSeconds.map { Duration.seconds(Int64($0)) } ?? timing.lease
    return now - observedAt >= duration ? .acquire : .wait
  }

  mutating func renewed(beganAt began: Duration) {
    renewedAt = began
  }

  /// Nothing may be done any more on the strength of what was renewed before.
  mutating func stepDown() {
    renewedAt = nil
  }

  /// Until when this candidate may act as the leader.
  var leadsUntil: Duration? { renewedAt.map { $0 + timing.renewDeadline } }

  /// Whether this candidate may act as the leader at this moment.
  func mayAct(at now: Duration) -> Bool { leadsUntil.map { now < $0 } ?? false }

  /// The lease to write to become or stay the holder.
  func claim(over previous: LeaseSpec?, now: MicroTime) -> LeaseSpec {
    let isRenewal = previous?.holderIdentity == identity
    var spec = previous ?? LeaseSpec()
    spec.holderIdentity = identity
    spec.leaseDurationSeconds = .init(timing.lease.components.seconds)
    spec.renewTime = now
    if !isRenewal || spec.acquireTime == nil {
      spec.acquireTime = now
      spec.leaseTransitions = previous == nil ? 0 : (previous?.leaseTransitions ?? 0) + 1
    }
    return spec
  }

  /// The lease to write when giving it up: nobody's, and for one second only, so that others take it at once.
  static func release(of spec: LeaseSpec, now: MicroTime) -> LeaseSpec {
    LeaseSpec(
      acquireTime: now, holderIdentity: "", leaseDurationSeconds: 1, leaseTransitions: spec.leaseTransitions,
      renewTime: now)
  }
}
