import KubernetesClient
import KubernetesModels
import Synchronization
import Testing

@testable import PlatformOperator
@testable import RTXPlatformAPI

/// Releases whose operator is killed after every single write: they end as if it had lived.
struct ReleaseCrashTests {
  /// Lets operators live for `writes` writes each, one after the other, until the release has ended.
  /// - Returns: How many there were.
  private func lives(
    of release: ReleaseCluster, writes: Int, until isOver: @escaping @Sendable (RolloutStatus) -> Bool
  ) async throws -> Int {
    var lives = 0
    while let status = try await release.status(), !isOver(status) {
      lives += 1
      try #require(lives < 400, "no end: \(status)")
      let client = release.cluster.operatorClient
      let mortal = MortalTransport(client.transport, writes: writes)
      try await release.cluster.withOperator(access: release.servers, client: client.over(mortal)) {
        try await eventually("it dies, or the release ends", within: .seconds(30)) {
          if mortal.isDead { return true }
          return try await release.status().map(isOver) == true
        }
      }
    }
    return lives
  }

  private func serving(_ body: @escaping @Sendable (ReleaseCluster) async throws -> Void) async throws {
    let release = try await ReleaseCluster()
    try await release.run(withOperator: false) {
      try await release.cluster.withOperator(access: release.servers) {
        try await release.apply(image: "rtx:1")
        _ = try await release.ended(.succeeded, image: "rtx:1")
      }
      try await body(release)
    }
  }

  private func isOver(_ image: String, _ outcome: ReleaseOutcome) -> @Sendable (RolloutStatus) -> Bool {
    { $0.step == "Idle" && $0.history?.first?.image == image && $0.history?.first?.outcome == outcome.rawValue }
  }

  @Test(.timeLimit(.minutes(4)), arguments: [1, 2]) func aReleaseSucceedsThoughItsOperatorDiesAfterEachWrite(
    writes: Int
  ) async throws {
    try await serving { release in
      let outages = try await release.watched {
        try await release.apply(image: "rtx:2")
        let count = try await lives(of: release, writes: writes, until: isOver("rtx:2", .succeeded))
        #expect(count > 10 / writes)
      }
      #expect(outages == [])
      #expect(try await release.liveColour() == "green")
      let jobs = try await release.admin.list(Job.self, in: ReleaseCluster.namespace).items
      // No migration twice: one expand and one contract for each release.
      #expect(
        jobs.filter { $0.metadata.name?.contains("-release-") == true }.count == 4, "\(jobs.map(\.metadata.name))")
    }
  }

  @Test(.timeLimit(.minutes(4))) func aBadReleaseGoesBackThoughItsOperatorDiesAfterEachWrite() async throws {
    try await serving { release in
      // Whatever green's pods are called, they fail as soon as they are watched.
      let watcher = Task {
        while !Task.isCancelled {
          release.servers.fail((try? await release.addresses("green")) ?? [], requests: 100)
          try? await Task.sleep(for: .milliseconds(20))
        }
      }
      defer { watcher.cancel() }
      let outages = try await release.watched {
        try await release.apply(image: "rtx:2", rollout: ["watchSeconds": 600])
        _ = try await lives(of: release, writes: 1, until: isOver("rtx:2", .failed))
      }
      #expect(outages == [])
      #expect(try await release.liveColour() == "blue")
    }
  }
}
