import Foundation
import Testing
import TradingLoad

/// What is killed while orders come in, and what must be true afterwards: every order that was sent got its one answer, and is
/// in the ledger exactly once.
///
/// A few rounds each; CRASH_ROUNDS=50 for as many as one likes.
@Suite(.serialized) struct CrashTests {
  static let rounds = ProcessInfo.processInfo.environment["CRASH_ROUNDS"].flatMap { Int($0) } ?? 2

  /// Loads a cluster once a round while `fault` does its work, and looks at the books.
  private func rounds(
    _ what: String, _ cluster: CrashCluster, for duration: Duration = .milliseconds(1_200),
    resting: RestingOrders? = nil,
    _ fault: @escaping @Sendable (_ round: Int) async throws -> Void
  ) async throws -> [LoadReport] {
    var reports: [LoadReport] = []
    for round in 0..<Self.rounds {
      reports.append(try await cluster.load("round\(round)", for: duration) { try await fault(round) })
    }
    try await cluster.expectExactlyOnce(reports, others: resting?.count ?? 0)
    print(CrashFigures(what, reports).line)
    return reports
  }

  @Test func aKilledReplicaLosesAndDoublesNothing() async throws {
    let cluster = try await CrashCluster.start()
    let reports = try await rounds("replica", cluster) { round in
      let replica = cluster.replicas[round % 2]
      replica.process.kill()
      try await replica.start()
    }
    #expect(reports.allSatisfy { !$0.troubles.isEmpty }, "the kill was not noticed at all")
  }

  @Test func aKilledEvaluatorIsReplacedAndEveryTouchFillsOnce() async throws {
    let cluster = try await CrashCluster.start()
    let resting = RestingOrders(cluster)
    let takeOvers = TakeOvers()
    try await eventually("somebody evaluates") { try await cluster.evaluator() != nil }
    _ = try await rounds("evaluating replica", cluster, for: .seconds(3), resting: resting) { round in
      let victim = try #require(try await cluster.evaluator())
      let survivor = try #require(cluster.replicas.first { $0.name != victim.name })
      try await resting.place(6, through: survivor)
      victim.process.kill()
      let start = ContinuousClock.now
      // While nobody evaluates.
      async let placed: Void = resting.place(6, through: survivor)
      try await eventually("the survivor evaluates everything") { try await survivor.evaluatesAll }
      takeOvers.add(.now - start)
      try await placed
      try await victim.start()
    }
    try await resting.expectFilledAtTheirFirstTouch()
    print("crash matrix, evaluating replica: \(takeOvers.line)")
    // Leases hold for 1.2 s and are looked at every 0.3 s; the rest is room for a busy machine.
    #expect(takeOvers.worst < .seconds(6))
  }

  @Test func aKilledPostgreSQLLosesAndDoublesNothing() async throws {
    let cluster = try await CrashCluster.start()
    _ = try await rounds("PostgreSQL", cluster) { _ in
      cluster.postgres.crash()
      try await cluster.postgres.restart(answering: cluster.database)
    }
  }

  @Test func aKilledRedisLosesAndDoublesNothing() async throws {
    let cluster = try await CrashCluster.start()
    _ = try await rounds("Redis", cluster) { _ in
      cluster.redis.crash()
      try await cluster.redis.restart()
    }
  }

  @Test func connectionsCutInTheMiddleOfACommitLoseAndDoubleNothing() async throws {
    var cutter: CommitCutter?
    let cluster = try await CrashCluster.start { port in
      let made = CommitCutter(upstream: port)
      cutter = made
      return try await made.start()
    }
    let made = try #require(cutter)
    _ = try await rounds("cut commits", cluster) { _ in
      let before = made.cuts
      made.arm(CommitCutter.Moment.allCases.shuffled())
      try await eventually("three commits are cut") { made.cuts >= before + 3 }
    }
    print("crash matrix, cut commits: \(made.cuts) connections cut")
  }
}
