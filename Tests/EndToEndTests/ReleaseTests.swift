import Foundation
import Testing

extension EndToEnd {
  /// Blue-green releases with real PostgreSQL, Redis and trading servers, and clients that go on all the while.
  @Suite(.serialized, .enabled(if: TestCluster.canRunContainers, "needs root, podman and the images"))
  struct ReleaseTests {
    private static let namespace = "rtx-release"

    /// The platform `rel` as a pipeline would change it: the image, and what a test breaks on purpose.
    private func apply(
      image: String, config: String = "", instances: Int = 1, autoPromote: Bool = true
    ) async throws -> TestCluster {
      let cluster = try await SharedClusters.shared.podman()
      let manifest = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: \(Self.namespace)}
        ---
        apiVersion: rtx.trading/v1alpha1
        kind: RTXPlatform
        metadata: {name: rel, namespace: \(Self.namespace)}
        spec:
          deletionPolicy: Delete
          rollout:
            strategy: BlueGreen
            autoPromote: \(autoPromote)
            watchSeconds: 5
            scaleDownDelaySeconds: 2
            progressDeadlineSeconds: 120
          backend:
            priceFeed: SIM
            replicas: 2
            image: \(image)
            extraConfig: {\(config)}
            autoscaling: {enabled: false}
            resources: {requests: {cpu: 10m, memory: 32Mi}, limits: {cpu: "1", memory: 256Mi}}
            probes:
              readiness: {initialDelaySeconds: 1, periodSeconds: 2}
              startup: {periodSeconds: 1, failureThreshold: 300}
          postgres:
            instances: \(instances)
            synchronous: \(instances > 1)
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

    /// Steps in which something is broken: a few in every run, all of them with RELEASE_STEPS=all.
    private static let steps =
      ProcessInfo.processInfo.environment["RELEASE_STEPS"] == "all"
      ? ["Preparing", "Deploying", "Testing", "AwaitingApproval", "Switching", "Watching", "Draining", "Retiring"]
      : ["Deploying", "Watching"]

    /// The primary's container and the operator's are killed at once; clients go on trading.
    @Test(.timeLimit(.minutes(30))) func aFailoverInTheMiddleOfAStepEndsTheReleaseOrSendsItBack() async throws {
      let first = try await tagged("failover-0")
      let cluster = try await apply(image: first, instances: 2, autoPromote: false)
      _ = try await ended("Succeeded", first, cluster)
      let address = try await path(cluster, "svc/rel-backend", "{.spec.clusterIP}")
      async let load = Shell.run(
        "\(TestCluster.binaries)/rtx-load",
        ["--rate", "10", "--duration", "\(Self.steps.count * 45)", "--websockets", "20", "http://\(address)"],
        limit: .seconds(Self.steps.count * 45 + 120))
      for (number, step) in Self.steps.enumerated() {
        let image = try await tagged("failover-\(number + 1)")
        let before = try await live(cluster)
        _ = try await apply(image: image, instances: 2, autoPromote: false)
        try await reach(step, image, cluster)
        try await kill(
          "io.kubernetes.pod.name=\(try await path(cluster, "rtx/rel", "{.status.postgres.primary}"))", "postgres")
        try await kill("io.kubernetes.container.name=operator", "operator")
        let outcome = try await end(of: image, cluster)
        let after = try await live(cluster)
        #expect((after == before) == (outcome != "Succeeded"), "\(step): \(outcome), \(before) and then \(after)")
        print("failover in \(step): \(outcome)")
        let colours = try await path(cluster, "deploy", "{.items[*].metadata.labels.app\\.kubernetes\\.io/component}")
        #expect(colours.components(separatedBy: "backend").count == 2, "\(step): \(colours)")
      }
      let report = await load
      #expect(report.succeeded && report.output.contains("SOUND"), "\(report.everything)")
      try await cluster.run("-n", Self.namespace, "delete", "rtx", "rel", "--timeout=90s", limit: .seconds(100))
    }

    /// Returns when the release of an image is at a step, or past it; approves it where that is what it waits for.
    private func reach(_ step: String, _ image: String, _ cluster: TestCluster) async throws {
      try await eventually("\(image) is \(step)", within: .seconds(150)) {
        let text = try await path(
          cluster, "rtx/rel",
          "{.status.rollout.image}|{.status.rollout.step}|{.status.rollout.revision}|{.status.rollout.history[0].image}"
        )
        let parts = text.components(separatedBy: "|")
        guard parts[0] == image else { return parts[3] == image ? true : nil }
        if parts[1] == step { return true }
        if parts[1] == "AwaitingApproval" { try await approve(parts[2], cluster) }
        return parts[1] == step ? true : nil
      }
    }

    private func approve(_ revision: String, _ cluster: TestCluster) async throws {
      try await cluster.run(
        "-n", Self.namespace, "annotate", "rtx", "rel", "rtx.trading/release=approve \(revision)", "--overwrite")
    }

    private func end(of image: String, _ cluster: TestCluster) async throws -> String {
      try await eventually("the release of \(image) ends", within: .seconds(240)) {
        let text = try await path(
          cluster, "rtx/rel",
          "{.status.rollout.step}|{.status.rollout.revision}|{.status.rollout.history[0].image}|"
            + "{.status.rollout.history[0].outcome}|{.status.rollout.approver}")
        let parts = text.components(separatedBy: "|")
        if parts[0] == "Idle", parts[2] == image { return parts[3] }
        if parts[0] == "AwaitingApproval", parts[4].isEmpty { try await approve(parts[1], cluster) }
        return nil
      }
    }

    private func kill(_ label: String, _ container: String) async throws {
      let killed = await Shell.sh(
        """
        for id in $(podman ps -q --filter name=e2e_ --filter label=\(label) \
          --filter label=io.kubernetes.container.name=\(container)); do podman kill -s KILL $id; done
        """)
      #expect(!killed.output.isEmpty, "no container \(container) was found: \(killed.everything)")
    }
  }
}
