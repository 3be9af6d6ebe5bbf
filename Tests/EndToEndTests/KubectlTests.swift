import Foundation
import Testing

extension EndToEnd {
  /// Stock kubectl against the sandbox, with real containers behind it.
  @Suite(.serialized, .enabled(if: TestCluster.canRunContainers, "needs root, podman and the images"))
  struct KubectlTests {
    static let namespace = "kubectl"
    /// Something small and long-lived to deploy.
    static let deployment = """
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: cache, namespace: kubectl, labels: {app: cache}}
      spec:
        replicas: 2
        selector: {matchLabels: {app: cache}}
        template:
          metadata: {labels: {app: cache}}
          spec:
            terminationGracePeriodSeconds: 2
            containers:
            - name: redis
              image: rtx-platform/redis:7
              command: [redis-server, --port, "6379", --save, ""]
              ports: [{containerPort: 6379, name: redis}]
              readinessProbe: {tcpSocket: {port: redis}, periodSeconds: 1}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: cache, namespace: kubectl}
      spec: {selector: {app: cache}, ports: [{port: 6379, targetPort: redis}]}
      """

    /// The cluster with the deployment above applied and rolled out.
    static func cluster() async throws -> TestCluster {
      let cluster = try await SharedClusters.shared.podman()
      if await !cluster.kubectl("get", "ns", namespace).succeeded {
        try await cluster.run("create", "namespace", namespace)
      }
      try await cluster.run("apply", "-f", "-", input: deployment)
      try await cluster.run(
        "-n", namespace, "rollout", "status", "deployment/cache", "--timeout=60s", limit: .seconds(70))
      return cluster
    }

    /// The GitOps example: another tag in one place changes the platform's image and nothing else.
    @Test func gitOpsPipelineChangesAnImageTagAlone() async throws {
      let cluster = try await Self.cluster()
      let copy = NSTemporaryDirectory() + "gitops-\(UUID().uuidString)"
      try FileManager.default.copyItem(atPath: TestCluster.repository + "/config/gitops/platform", toPath: copy)
      defer { try? FileManager.default.removeItem(atPath: copy) }
      let before = try await cluster.run("kustomize", copy).split(separator: "\n")
      let file = URL(filePath: copy + "/kustomization.yaml")
      let text = try String(contentsOf: file, encoding: .utf8)
      try text.replacingOccurrences(of: "newTag: 1.4.1", with: "newTag: 1.4.2")
        .write(to: file, atomically: true, encoding: .utf8)
      let after = try await cluster.run("kustomize", copy).split(separator: "\n")
      let changed = zip(before, after).filter { $0 != $1 }.map { $1.trimmingCharacters(in: .whitespaces) }
      #expect(before.count == after.count)
      #expect(changed == ["image: ghcr.io/example/rtx-server:1.4.2"])
    }

    @Test func applyClientSideServerSideAndDryRun() async throws {
      let cluster = try await Self.cluster()
      #expect(
        try await cluster.run("apply", "-f", "-", input: Self.deployment).contains("deployment.apps/cache unchanged"))
      let changed = Self.deployment.replacingOccurrences(of: "replicas: 2", with: "replicas: 3")
      try await cluster.run("apply", "--dry-run=server", "-f", "-", input: changed)
      #expect(
        try await cluster.run("-n", "kubectl", "get", "deploy", "cache", "-o", "jsonpath={.spec.replicas}") == "2")
      let conflict = await cluster.kubectl("apply", "--server-side", "-f", "-", input: changed)
      #expect(!conflict.succeeded)
      #expect(conflict.errors.contains(".spec.replicas"), "\(conflict.errors)")
      try await cluster.run("apply", "--server-side", "--force-conflicts", "-f", "-", input: changed)
      #expect(
        try await cluster.run("-n", "kubectl", "get", "deploy", "cache", "-o", "jsonpath={.spec.replicas}") == "3")
      let unknown = await cluster.kubectl(
        "apply", "-f", "-", input: changed.replacingOccurrences(of: "replicas:", with: "replica:"))
      #expect(unknown.errors.contains("unknown field \"spec.replica\""), "\(unknown.everything)")
    }

    @Test func getPrintsEveryOutputForm() async throws {
      let cluster = try await Self.cluster()
      let table = try await cluster.run("-n", "kubectl", "get", "deployments")
      #expect(table.contains("UP-TO-DATE") && table.contains("AVAILABLE"))
      #expect(try await cluster.run("-n", "kubectl", "get", "pods", "-o", "wide").contains("NOMINATED NODE"))
      #expect(try await cluster.run("-n", "kubectl", "get", "all").contains("service/cache"))
      #expect(
        try await cluster.run("-n", "kubectl", "get", "deploy", "cache", "-o", "yaml").contains("kind: Deployment"))
      #expect(try await cluster.run("-n", "kubectl", "get", "deploy", "-o", "json").contains("\"kind\": \"List\""))
      #expect(try await cluster.run("-n", "kubectl", "get", "deploy", "-o", "name") == "deployment.apps/cache\n")
      #expect(
        try await cluster.run("-n", "kubectl", "get", "svc", "-o", "custom-columns=N:.metadata.name", "--no-headers")
          == "cache\n")
      #expect(
        try await cluster.run("-n", "kubectl", "get", "svc", "cache", "-o", "go-template={{.spec.type}}") == "ClusterIP"
      )
      #expect(try await cluster.run("get", "rtx", "-A").contains("NAME"))
      let pods = try await cluster.run("-n", "kubectl", "get", "pods", "-l", "app=cache", "--show-labels")
      #expect(pods.contains("pod-template-hash="))
      #expect(
        try await cluster.run("-n", "kubectl", "get", "pods", "--field-selector=status.phase=Running").contains("cache")
      )
    }

    @Test func getWatchesChanges() async throws {
      let cluster = try await Self.cluster()
      let watch = try BackgroundProcess(
        "kubectl", ["-n", "kubectl", "get", "configmaps", "-w", "-o", "name"], environment: cluster.environment)
      try await cluster.run("-n", "kubectl", "create", "configmap", "watched", "--from-literal=a=1")
      try await eventually("the watch prints the new object") { watch.log.contains("configmap/watched") ? true : nil }
      try await cluster.run("-n", "kubectl", "delete", "configmap", "watched")
    }

    @Test func describeAndExplain() async throws {
      let cluster = try await Self.cluster()
      let pod = try await cluster.run("-n", "kubectl", "describe", "pods", "-l", "app=cache")
      #expect(pod.contains("Readiness:") && pod.contains("Started container redis"), "\(pod)")
      #expect(try await cluster.run("-n", "kubectl", "describe", "deployment", "cache").contains("NewReplicaSet:"))
      #expect(try await cluster.run("-n", "kubectl", "describe", "service", "cache").contains("Endpoints:"))
      let explained = try await cluster.run("explain", "rtxplatform.spec", "--recursive")
      #expect(explained.contains("postgres") && explained.contains("synchronous"), "\(explained.prefix(400))")
      #expect(try await cluster.run("explain", "rtxplatform.spec.postgres.instances").contains("integer"))
      #expect(try await cluster.run("explain", "deployment.spec.replicas").contains("desired pods"))
    }

    @Test func editAndEveryPatchType() async throws {
      let cluster = try await Self.cluster()
      var environment = cluster.environment
      environment["KUBE_EDITOR"] = "sed -i 's/revisionHistoryLimit:.*/revisionHistoryLimit: 7/'"
      let edited = await Shell.run(
        "kubectl", ["-n", "kubectl", "edit", "deployment", "cache"], environment: environment)
      #expect(edited.succeeded, "\(edited.everything)")
      func value(_ path: String) async throws -> String {
        try await cluster.run("-n", "kubectl", "get", "deploy", "cache", "-o", "jsonpath=\(path)")
      }
      #expect(try await value("{.spec.revisionHistoryLimit}") == "7")
      try await cluster.run(
        "-n", "kubectl", "patch", "deployment", "cache", "--type=merge", "-p",
        #"{"metadata":{"annotations":{"a":"1"}}}"#)
      #expect(try await value("{.metadata.annotations.a}") == "1")
      try await cluster.run(
        "-n", "kubectl", "patch", "deployment", "cache", "--type=json", "-p",
        #"[{"op":"replace","path":"/metadata/annotations/a","value":"2"}]"#)
      #expect(try await value("{.metadata.annotations.a}") == "2")
      try await cluster.run(
        "-n", "kubectl", "patch", "deployment", "cache", "--type=strategic", "-p",
        #"{"spec":{"template":{"spec":{"containers":[{"name":"redis","env":[{"name":"X","value":"1"}]}]}}}}"#)
      #expect(try await value("{.spec.template.spec.containers[*].image}") == "rtx-platform/redis:7")
      try await cluster.run("-n", "kubectl", "label", "deployment", "cache", "tier=fast")
      #expect(try await value("{.metadata.labels.tier}") == "fast")
      try await cluster.run(
        "-n", "kubectl", "rollout", "status", "deployment/cache", "--timeout=60s", limit: .seconds(70))
    }

    @Test func scaleAndRollout() async throws {
      let cluster = try await Self.cluster()
      try await cluster.run("-n", "kubectl", "scale", "deployment/cache", "--replicas=1")
      try await cluster.run(
        "-n", "kubectl", "wait", "--for=jsonpath={.status.readyReplicas}=1", "deployment/cache", "--timeout=30s")
      let before = try await cluster.run("-n", "kubectl", "get", "pods", "-l", "app=cache", "-o", "name")
      try await cluster.run("-n", "kubectl", "rollout", "restart", "deployment/cache")
      try await cluster.run(
        "-n", "kubectl", "rollout", "status", "deployment/cache", "--timeout=60s", limit: .seconds(70))
      try await eventually("the restarted pod is another one") {
        let after = try await cluster.run("-n", "kubectl", "get", "pods", "-l", "app=cache", "-o", "name")
        return after != before && after.split(separator: "\n").count == 1 ? true : nil
      }
      #expect(try await cluster.run("-n", "kubectl", "rollout", "history", "deployment/cache").contains("REVISION"))
      try await cluster.run("-n", "kubectl", "wait", "--for=condition=Available", "deployment/cache", "--timeout=30s")
    }

    /// A running, ready pod of the deployment.
    static func pod(_ cluster: TestCluster) async throws -> String {
      try await eventually("a ready pod") {
        let names = try await cluster.run(
          "-n", "kubectl", "get", "pods", "-l", "app=cache", "-o",
          #"jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.metadata.name} {.metadata.deletionTimestamp}{"\n"}{end}"#
        )
        return names.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.first { !$0.contains(" ") }
      }
    }

    @Test func execWithAndWithoutTerminal() async throws {
      let cluster = try await Self.cluster()
      let pod = try await Self.pod(cluster)
      #expect(try await cluster.run("-n", "kubectl", "exec", pod, "--", "redis-cli", "ping") == "PONG\n")
      #expect(try await cluster.run("-n", "kubectl", "exec", "-i", pod, "--", "cat", input: "piped\n") == "piped\n")
      let failed = await cluster.kubectl("-n", "kubectl", "exec", pod, "--", "sh", "-c", "exit 7")
      #expect(failed.status == 7, "\(failed.everything)")
      // `script` gives kubectl a terminal of its own.
      let terminal = await Shell.run(
        "script", ["-qec", "kubectl -n kubectl exec -it \(pod) -- sh -c 'tty; stty size'", "/dev/null"],
        environment: cluster.environment)
      #expect(
        terminal.output.contains("/dev/pts/") || terminal.output.contains("/dev/console"), "\(terminal.everything)")
    }

    @Test func copyBothWays() async throws {
      let cluster = try await Self.cluster()
      let pod = try await Self.pod(cluster)
      let folder = FileManager.default.temporaryDirectory.appending(path: "rtx-cp-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      let data = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
      try data.write(to: folder.appending(path: "there"))
      try await cluster.run("cp", folder.appending(path: "there").path, "kubectl/\(pod):/tmp/there")
      try await cluster.run("cp", "kubectl/\(pod):/tmp/there", folder.appending(path: "back").path)
      #expect(try Data(contentsOf: folder.appending(path: "back")) == data)
    }

    @Test func logsFollow() async throws {
      let cluster = try await Self.cluster()
      let pod = try await Self.pod(cluster)
      #expect(try await cluster.run("-n", "kubectl", "logs", pod, "--tail=100").contains("Ready to accept connections"))
      let follow = try BackgroundProcess(
        "kubectl", ["-n", "kubectl", "logs", "-f", "deployment/cache"], environment: cluster.environment)
      try await eventually("the log so far") { follow.log.contains("Ready to accept") ? true : nil }
      try await cluster.run("-n", "kubectl", "exec", "deployment/cache", "--", "redis-cli", "bgsave")
      try await eventually("a line written after following began") {
        follow.log.contains("Background saving") ? true : nil
      }
    }

    @Test func portForward() async throws {
      let cluster = try await Self.cluster()
      let forward = try BackgroundProcess(
        "kubectl", ["-n", "kubectl", "port-forward", "service/cache", ":6379", "--address=127.0.0.1"],
        environment: cluster.environment)
      let port = try await eventually("the forwarded port") { () -> String? in
        guard let range = forward.log.range(of: "127.0.0.1:") else { return nil }
        let digits = forward.log[range.upperBound...].prefix { $0.isNumber }
        return digits.isEmpty ? nil : String(digits)
      }
      for _ in 1...3 {
        let pong = await Shell.run("redis-cli", ["-p", port, "ping"], limit: .seconds(10))
        #expect(pong.output == "PONG\n", "\(pong.everything) \(forward.log)")
      }
    }

    @Test func deleteInForegroundAndBackground() async throws {
      let cluster = try await Self.cluster()
      try await cluster.run("-n", "kubectl", "delete", "deployment", "cache", "--cascade=foreground", "--timeout=60s")
      #expect(try await cluster.run("-n", "kubectl", "get", "pods", "-l", "app=cache", "-o", "name").isEmpty)
      _ = try await Self.cluster()
      try await cluster.run("-n", "kubectl", "delete", "deployment", "cache", "--cascade=orphan")
      #expect(try await !cluster.run("-n", "kubectl", "get", "rs", "-l", "app=cache", "-o", "name").isEmpty)
      try await cluster.run("-n", "kubectl", "delete", "rs", "-l", "app=cache", "--cascade=background")
      try await eventually("the orphans' pods go with them", within: .seconds(60)) {
        try await cluster.run("-n", "kubectl", "get", "pods", "-l", "app=cache", "-o", "name").isEmpty ? true : nil
      }
    }

    @Test func authAndDiscovery() async throws {
      let cluster = try await Self.cluster()
      #expect(try await cluster.run("auth", "can-i", "create", "pods").hasPrefix("yes"))
      let denied = await cluster.kubectl(
        "auth", "can-i", "delete", "secrets", "--as=system:serviceaccount:kubectl:default")
      #expect(denied.output.hasPrefix("no"), "\(denied.everything)")
      let resources = try await cluster.run("api-resources")
      #expect(resources.contains("rtxplatforms") && resources.contains("rtx.trading/v1alpha1"))
      #expect(!(try await cluster.run("api-resources", "--categories=all")).contains("rtxplatforms"))
      #expect(try await cluster.run("version").contains("Server Version"))
    }
  }
}
