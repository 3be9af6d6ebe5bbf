import Foundation
import Testing

extension EndToEnd {
  /// Blue-green releases with real PostgreSQL, Redis and trading servers, and clients that go on all the while.
  @Suite(.serialized, .enabled(if: TestCluster.canRunContainers, "needs root, podman and the images"))
  struct ReleaseTests {
    private static let namespace = "rtx-release"

    /// The platform `rel` as a pipeline would change it: the image, and what a test breaks on purpose.
    private func apply(image: String, config: String = "", resources: String = "") async throws -> TestCluster {
      let cluster = try await SharedClusters.shared.podman()
      let small =
        resources.isEmpty ? "{requests: {cpu: 10m, memory: 32Mi}, limits: {cpu: '1', memory: 256Mi}}" : resources
      let manifest = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: \(Self.namespace)}
        ---
        apiVersion: rtx.trading/v1alpha1
        kind: RTXPlatform
        metadata: {name: rel, namespace: \(Self.namespace)}
        spec:
          rollout: {strategy: BlueGreen, watchSeconds: 5, scaleDownDelaySeconds: 2, progressDeadlineSeconds: 60}
          backend:
            priceFeed: SIM
            replicas: 2
            image: \(image)
            extraConfig: {\(config)}
            autoscaling: {enabled: false}
            resources: \(small)
            probes:
              readiness: {initialDelaySeconds: 1, periodSeconds: 2}
              startup: {periodSeconds: 1, failureThreshold: 300}
          postgres:
            instances: 1
            synchronous: false
            storage: {size: 1Gi}
            resources: {requests: {cpu: 20m, memory: 128Mi}, limits: {cpu: '1', memory: 512Mi}}
          redis:
            storage: {size: 256Mi}
            resources: {requests: {cpu: 10m, memory: 32Mi}, limits: {cpu: 500m, memory: 128Mi}}
          backup:
            storage: {size: 1Gi}
            resources: {requests: {cpu: 10m, memory: 64Mi}, limits: {cpu: 500m, memory: 256Mi}}
        """
      try await cluster.run("apply", "-f", "-", input: manifest)
      return cluster
    }

    private func path(_ cluster: TestCluster, _ kind: String, _ path: String) async throws -> String {
      try await cluster.run("-n", Self.namespace, "get", kind, "-o", "jsonpath=\(path)")
    }

    /// Returns when the newest release that ended is this image's, with its reason.
    private func ended(_ outcome: String, _ image: String, _ cluster: TestCluster) async throws -> String {
      try await eventually("\(image) has \(outcome)", within: .seconds(150)) {
        let text = try await path(
          cluster, "rtx/rel",
          "{.status.rollout.step}|{.status.rollout.history[0].image}|{.status.rollout.history[0].outcome}|"
            + "{.status.rollout.history[0].reason}")
        let parts = text.components(separatedBy: "|")
        return parts.count == 4 && parts[0] == "Idle" && parts[1] == image && parts[2] == outcome ? parts[3] : nil
      }
    }

    /// The image under another name: to the operator that is another release.
    private func tagged(_ tag: String) async throws -> String {
      let tagging = await Shell.run(
        "podman", ["tag", "localhost/rtx-platform/rtx-server:dev", "localhost/rtx-platform/rtx-server:\(tag)"])
      try #require(tagging.succeeded, "\(tagging.everything)")
      return "rtx-platform/rtx-server:\(tag)"
    }

    private func live(_ cluster: TestCluster) async throws -> String {
      try await path(cluster, "svc/rel-backend", "{.spec.selector.rtx\\.trading/colour}")
    }

    @Test(.timeLimit(.minutes(8))) func aReleaseUnderLoadLosesNothingAndBadOnesStopByThemselves() async throws {
      let (first, second) = (try await tagged("release-1"), try await tagged("release-2"))
      let cluster = try await apply(image: first)
      _ = try await ended("Succeeded", first, cluster)
      let address = try await path(cluster, "svc/rel-backend", "{.spec.clusterIP}")

      async let load = Shell.run(
        "\(TestCluster.binaries)/rtx-load",
        ["--rate", "30", "--duration", "40", "--websockets", "50", "http://\(address)"], limit: .seconds(120))
      _ = try await apply(image: second)
      _ = try await ended("Succeeded", second, cluster)
      let report = await load
      #expect(report.succeeded && report.output.contains("SOUND"), "\(report.everything)")
      #expect(report.output.contains("lost 0, doubled 0, answered differently 0"), "\(report.everything)")
      #expect(report.output.contains(", 0 gaps"), "\(report.everything)")
      #expect(!report.output.contains("x HTTP 5"), "\(report.everything)")
      let before = try await live(cluster)

      // Each of these stops by itself, and the live colour never changes.
      let missing = "rtx-platform/rtx-server:nowhere"
      _ = try await apply(image: missing)
      let noImage = try await ended("Failed", missing, cluster)
      #expect(noImage.contains("expand migrations") && noImage.contains("Image"), "\(noImage)")
      let third = try await tagged("release-3")
      _ = try await apply(image: third, config: "RATE_LIMIT_PER_ACCOUNT: many")
      let crash = try await ended("Failed", third, cluster)
      #expect(crash.contains("CrashLoopBackOff"), "\(crash)")
      #expect(try await live(cluster) == before)
      #expect(try await path(cluster, "rtx/rel", "{.status.phase}") == "Degraded")

      // And the next good one goes through.
      let fourth = try await tagged("release-4")
      _ = try await apply(image: fourth)
      _ = try await ended("Succeeded", fourth, cluster)
      #expect(try await live(cluster) != before)
      try await cluster.run("-n", Self.namespace, "delete", "rtx", "rel", "--timeout=60s", limit: .seconds(70))
    }
  }
}
