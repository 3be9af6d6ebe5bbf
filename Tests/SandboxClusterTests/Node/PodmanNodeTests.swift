import Foundation
import KubernetesClient
import KubernetesModels
import Logging
import Synchronization
import Testing

@testable import SandboxCluster

/// Real containers on a real pod network. Needs root, podman and the base image that `images/build` makes.
@Suite(
  "A node with podman", .serialized,
  .enabled("needs root, podman and rtx-platform/debian:12") { await PodmanCluster.isPossible })
struct PodmanNodeTests {
  @Test(.timeLimit(.minutes(2)))
  func aPodRunsIsReachedRestartsAndLeavesNothing() async throws {
    try await PodmanCluster.with { cluster in
      try await cluster.create(
        ConfigMap(data: ["GREETING": "hello"], metadata: ObjectMeta(name: "settings", namespace: "default")))
      let pod = try await cluster.start(cluster.webPod("web"))
      #expect(pod.status?.podIP?.hasPrefix("10.213.") == true)

      // Variables, volumes and the end of standard input reach a command.
      let output = Mutex("")
      let (input, send) = AsyncStream.makeStream(of: StreamInput.self)
      send.yield(.data(Array("typed".utf8)))
      send.yield(.close)
      let code = try await cluster.node.exec(
        namespace: "default", pod: "web", container: "c",
        command: ["bash", "-c", "cat; echo \" $GREETING $(cat /settings/GREETING) $POD_IP\"; exit 3"], tty: false,
        stdin: input
      ) { item in
        if case .stdout(let bytes) = item { output.withLock { $0 += String(decoding: bytes, as: UTF8.self) } }
      }
      #expect(code == 3)
      #expect(output.withLock { $0 } == "typed hello hello \(pod.status?.podIP ?? "")\n")

      // A killed container is noticed and started again at once.
      let record = try #require(await cluster.node.worker("default", "web")?.record["c"].run)
      #expect(kill(record.pid, SIGKILL) == 0)
      let reasons = Mutex(Set<String>())
      let restarted = try await cluster.wait("web") { pod in
        let container = pod.status?.containerStatuses?.first
        if let reason = container?.state?.waiting?.reason { reasons.withLock { _ = $0.insert(reason) } }
        return container?.restartCount == 1 && pod.isReady
      }
      // At once is without a back-off: how long the start itself takes is the machine's business.
      #expect(!reasons.withLock { $0.contains("CrashLoopBackOff") })
      #expect(restarted.status?.containerStatuses?.first?.lastState?.terminated?.exitCode == 137)

      // Changed configuration arrives in the volume.
      _ = try await cluster.client.patch(
        ConfigMap.self, "settings", in: "default", .merge(["data": ["GREETING": "bye"]]))
      try await cluster.until("the new text is in the volume") {
        try await cluster.run("web", "cat /settings/GREETING") == "bye"
      }

      try await cluster.client.delete(Pod.self, "web", in: "default")
      try await cluster.until("the pod is gone") {
        try await cluster.client.list(Pod.self, in: "default").items.isEmpty
      }
      #expect(
        try await Command.run("podman", ["ps", "--all", "--quiet", "--filter", "label=\(PodmanCluster.label)"]) == "")
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func servicesNamesAndPoliciesHold() async throws {
    try await PodmanCluster.with { cluster in
      try await cluster.create(
        ConfigMap(data: ["GREETING": "hello"], metadata: ObjectMeta(name: "settings", namespace: "default")))
      let web = try await cluster.start(cluster.webPod("web"))
      try await cluster.start(cluster.webPod("client"))
      var service = Service(metadata: ObjectMeta(name: "web", namespace: "default"))
      service.spec = ServiceSpec(ports: [ServicePort(name: "http", port: 80, targetPort: .int(8080))])
      try await cluster.create(service)
      try await cluster.create(
        EndpointSlice(
          addressType: "IPv4", endpoints: [Endpoint(addresses: [web.status?.podIP ?? ""])],
          metadata: ObjectMeta(labels: ["kubernetes.io/service-name": "web"], name: "web-1", namespace: "default"),
          ports: [EndpointPort(name: "http", port: 8080)]))
      let fetch = "timeout 3 bash -c 'exec 3<>/dev/tcp/web/80 && head -1 <&3'"
      try await cluster.until("the Service answers by name") { try await cluster.run("client", fetch) == "hello" }

      var policy = NetworkPolicy(metadata: ObjectMeta(name: "closed", namespace: "default"))
      policy.spec = NetworkPolicySpec(
        podSelector: KubernetesModels.LabelSelector(matchLabels: ["app": "web"]), policyTypes: ["Ingress"])
      try await cluster.create(policy)
      try await cluster.until("the policy closes it") { try await cluster.run("client", fetch).isEmpty }
      // The node's own way in stays open.
      let channel = try await cluster.node.connect(namespace: "default", pod: "web", port: 8080)
      #expect(try await channel.read().map { String(decoding: $0, as: UTF8.self) }?.hasPrefix("hello") == true)
      await channel.close()
    }
    #expect(!FileManager.default.fileExists(atPath: PodmanCluster.folder))
    #expect(!FileManager.default.fileExists(atPath: "/sys/class/net/\(PodmanCluster.instance)0"))
    let tables = try await Command.run("nft", ["list", "tables"])
    #expect(!tables.contains(PodmanCluster.instance))
  }
}

/// An API server, a node and its network, without controllers: the tests bind pods themselves.
struct PodmanCluster: Sendable {
  static let instance = "rtxt"
  static let folder = "/tmp/rtxt-node-tests"
  static let label = NodeRuntime.containerLabel(instance: instance)
  static let image = "rtx-platform/debian:12"

  static var isPossible: Bool {
    get async {
      guard await PodmanEnvironment.detect().isUsable else { return false }
      return (try? await Command.outcome("podman", ["image", "exists", "localhost/\(image)"]))?.exitCode == 0
    }
  }

  let client: KubernetesClient
  let node: PodmanNode

  static func with(_ body: @escaping @Sendable (PodmanCluster) async throws -> Void) async throws {
    await NodeRuntime.removeAll(instance: instance, dataFolder: folder)
    let network = NetworkConfiguration(
      instance: instance, podNetwork: IPv4Network("10.213.0.0/16"), serviceNetwork: IPv4Network("10.113.0.0/16"))
    var settings = APIServer.Configuration()
    settings.serviceCIDR = "10.113.0.0/16"
    let server = try APIServer(configuration: settings)
    let client = server.client()
    try await HostNetwork(configuration: network).setUp()
    let node = try PodmanNode(
      client: client, configuration: NodeConfiguration(network: network, dataFolder: folder, isOffline: true),
      environment: await PodmanEnvironment.detect())
    let result: Result<Void, any Error>
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await node.run() }
        group.addTask { try await ServiceNetwork(client: client, configuration: network).run() }
        try await body(PodmanCluster(client: client, node: node))
        group.cancelAll()
      }
      result = .success(())
    } catch is CancellationError {
      result = .success(())
    } catch {
      result = .failure(error)
    }
    await NodeRuntime.removeAll(instance: instance, dataFolder: folder)
    try result.get()
  }

  /// Says the greeting to everybody who connects to port 8080.
  func webPod(_ name: String) -> Pod {
    var container = Container(name: "c")
    container.image = Self.image
    container.command = [
      "perl", "-MIO::Socket::INET", "-e",
      "my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1); "
        + "while (my $c = $s->accept) { print $c \"$ENV{GREETING}\\n\"; close $c }",
    ]
    container.envFrom = [EnvFromSource(configMapRef: ConfigMapEnvSource(name: "settings"))]
    container.env = [
      EnvVar(name: "POD_IP", valueFrom: EnvVarSource(fieldRef: ObjectFieldSelector(fieldPath: "status.podIP")))
    ]
    container.readinessProbe = Probe(periodSeconds: 1, tcpSocket: TCPSocketAction(port: .int(8080)))
    container.volumeMounts = [VolumeMount(mountPath: "/settings", name: "settings")]
    container.securityContext = SecurityContext(
      allowPrivilegeEscalation: false, capabilities: Capabilities(drop: ["ALL"]), readOnlyRootFilesystem: true)
    return Pod(
      metadata: ObjectMeta(labels: ["app": name], name: name, namespace: "default"),
      spec: PodSpec(
        automountServiceAccountToken: false, containers: [container], nodeName: "sandbox-podman",
        securityContext: PodSecurityContext(runAsGroup: 1000, runAsNonRoot: true, runAsUser: 1000),
        terminationGracePeriodSeconds: 1,
        volumes: [Volume(configMap: ConfigMapVolumeSource(name: "settings"), name: "settings")]))
  }

  func create(_ object: some KubernetesResource) async throws { _ = try await client.create(object) }

  @discardableResult
  func start(_ pod: Pod) async throws -> Pod {
    try await create(pod)
    return try await wait(pod.metadata.name ?? "") { $0.isReady }
  }

  func wait(_ name: String, _ condition: @Sendable (Pod) -> Bool) async throws -> Pod {
    var last: Pod?
    try await until("pod \(name)") {
      last = try await client.get(Pod.self, name, in: "default")
      return last.map(condition) ?? false
    }
    return try #require(last)
  }

  /// The output of a shell command in a pod; empty where it fails.
  func run(_ pod: String, _ command: String) async throws -> String {
    let output = Mutex("")
    _ = try await node.exec(
      namespace: "default", pod: pod, container: "c", command: ["bash", "-c", command], tty: false, stdin: nil
    ) { item in
      if case .stdout(let bytes) = item { output.withLock { $0 += String(decoding: bytes, as: UTF8.self) } }
    }
    return output.withLock { $0.filter { !$0.isNewline } }
  }

  func until(_ what: String, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(40)
    while try await !condition() {
      guard ContinuousClock.now < deadline else {
        Issue.record("\(what): not within 40 s")
        throw CancellationError()
      }
      try await Task.sleep(for: .milliseconds(50))
    }
  }
}
