import KubernetesModels
import OperatorTestKit
import Testing

@testable import OperatorRuntime

/// Candidates whose clocks are apart and run at different speeds, which are paused at any point, and whose requests are
/// slow, lost or answered too late: at no moment may two of them act.
///
/// Everything is simulated, so that a seed always gives the same run. `PROPERTY_SEED=7` runs one seed alone.
@Suite struct LeaderElectionPropertyTests {
  @Test func twoNeverActAtOnce() async {
    let seeds = PropertySeeds.range(upTo: 1_000)
    let (handovers, problems) = await onThreadOfItsOwn {
      var handovers = 0
      var problems: [String] = []
      for seed in seeds {
        var simulation = LeaderElectionSimulation(seed: seed)
        simulation.run(until: .seconds(150))
        problems += simulation.violations.map { "PROPERTY_SEED=\(seed): \($0)" }
        if simulation.timeLed < .seconds(10) { problems.append("PROPERTY_SEED=\(seed): nobody leads") }
        handovers += simulation.server.spec?.leaseTransitions.map { Int($0) } ?? 0
      }
      return (handovers, problems)
    }
    #expect(problems == [])
    // Else nothing was tested.
    if seeds.count > 1 { #expect(handovers > seeds.count) }
  }

  /// The simulation finds what it is there for: with a lease that is shorter than the leader's own time, two act at once.
  @Test func simulationNoticesARuleThatIsWrong() {
    let found = (0..<100).contains { seed in
      var simulation = LeaderElectionSimulation(
        seed: UInt64(seed),
        timing: LeaderElectionTiming(lease: .seconds(8), renewDeadline: .seconds(10), retry: .seconds(2)))
      simulation.run(until: .seconds(600))
      return !simulation.violations.isEmpty
    }
    #expect(found)
  }
}

struct LeaderElectionSimulation {
  struct Server {
    var spec: LeaseSpec?
    var version = 0

    func lease() -> Lease? {
      spec.map { Lease(metadata: ObjectMeta(resourceVersion: "\(version)"), spec: $0) }
    }
  }

  /// Where a candidate is in its round: each step is a point at which it may be paused for long.
  enum Step {
    case begin
    case readArrives
    case readAnswered(Lease?)
    case writeArrives(claim: LeaseSpec, over: Int)
    case writeAnswered(Lease?)
  }

  struct Candidate {
    var state: LeaderElectionState
    var clockOffset: Duration
    var clockRate: Double
    var began = Duration.zero
    var next: (at: Duration, step: Step)
    var incarnation = 0

    func local(_ now: Duration) -> Duration { clockOffset + now * clockRate }
  }

  private var random: SeededGenerator
  private let timing: LeaderElectionTiming
  private(set) var server = Server()
  private var candidates: [Candidate] = []
  private(set) var violations: [String] = []
  private(set) var timeLed = Duration.zero

  init(seed: UInt64, timing: LeaderElectionTiming = LeaderElectionTiming()) {
    random = SeededGenerator(seed: seed)
    self.timing = timing
    for number in 0..<3 {
      candidates.append(
        Candidate(
          state: LeaderElectionState(identity: "c\(number)", timing: timing),
          clockOffset: .seconds(Int.random(in: -1_000_000...1_000_000, using: &random)),
          clockRate: Double.random(in: 0.9...1.1, using: &random),
          next: (.milliseconds(Int.random(in: 0..<3000, using: &random)), .begin)))
    }
  }

  mutating func run(until end: Duration) {
    var last = Duration.zero
    while let index = candidates.indices.min(by: { candidates[$0].next.at < candidates[$1].next.at }) {
      let (now, step) = candidates[index].next
      guard now < end else { return }
      // Between two steps nothing changes but clocks, and those only end leaderships: looking here is looking always.
      check(at: now, since: last)
      last = now
      perform(step, index, now)
      check(at: now, since: now)
    }
  }

  private mutating func check(at now: Duration, since last: Duration) {
    var acting = 0
    for candidate in candidates where candidate.state.mayAct(at: candidate.local(now)) { acting += 1 }
    if acting > 1 { violations.append("\(acting) at \(now)") }
    if acting > 0 { timeLed += now - last }
  }

  private mutating func perform(_ step: Step, _ index: Int, _ now: Duration) {
    // Killed and started again: it knows nothing, and has another name.
    if random.chance(0.005) {
      candidates[index].incarnation += 1
      let identity = "c\(index).\(candidates[index].incarnation)"
      candidates[index].state = LeaderElectionState(identity: identity, timing: timing)
      candidates[index].next = (now + .seconds(Int.random(in: 1...30, using: &random)), .begin)
      return
    }
    let local = candidates[index].local(now)
    switch step {
    case .begin:
      candidates[index].began = local
      go(index, now, .readArrives)
    case .readArrives: go(index, now, .readAnswered(server.lease()))
    case .readAnswered(let lease): read(lease, index, now, local)
    case .writeArrives(let claim, let version):
      guard version == server.version else { return pause(index, now) }
      server.version += 1
      server.spec = claim
      let written = server.lease()
      // The server has it, and the candidate never hears of it.
      if random.chance(0.05) { pause(index, now) } else { go(index, now, .writeAnswered(written)) }
    case .writeAnswered(let lease):
      if let lease {
        candidates[index].state.observe(lease, at: local)
        candidates[index].state.renewed(beganAt: candidates[index].began)
      }
      pause(index, now)
    }
  }

  private mutating func read(_ lease: Lease?, _ index: Int, _ now: Duration, _ local: Duration) {
    if let lease { candidates[index].state.observe(lease, at: local) }
    guard lease == nil || candidates[index].state.decide(at: local) != .wait else { return pause(index, now) }
    // Graceful stop, now and then: the work has ended, the lease is given up.
    let state = candidates[index].state
    let version = lease?.metadata.resourceVersion.flatMap { Int($0) } ?? 0
    if let spec = lease?.spec, spec.holderIdentity == state.identity, random.chance(0.02) {
      candidates[index].state.stepDown()
      if version == server.version {
        server.version += 1
        server.spec = LeaderElectionState.release(of: spec, now: Self.stamp(server.version))
      }
      return pause(index, now)
    }
    let claim = state.claim(over: lease?.spec, now: Self.stamp(server.version + 1))
    go(index, now, .writeArrives(claim: claim, over: version))
  }

  /// The next step comes after a short while, or after a long pause of the process or the network.
  private mutating func go(_ index: Int, _ now: Duration, _ step: Step) {
    let isPaused = random.chance(0.02)
    let delay = Duration.milliseconds(
      isPaused ? Int.random(in: 1_000...60_000, using: &random) : Int.random(in: 1...300, using: &random))
    candidates[index].next = (now + delay, step)
  }

  private mutating func pause(_ index: Int, _ now: Duration) {
    let wait = timing.retry / candidates[index].clockRate * Double.random(in: 1...1.2, using: &random)
    candidates[index].next = (now + wait, .begin)
    if random.chance(0.02) { candidates[index].next.at += .seconds(Int.random(in: 5...60, using: &random)) }
  }

  /// Only has to differ from write to write.
  private static func stamp(_ number: Int) -> MicroTime { MicroTime(microsecondsSinceEpoch: Int64(number)) }
}
