import KubernetesClient
import KubernetesModels
import Logging
import Synchronization
import OperatorTestKit
import PrometheusMetrics
import Testing

@testable import OperatorRuntime

@Suite(.serialized) struct LeaderElectorTests {
  /// Who leads, and whether two ever did.
  final class Stage: Sendable {
    private let state = Mutex((present: Set<String>(), most: 0, entries: [(name: String, at: Duration)]()))
    func enter(_ name: String, at time: Duration) {
      state.withLock { state in
        state.present.insert(name)
        state.most = max(state.most, state.present.count)
        state.entries.append((name, time))
      }
    }
    func leave(_ name: String) { state.withLock { state in _ = state.present.remove(name) } }
    var present: Set<String> { state.withLock { $0.present } }
    var mostAtOnce: Int { state.withLock { $0.most } }
    var entries: [(name: String, at: Duration)] { state.withLock { $0.entries } }
  }

  struct Candidate {
    let cable: Cable
    let task: Task<Void, any Error>
  }

  let clock = TestClock(quietTime: .milliseconds(30))
  let server = FakeServer()
  let stage = Stage()
  let lease = ObjectKey(namespace: "ns", name: "operator")

  func candidate(_ name: String) -> Candidate {
    let cable = Cable(server: server)
    var quiet = Logger(label: name)
    quiet.logLevel = .critical
    let elector = LeaderElector(
      client: KubernetesClient(transport: cable), lease: lease, identity: name, logger: quiet, clock: clock)
    let (clock, stage) = (clock, stage)
    return Candidate(
      cable: cable,
      task: Task {
        try await elector.run {
          stage.enter(name, at: clock.now.offset)
          defer { stage.leave(name) }
          try await clock.sleep(until: clock.now.advanced(by: .seconds(1_000_000)), tolerance: nil)
        }
      })
  }

  func advance(upTo limit: Duration, until condition: () -> Bool) async -> Bool {
    let end = clock.now.advanced(by: limit)
    while clock.now < end {
      if condition() { return true }
      await clock.advance(by: .seconds(1))
    }
    return condition()
  }

  @Test func oneLeadsAndKeepsLeading() async {
    let (a, b) = (candidate("a"), candidate("b"))
    defer { for each in [a, b] { each.task.cancel() } }
    #expect(await advance(upTo: .seconds(10)) { !stage.present.isEmpty })
    await clock.advance(by: .seconds(120))
    #expect(stage.entries.count == 1)
    #expect(stage.mostAtOnce == 1)
  }

  @Test func leaderThatIsCutOffStopsBeforeTheOtherStarts() async throws {
    let a = candidate("a")
    #expect(await advance(upTo: .seconds(10)) { stage.present == ["a"] })
    let b = candidate("b")
    defer { b.task.cancel() }
    await clock.advance(by: .seconds(20))
    #expect(stage.present == ["a"])

    a.cable.plug.cut()
    let cutAt = clock.now.offset
    #expect(await advance(upTo: .seconds(15)) { stage.present.isEmpty })
    let stoppedAt = clock.now.offset
    #expect(stoppedAt - cutAt <= .seconds(11))
    #expect(await advance(upTo: .seconds(30)) { stage.present == ["b"] })
    #expect(stage.mostAtOnce == 1)
    let taken = try #require(stage.entries.last)
    #expect(taken.at > stoppedAt)
    // The lease was renewed at most 2 s before the cut, and is 15 s long.
    #expect(taken.at - cutAt >= .seconds(13))
    await clock.advance(by: .seconds(5))
    await #expect(throws: LeadershipLost.self) { try await a.task.value }
  }

  @Test func gracefulStopHandsOverAtOnce() async throws {
    let a = candidate("a")
    #expect(await advance(upTo: .seconds(10)) { stage.present == ["a"] })
    let b = candidate("b")
    defer { b.task.cancel() }
    await clock.advance(by: .seconds(10))
    let stoppedAt = clock.now.offset
    a.task.cancel()
    #expect(await advance(upTo: .seconds(10)) { stage.present == ["b"] })
    // One retry pause, with its jitter.
    #expect(try #require(stage.entries.last).at - stoppedAt <= .seconds(3))
    #expect(stage.mostAtOnce == 1)
    let transitions = try server.state.withLock { state in
      try state.objects["/apis/coordination.k8s.io/v1/namespaces/ns/leases/operator"]?.decode(Lease.self).spec?
        .leaseTransitions
    }
    #expect(transitions == 1)
  }

  @Test func serverThatComesBackInTimeKeepsTheLeader() async {
    let a = candidate("a")
    defer { a.task.cancel() }
    #expect(await advance(upTo: .seconds(10)) { stage.present == ["a"] })
    server.state.withLock { $0.isUnreachable = true }
    await clock.advance(by: .seconds(6))
    server.state.withLock { $0.isUnreachable = false }
    await clock.advance(by: .seconds(60))
    #expect(stage.entries.count == 1)
    #expect(stage.present == ["a"])
  }

  @Test func otherMachinesClockDoesNotMatter() {
    var state = LeaderElectionState(identity: "b", timing: LeaderElectionTiming())
    // Its times say that it expired years ago; what counts is that it changed just now.
    let lease = Lease(
      metadata: ObjectMeta(resourceVersion: "1"),
      spec: LeaseSpec(
        holderIdentity: "a", leaseDurationSeconds: 15, renewTime: MicroTime("2020-01-01T00:00:00.000000Z")))
    state.observe(lease, at: .seconds(100))
    #expect(state.decide(at: .seconds(114)) == .wait)
    #expect(state.decide(at: .seconds(115)) == .acquire)
    // A new version with the same content is no sign of life.
    var touched = lease
    touched.metadata.resourceVersion = "2"
    state.observe(touched, at: .seconds(110))
    #expect(state.decide(at: .seconds(115)) == .acquire)
  }

  /// The work does not notice its cancellation, and goes on writing: nothing of that reaches the server.
  @Test func workThatGoesOnAfterTheLeaseIsLostCannotWrite() async throws {
    let registry = PrometheusRegistry()
    let cable = Cable(server: server)
    var quiet = Logger(label: "test")
    quiet.logLevel = .critical
    let elector = LeaderElector(
      client: KubernetesClient(transport: cable), lease: lease, identity: "a", logger: quiet, metrics: registry,
      clock: clock)
    // Its own way to the server is fine; only the lease cannot be renewed.
    let fenced = elector.fenced(KubernetesClient(transport: server))
    let stop = Shared(false)
    let task = Task {
      try await elector.run { while !stop.value { await Task.yield() } }
    }
    #expect(await advance(upTo: .seconds(10)) { elector.isLeader })
    _ = try await fenced.create(ConfigMap(metadata: ObjectMeta(name: "while-leading", namespace: "ns")))
    // A leader's stream gets as far as the transport, which carries none here.
    await #expect(throws: KubernetesError.self) { _ = try await fenced.run(["true"], pod: "p", in: "ns") }
    #expect(registry.exposition().contains(#"leader_election_master_status{name="operator"} 1"#))
    cable.plug.cut()
    #expect(await advance(upTo: .seconds(15)) { !elector.isLeader })
    await #expect(throws: NotLeading.self) {
      _ = try await fenced.create(ConfigMap(metadata: ObjectMeta(name: "too-late", namespace: "ns")))
    }
    await #expect(throws: NotLeading.self) { _ = try await fenced.run(["true"], pod: "p", in: "ns") }
    _ = try await fenced.get(ConfigMap.self, "while-leading", in: "ns")
    stop.update { $0 = true }
    cable.plug.mend()
    await #expect(throws: LeadershipLost.self) { try await task.value }
    #expect(registry.exposition().contains(#"leader_election_master_status{name="operator"} 0"#))
  }
}
