import Foundation
import Testing

extension EndToEnd {
  /// The operator as a process that can be killed, against a cluster whose pods are simulated.
  @Suite(.serialized, .enabled(if: TestCluster.hasKubectl, "needs kubectl"))
  struct OperatorProcessTests {
    /// An operator with the rights of its own ServiceAccount, so that a rule missing in config/rbac shows.
    static func start(_ cluster: TestCluster, identity: String = "a", leaderElection: Bool = false) async throws
      -> BackgroundProcess
    {
      let token = try await cluster.run("-n", "rtx-system", "create", "token", "rtx-operator", "--duration=2h")
      let path = FileManager.default.temporaryDirectory.appending(path: "rtx-operator-\(identity)-kubeconfig").path
      try FileManager.default.createDirectory(
        at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
      try? FileManager.default.removeItem(atPath: path)
      try FileManager.default.copyItem(atPath: cluster.kubeconfig, toPath: path)
      var environment = ["KUBECONFIG": path]
      for arguments in [
        ["config", "unset", "users"],
        ["config", "set-credentials", "operator", "--token=\(token.trimmingCharacters(in: .whitespacesAndNewlines))"],
        ["config", "set-context", "--current", "--user=operator"],
      ] {
        let result = await Shell.run("kubectl", arguments, environment: environment)
        try #require(result.succeeded, "\(result.everything)")
      }
      environment["POD_NAME"] = "operator-\(identity)"
      environment["POD_NAMESPACE"] = "rtx-system"
      return try BackgroundProcess(
        "\(TestCluster.binaries)/rtx-operator",
        ["run", "--health-port", "0", "--metrics-port", "0", leaderElection ? "--leader-elect" : "--no-leader-elect"],
        environment: environment)
    }

    static func platform(_ name: String, namespace: String, spec: String = "{backend: {priceFeed: SIM}}") -> String {
      """
      apiVersion: v1
      kind: Namespace
      metadata: {name: \(namespace)}
      ---
      apiVersion: rtx.trading/v1alpha1
      kind: RTXPlatform
      metadata: {name: \(name), namespace: \(namespace)}
      spec: \(spec)
      """
    }

    static let ownedKinds = "deploy,sts,svc,cm,secret,hpa,pdb,netpol,sa,role,rolebinding,cronjob,pvc"

    /// The names of what belongs to a platform.
    static func objects(_ cluster: TestCluster, _ namespace: String) async throws -> Set<String> {
      let names = try await cluster.run(
        "-n", namespace, "get", ownedKinds, "-l", "app.kubernetes.io/managed-by=rtx-operator", "-o", "name")
      return Set(names.split(separator: "\n").map(String.init))
    }

    static func waitForObjects(_ cluster: TestCluster, _ namespace: String, _ wanted: Set<String>?) async throws -> Set<
      String
    > {
      try await eventually("every object of \(namespace) is there", within: .seconds(30)) {
        let reason = try await cluster.run(
          "-n", namespace, "get", "rtx", "-o",
          #"jsonpath={.items[0].status.observedGeneration} {.items[0].status.conditions[?(@.type=="BackendReady")].reason}"#
        )
        let found = try await objects(cluster, namespace)
        if let wanted { return found.isSuperset(of: wanted) ? found : nil }
        return reason.count > 2 && found.contains("deployment.apps/trading-backend") ? found : nil
      }
    }

    @Test(.timeLimit(.minutes(6))) func killedAtAnyMomentTheNextStartFinishes() async throws {
      let cluster = try await SharedClusters.shared.simulated()
      var whole: Set<String>?
      var generator = SystemRandomNumberGenerator()
      for attempt in 0...10 {
        let namespace = "kill-\(attempt)"
        try await cluster.run("apply", "-f", "-", input: Self.platform("trading", namespace: namespace))
        if attempt > 0 {
          let victim = try await Self.start(cluster, identity: "victim")
          // Anywhere in its first reconcile: the moment is random on purpose.
          let delay = Int.random(in: 100...1200, using: &generator)
          await pause(.milliseconds(delay))
          victim.kill9()
        }
        let successor = try await Self.start(cluster, identity: "successor")
        let found = try await Self.waitForObjects(cluster, namespace, whole)
        if whole == nil { whole = found } else { #expect(found == whole, "after a kill in attempt \(attempt)") }
        successor.signal(SIGTERM)
        try await eventually("the operator stops on SIGTERM", within: .seconds(10)) { successor.isRunning ? nil : true }
        try await cluster.run("delete", "namespace", namespace, "--wait=false")
      }
      #expect((whole?.count ?? 0) > 20, "\(whole ?? [])")
    }

    @Test(.timeLimit(.minutes(4))) func everyDeletedOrEditedObjectComesBackWithinTwoSeconds() async throws {
      let cluster = try await SharedClusters.shared.simulated()
      let running = try await Self.start(cluster, identity: "drift")
      try await cluster.run("apply", "-f", "-", input: Self.platform("trading", namespace: "drift"))
      let objects = try await Self.waitForObjects(cluster, "drift", nil)
        // A claim in use stays until its pod is gone: Kubernetes protects it.
        .filter { !$0.hasPrefix("persistentvolumeclaim/") }
      #expect(objects.count > 20, "\(objects)")
      @Sendable func uid(_ object: String) async -> String {
        await cluster.kubectl("-n", "drift", "get", object, "-o", "jsonpath={.metadata.uid}").output
      }
      for object in objects.sorted() {
        let before = await uid(object)
        let deleted = ContinuousClock.now
        try await cluster.run("-n", "drift", "delete", object, "--wait=false")
        try await eventually("\(object) is back", within: .seconds(5)) {
          let now = await uid(object)
          return now.isEmpty || now == before ? nil : true
        }
        // A second of it is kubectl's own.
        #expect(ContinuousClock.now - deleted < .seconds(3), "\(object)")
      }
      try await cluster.run(
        "-n", "drift", "patch", "svc", "trading-backend", "--type=merge", "-p", #"{"spec":{"sessionAffinity":"None"}}"#)
      try await eventually("the edited Service is put right", within: .seconds(2)) {
        try await cluster.run("-n", "drift", "get", "svc", "trading-backend", "-o", "jsonpath={.spec.sessionAffinity}")
          == "ClientIP" ? true : nil
      }
      running.signal(SIGTERM)
      try await cluster.run("delete", "namespace", "drift", "--wait=false")
    }

    @Test(.timeLimit(.minutes(4))) func twoOperatorsNeverActAtOnceAndOneTakesOver() async throws {
      let cluster = try await SharedClusters.shared.simulated()
      let first = try await Self.start(cluster, identity: "first", leaderElection: true)
      @Sendable func holder() async throws -> String {
        try await cluster.run(
          "-n", "rtx-system", "get", "lease", "-o", "jsonpath={.items[0].spec.holderIdentity}")
      }
      try await eventually("the first leads", within: .seconds(20)) {
        try await holder().hasPrefix("operator-first") ? true : nil
      }
      let second = try await Self.start(cluster, identity: "second", leaderElection: true)
      try await cluster.run("apply", "-f", "-", input: Self.platform("trading", namespace: "leader"))
      _ = try await Self.waitForObjects(cluster, "leader", nil)
      #expect(!second.log.contains("became leader"), "\(second.log)")
      first.kill9()
      let killed = ContinuousClock.now
      try await eventually("the second takes over within the lease time", within: .seconds(20)) {
        try await holder().hasPrefix("operator-second") ? true : nil
      }
      #expect(ContinuousClock.now - killed > .seconds(5), "a lease was taken that its holder might still have used")
      try await cluster.run("-n", "leader", "delete", "svc", "trading-backend")
      try await eventually("the new leader acts") {
        await cluster.kubectl("-n", "leader", "get", "svc", "trading-backend").succeeded ? true : nil
      }
      second.signal(SIGTERM)
      try await eventually("a graceful stop releases the lease", within: .seconds(10)) {
        try await holder().isEmpty ? true : nil
      }
      try await cluster.run("delete", "namespace", "leader", "--wait=false")
    }

    @Test(.timeLimit(.minutes(4))) func theSteadyStateMakesNoWrites() async throws {
      let cluster = try await SharedClusters.shared.simulated()
      let running = try await Self.start(cluster, identity: "steady")
      try await cluster.run("apply", "-f", "-", input: Self.platform("trading", namespace: "steady"))
      _ = try await Self.waitForObjects(cluster, "steady", nil)
      /// Writes by the operator's ServiceAccount, as the API server counted them.
      @Sendable func writes() async throws -> Int {
        let metrics = try await cluster.run("get", "--raw", "/metrics")
        return metrics.split(separator: "\n").filter { line in
          // Leases are renewed for as long as an operator leads: not a write to the platform.
          line.hasPrefix("apiserver_request_total{") && line.contains("system:serviceaccount:rtx-system:rtx-operator")
            && !line.contains("resource=\"leases\"")
            && ["POST", "PUT", "PATCH", "DELETE"].contains { verb in line.contains("verb=\"\(verb)\"") }
        }.reduce(0) { $0 + (Int($1.split(separator: " ").last ?? "") ?? 0) }
      }
      /// The count once it has stood still for a while: only then is the state steady.
      @Sendable func settled() async throws -> Int {
        try await eventually("the platform settles", within: .seconds(90)) {
          let before = try await writes()
          await pause(.seconds(8))
          return try await writes() == before ? before : nil
        }
      }
      let count = try await settled()
      #expect(count > 20)
      // A minute here; hack/bench runtime looks for five.
      await pause(.seconds(60))
      #expect(try await writes() == count)
      running.signal(SIGTERM)
      try await cluster.run("delete", "namespace", "steady", "--wait=false")
    }

    @Test(.timeLimit(.minutes(4)), arguments: ["Retain", "Delete"])
    func deletingThePlatformKeepsDataUnlessToldOtherwise(policy: String) async throws {
      let cluster = try await SharedClusters.shared.simulated()
      let running = try await Self.start(cluster, identity: "deleter")
      let namespace = "gone-\(policy.lowercased())"
      try await cluster.run(
        "apply", "-f", "-",
        input: Self.platform(
          "trading", namespace: namespace, spec: "{backend: {priceFeed: SIM}, deletionPolicy: \(policy)}"))
      _ = try await Self.waitForObjects(cluster, namespace, nil)
      try await eventually("the database has its volumes", within: .seconds(60)) {
        try await cluster.run("-n", namespace, "get", "pvc", "-o", "name").split(separator: "\n").count >= 5
          ? true : nil
      }
      try await cluster.run("-n", namespace, "delete", "rtx", "trading", "--timeout=60s", limit: .seconds(70))
      let left = try await eventually("everything but data is gone", within: .seconds(60)) { () -> String? in
        let all = try await cluster.run(
          "-n", namespace, "get", "deploy,sts,rs,po,svc,hpa,pdb,netpol,cronjob,role,rolebinding", "-o", "name")
        let data = try await cluster.run("-n", namespace, "get", "pvc,secret", "-o", "name")
        guard all.isEmpty else { return nil }
        return policy == "Delete" && !data.isEmpty ? nil : data
      }
      if policy == "Retain" {
        #expect(left.split(separator: "\n").filter { $0.hasPrefix("persistentvolumeclaim/") }.count >= 5, "\(left)")
        #expect(left.contains("secret/"), "\(left)")
      }
      running.signal(SIGTERM)
      try await cluster.run("delete", "namespace", namespace, "--wait=false")
    }
  }
}
