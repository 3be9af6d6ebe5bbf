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
    _ cluster: CrashCluster, _ fault: @escaping @Sendable (_ round: Int) async throws -> Void
  ) async throws -> [LoadReport] {
    var reports: [LoadReport] = []
    for round in 0..<Self.rounds {
      reports.append(try await cluster.load("round\(round)") { try await fault(round) })
    }
    try await cluster.expectExactlyOnce(reports)
    return reports
  }

  @Test func aKilledReplicaLosesAndDoublesNothing() async throws {
    let cluster = try await CrashCluster.start()
    let reports = try await rounds(cluster) { round in
      let replica = cluster.replicas[round % 2]
      replica.process.kill()
      try await replica.start()
    }
    #expect(reports.allSatisfy { !$0.troubles.isEmpty }, "the kill was not noticed at all")
  }

  @Test func aKilledPostgreSQLLosesAndDoublesNothing() async throws {
    let cluster = try await CrashCluster.start()
    _ = try await rounds(cluster) { _ in
      cluster.postgres.crash()
      try await cluster.postgres.restart(answering: cluster.database)
    }
  }

  @Test func aKilledRedisLosesAndDoublesNothing() async throws {
    let cluster = try await CrashCluster.start()
    _ = try await rounds(cluster) { _ in
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
    _ = try await rounds(cluster) { _ in
      let before = made.cuts
      made.arm(CommitCutter.Moment.allCases.shuffled())
      try await eventually("three commits are cut") { made.cuts >= before + 3 }
    }
  }
}
