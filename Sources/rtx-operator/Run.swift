import ArgumentParser
import CoreMetrics
import FoundationEssentials
import KubernetesClient
import Logging
import OperatorRuntime
import PlatformOperator
import PrometheusMetrics

/// `rtx-operator run`
struct Run: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs the operator until it is told to stop.",
    discussion: "Finds the cluster as kubectl does: KUBECONFIG, ~/.kube/config, or the pod it runs in.")

  @Flag(inversion: .prefixedNo, help: "Let only one of several replicas work at a time.")
  var leaderElect = false

  @Option(help: "Namespace of the Lease for leader election; the pod's own by default.")
  var leaderElectionNamespace: String?

  @Option(help: "Look after platforms in this namespace only.")
  var namespace: String?

  @Option(help: "Port of /healthz and /readyz; 0 serves none.")
  var healthPort = 8081

  @Option(help: "Port of /metrics; 0 serves none.")
  var metricsPort = 8080

  @Option(help: "How many platforms are reconciled at once.")
  var workers = 4

  @Option(
    help: "Least severe level that is logged: trace, debug, info, notice, warning, error or critical.",
    transform: Run.level)
  var logLevel: Logger.Level = .info

  func run() async throws {
    let level = logLevel
    LoggingSystem.bootstrap { JSONLogHandler(label: $0, level: level) }
    let registry = PrometheusRegistry()
    MetricsSystem.bootstrap(registry)
    let logger = Logger(label: "rtx-operator")

    let cluster = try ClusterConfiguration.inferred()
    let client = try KubernetesClient(configuration: cluster).metered(host: Self.host(of: cluster.server))
    let environment = ProcessInfo.processInfo.environment
    let identity = Self.identity
    let lease =
      leaderElect
      ? LeaderElectionOptions(
        lease: ObjectKey(
          namespace: leaderElectionNamespace ?? environment["POD_NAMESPACE"] ?? cluster.namespace,
          name: "rtx-operator"),
        identity: identity)
      : nil
    let manager = Manager(
      client: client, logger: logger,
      options: ManagerOptions(
        healthPort: healthPort == 0 ? nil : healthPort, metricsPort: metricsPort == 0 ? nil : metricsPort,
        registry: registry, leaderElection: lease))
    PlatformOperator(
      client: manager.leaderClient, logger: logger,
      options: PlatformOperator.Options(namespace: namespace, instance: identity, workers: workers)
    ).add(to: manager)

    logger.info(
      "starting",
      metadata: [
        "version": "\(PrintVersion.text)", "server": "\(cluster.server)", "identity": "\(identity)",
        "namespace": "\(namespace ?? "all")",
      ])
    do {
      try await manager.run()
      try await client.shutdown()
      logger.info("stopped")
    } catch {
      logger.critical("stopped by an error", metadata: ["error": "\(error)"])
      try? await client.shutdown()
      throw ExitCode.failure
    }
  }

  /// `host:port` of an address, as client-go labels its requests.
  private static func host(of server: String) -> String {
    let rest = server.split(separator: "/", omittingEmptySubsequences: true)
    return rest.count > 1 ? String(rest[1]) : server
  }

  /// The pod's name and something that a restarted container does not share with its former self.
  private static var identity: String {
    let host = ProcessInfo.processInfo.environment["POD_NAME"] ?? ProcessInfo.processInfo.hostName
    return "\(host)_\(String(UInt32.random(in: .min ... .max), radix: 16))"
  }

  @Sendable
  private static func level(_ text: String) throws -> Logger.Level {
    guard let level = Logger.Level(rawValue: text) else {
      throw ValidationError("'\(text)' is no log level; choose one of \(Logger.Level.allCases.map(\.rawValue))")
    }
    return level
  }
}
