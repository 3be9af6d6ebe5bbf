import FoundationEssentials
public import KubernetesClient
import KubernetesModels
import Logging
import NIOPosix
import OperatorRuntime
import Synchronization
import UnixSignals

/// How a sandbox is set up.
public struct SandboxConfiguration: Sendable {
  /// What runs the pods.
  public enum NodeKind: String, Sendable { case podman, simulated }

  /// See ``Sandbox/isValidName(_:)``.
  public var name: String
  public var node: NodeKind
  /// Everything that the sandbox writes, absolute.
  public var dataFolder: String
  /// Port of the API server on 127.0.0.1; 0 takes a free one.
  public var port: Int

  public init(name: String, node: NodeKind, dataFolder: String, port: Int = 0) {
    self.name = name
    self.node = node
    self.dataFolder = dataFolder
    self.port = port
  }
}

/// A Kubernetes cluster in this process: API server, workload controllers, network and one node.
///
/// For trying and testing; state is in memory.
public final class Sandbox: Sendable {
  public let configuration: SandboxConfiguration
  public let server: APIServer
  /// Acts as a cluster administrator, without a network between.
  public let client: KubernetesClient

  private struct Process: Sendable {
    var path: String
    var arguments: [String]
    var environment: [String: String]
    var logPath: String
  }
  private let network: NetworkConfiguration
  private let address = Mutex<String>("")
  private let processes = Mutex<[Process]>([])
  private let logger = Logger(label: "sandbox")

  public init(configuration: SandboxConfiguration) throws {
    self.configuration = configuration
    var network = NetworkConfiguration(instance: configuration.name, apiServerPort: 6443)
    if configuration.node == .podman {
      (network.podNetwork, network.serviceNetwork) = Self.freeNetworks()
    }
    self.network = network
    var settings = APIServer.Configuration()
    settings.serviceCIDR = network.serviceNetwork.description
    server = try APIServer(configuration: settings)
    client = server.client(as: .admin)
  }

  /// Names stand in interface names too, of which Linux allows 15 characters: 2 to 6 lower-case letters or digits,
  /// the first a letter.
  public static func isValidName(_ name: String) -> Bool {
    (2...6).contains(name.utf8.count) && name.utf8.first.map { (97...122).contains($0) } == true
      && name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) }
  }

  /// The kubeconfig of a cluster administrator, for this machine. Set once ``run(whenServing:progress:)`` serves.
  public var adminKubeconfig: String { address.withLock { server.adminKubeconfig(server: $0) } }

  /// What `rtx-sandbox status` prints.
  public var summary: String {
    let node =
      configuration.node == .podman
      ? "podman; pods \(network.podNetwork), Services \(network.serviceNetwork)"
      : "SIMULATED: pods become Ready, but nothing runs in them"
    return "API server: \(address.withLock { $0 })\nnode: \(node)"
  }

  /// A kubeconfig with a token of a ServiceAccount, valid for a day: what a program outside the cluster needs to act with
  /// exactly the rights of one inside.
  public func serviceAccountKubeconfig(_ name: String, namespace: String) async throws -> String {
    let token = try await client.createToken(
      serviceAccount: name, in: namespace, expirationSeconds: 86_400)
    return address.withLock { server.kubeconfig(server: $0, user: name, token: token.token) }
  }

  /// Runs a program of this machine beside the cluster until the sandbox stops; it is started again when it ends.
  public func addProcess(_ path: String, _ arguments: [String], environment: [String: String], logPath: String) {
    let process = Process(path: path, arguments: arguments, environment: environment, logPath: logPath)
    processes.withLock { $0.append(process) }
  }

  /// Serves until cancelled.
  /// - Parameters:
  ///   - whenServing: Called once the API server answers and the controllers run.
  ///   - progress: Told what is going on, a line at a time.
  public func run(
    whenServing: @Sendable (Sandbox) async throws -> Void, progress: @Sendable (String) -> Void
  ) async throws {
    progress("starting the API server")
    let frontEnd = APIServerFrontEnd(server: server)
    let port = try await frontEnd.bind(host: "127.0.0.1", port: configuration.port)
    address.withLock { $0 = "https://127.0.0.1:\(port)" }
    let hostNetwork = HostNetwork(configuration: network)
    if configuration.node == .podman {
      progress("making the pod network \(network.podNetwork)")
      try await hostNetwork.setUp()
      _ = try await frontEnd.bind(host: network.gateway.description, port: network.apiServerPort)
      try server.advertise(address: network.gateway.description, port: network.apiServerPort)
    }
    do {
      try await runParts(hostNetwork, whenServing)
    } catch {
      try? await frontEnd.shutdown()
      throw error
    }
    try await frontEnd.shutdown()
  }

  private func runParts(
    _ hostNetwork: HostNetwork, _ whenServing: @Sendable (Sandbox) async throws -> Void
  ) async throws {
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { [self] in
        try await workloadControllers(
          client: client, configuration: WorkloadConfiguration(volumeRoot: configuration.dataFolder + "/volumes")
        ).run()
      }
      switch configuration.node {
      case .podman:
        let node = try PodmanNode(
          client: client, configuration: nodeConfiguration, environment: await PodmanEnvironment.detect())
        server.setPodLogSource(node)
        server.setPodMetricsSource(node)
        server.setUpgradeHandler(PodStreamServer(backend: node, logger: logger))
        group.addTask { try await node.run() }
        group.addTask { [self] in
          try await ServiceNetwork(client: client, configuration: network).run()
        }
      case .simulated:
        let node = SimulatedNode(client: client)
        group.addTask { try await node.run() }
      }
      group.addTask { for await _ in signals { return } }
      try await whenServing(self)
      for process in processes.withLock({ $0 }) { group.addTask { await Self.keepRunning(process) } }
      // The first part to end ends the sandbox: the signal, or a part that cannot go on.
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private var nodeConfiguration: NodeConfiguration {
    NodeConfiguration(
      network: network, dataFolder: configuration.dataFolder + "/node",
      imageRemedy: "build the platform's images with images/build, or load one with: podman load -i IMAGE.tar")
  }

  private static func keepRunning(_ process: Process) async {
    while !Task.isCancelled {
      let script = "exec \"$0\" \"$@\" >>\"$SANDBOX_PROCESS_LOG\" 2>&1"
      let variables = process.environment.map { "\($0.key)=\($0.value)" } + ["SANDBOX_PROCESS_LOG=\(process.logPath)"]
      try? await Command.run("env", variables + ["/bin/sh", "-c", script, process.path] + process.arguments)
      // Not at once: a program that cannot start would keep this machine busy.
      try? await Task.sleep(for: .seconds(1))
    }
  }

  /// Two /16 networks that no other sandbox of this machine uses, the usual ones first.
  private static func freeNetworks() -> (pods: IPv4Network, services: IPv4Network) {
    let routes = String(decoding: FileManager.default.contents(atPath: "/proc/net/fib_trie") ?? Data(), as: UTF8.self)
    for step in 0..<16 {
      let pods = step == 0 ? "10.244" : "10.\(200 + step)"
      let services = step == 0 ? "10.96" : "10.\(96 + step)"
      guard !routes.contains(" \(pods).0.1\n"), let podNetwork = IPv4Network("\(pods).0.0/16"),
        let serviceNetwork = IPv4Network("\(services).0.0/16")
      else { continue }
      return (podNetwork, serviceNetwork)
    }
    return (NetworkConfiguration.defaultPodNetwork, NetworkConfiguration.defaultServiceNetwork)
  }

  /// Removes everything that a sandbox of this name left on the machine, whether it stopped well or was killed.
  public static func removeRemains(name: String, dataFolder: String) async {
    guard await PodmanEnvironment.detect().isUsable else { return }
    await NodeRuntime.removeAll(instance: name, dataFolder: dataFolder + "/node")
  }
}
