public import CoreMetrics
public import KubernetesClient
import KubernetesModels
public import Logging
import Synchronization

/// Another candidate may lead now; the work was cancelled before that could happen.
public struct LeadershipLost: Error, CustomStringConvertible {
  public var lease: ObjectKey
  public var description: String {
    "could not renew lease \(lease) in time and stopped working; restart to become a candidate again"
  }
}

/// Runs work on one of several replicas at a time, by a `coordination.k8s.io/v1` Lease.
///
/// The work is cancelled when the lease could not be renewed for `renewDeadline`, which ends before anybody else may take
/// the lease. Work that sends its requests through `fenced(_:)` cannot change anything after that moment, even before it
/// notices: given clocks of about equal speed, never two at once.
public final class LeaderElector: Sendable {
  public let lease: ObjectKey
  public let identity: String

  private let client: KubernetesClient
  private let timing: LeaderElectionTiming
  private let time: TimeSource
  private let logger: Logger
  private let state: Mutex<LeaderElectionState>
  private let leading = Mutex(false)
  private let metrics: LeaderElectionMetrics

  /// - Parameter identity: Must differ between candidates, also between two runs of one; e.g. `<pod>_<random>`.
  public init(
    client: KubernetesClient, lease: ObjectKey, identity: String,
    timing: LeaderElectionTiming = LeaderElectionTiming(), logger: Logger = Logger(label: "leader"),
    metrics: any MetricsFactory = MetricsSystem.factory, clock: any Clock<Duration> = ContinuousClock()
  ) {
    self.metrics = LeaderElectionMetrics(lease: lease, factory: metrics)
    self.client = client
    self.lease = lease
    self.identity = identity
    self.timing = timing
    self.logger = logger
    time = TimeSource(clock)
    state = Mutex(LeaderElectionState(identity: identity, timing: timing))
  }

  /// Whether the work may run now.
  public var isLeader: Bool {
    leading.withLock { $0 } && state.withLock { $0.mayAct(at: time.now) }
  }

  /// A client whose requests, other than reads, are sent only while this candidate leads; they throw `NotLeading` else.
  public func fenced(_ client: KubernetesClient) -> KubernetesClient {
    client.over(
      FencedTransport(base: client.transport, lease: lease, isLeader: { [weak self] in self?.isLeader ?? false }))
  }

  /// Who holds the lease, as last seen.
  public var holder: String? { state.withLock { $0.holder } }

  /// Waits to become the leader, runs `work`, and gives the lease up when it ends or the task is cancelled.
  /// - Throws: `LeadershipLost`, `CancellationError`, or what the work throws.
  public func run(_ work: @escaping @Sendable () async throws -> Void) async throws {
    // A process that was paused between the lease and here may have lost it already.
    while !(await tryOnce() && state.withLock { $0.mayAct(at: time.now) }) {
      try await time.sleep(for: timing.retry * Double.random(in: 1...1.2))
    }
    logger.info("became leader", metadata: ["lease": "\(lease)", "identity": "\(identity)"])
    setLeading(true)
    let result: Result<Void, any Error>
    do {
      try await lead(work)
      result = .success(())
    } catch {
      result = .failure(error)
    }
    setLeading(false)
    // The work has ended. A task of its own, because this one may be cancelled already.
    await Task { await release() }.value
    try result.get()
  }

  private func setLeading(_ leads: Bool) {
    leading.withLock { $0 = leads }
    metrics.record(leads: leads)
  }

  private func lead(_ work: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        try await work()
        return true
      }
      group.addTask { [self] in
        try await renewUntilLost()
        return false
      }
      // Leaving the group waits for the other task: nothing of the work outlives the leadership.
      defer { group.cancelAll() }
      if try await group.next() == false { throw LeadershipLost(lease: lease) }
    }
  }

  /// Returns when the lease is lost.
  private func renewUntilLost() async throws {
    while let deadline = state.withLock({ $0.leadsUntil }) {
      try await time.sleep(for: min(timing.retry, deadline - time.now))
      let left = deadline - time.now
      guard left > .zero else { return }
      let renewed = (try? await withDeadline(left, time: time) { [self] in await tryOnce() }) ?? false
      try Task.checkCancellation()
      if !renewed, state.withLock({ $0.decide(at: time.now) == .wait }) {
        logger.error("another candidate took the lease", metadata: ["lease": "\(lease)", "holder": "\(holder ?? "")"])
        return
      }
    }
  }

  /// One round of reading and, if it is ours to take, writing the lease.
  private func tryOnce() async -> Bool {
    let began = time.now
    do {
      guard let current = try await client.getIfPresent(Lease.self, lease.name, in: lease.namespace) else {
        let spec = state.withLock { $0.claim(over: nil, now: .now) }
        let created = try await client.create(
          Lease(metadata: ObjectMeta(name: lease.name, namespace: lease.namespace), spec: spec))
        return won(created, began)
      }
      let claim: LeaseSpec? = state.withLock { state in
        state.observe(current, at: time.now)
        return state.decide(at: time.now) == .wait ? nil : state.claim(over: current.spec, now: .now)
      }
      guard let claim else { return false }
      var wanted = current
      wanted.spec = claim
      // The resource version in the metadata makes the server refuse if somebody else wrote meanwhile.
      return won(try await client.replace(wanted), began)
    } catch {
      let lostRace = (error as? KubernetesError).map { $0.isConflict || $0.isAlreadyExists } ?? false
      logger.log(
        level: lostRace ? .debug : .warning, "lease not written",
        metadata: ["lease": "\(lease)", "error": "\(error)"])
      return false
    }
  }

  private func won(_ lease: Lease, _ began: Duration) -> Bool {
    state.withLock { state in
      state.observe(lease, at: time.now)
      state.renewed(beganAt: began)
    }
    return true
  }

  private func release() async {
    state.withLock { $0.stepDown() }
    guard holder == identity else { return }
    do {
      try await withDeadline(timing.renewDeadline, time: time) { [self] in
        guard var current = try await client.getIfPresent(Lease.self, lease.name, in: lease.namespace),
          let spec = current.spec, spec.holderIdentity == identity
        else { return }
        current.spec = LeaderElectionState.release(of: spec, now: .now)
        _ = try await client.replace(current)
      }
      logger.info("gave up the lease", metadata: ["lease": "\(lease)"])
    } catch {
      logger.warning("lease not given up, others wait until it expires", metadata: ["error": "\(error)"])
    }
  }
}
