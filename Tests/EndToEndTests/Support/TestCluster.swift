import Foundation
import Synchronization
import Testing

/// A sandbox cluster as a user would start it: the real binary, its real kubeconfig, stock kubectl.
struct TestCluster: Sendable {
  let name: String
  let kubeconfig: String

  static let binaries = ProcessInfo.processInfo.environment["RTX_BIN"] ?? "\(repository)/.build/debug"
  static let repository = URL(filePath: #filePath).pathComponents.dropLast(4).joined(separator: "/")
    .replacingOccurrences(of: "//", with: "/")
  static var cache: String {
    ProcessInfo.processInfo.environment["RTX_CACHE"] ?? NSHomeDirectory() + "/.cache/rtx-platform"
  }

  /// Whether real containers can run here; without them the tests that need some are skipped.
  static let canRunContainers: Bool =
    geteuid() == 0
    && ["podman", "nft", "ip", "kubectl"].allSatisfy { Shell.runBlocking("which", [$0]).succeeded }
    && Shell.runBlocking("podman", ["image", "exists", "localhost/rtx-platform/rtx-operator:dev"]).succeeded
  static let hasKubectl = Shell.runBlocking("which", ["kubectl"]).succeeded

  static func sandbox(_ arguments: [String], limit: Duration = .seconds(180)) async -> CommandResult {
    await Shell.run("\(binaries)/rtx-sandbox", arguments, limit: limit)
  }

  static func up(_ name: String, _ arguments: [String]) async throws -> TestCluster {
    let result = await sandbox(["up", "--name", name] + arguments)
    try #require(result.succeeded, "rtx-sandbox up failed: \(result.everything)")
    let line = try #require(result.output.split(separator: "\n").first { $0.hasPrefix("export KUBECONFIG=") })
    return TestCluster(name: name, kubeconfig: String(line.dropFirst("export KUBECONFIG=".count)))
  }

  func down() async {
    let result = await Self.sandbox(["down", "--name", name])
    if !result.succeeded { Issue.record("rtx-sandbox down failed: \(result.everything)") }
  }

  var environment: [String: String] { ["KUBECONFIG": kubeconfig, "HOME": NSTemporaryDirectory() + "rtx-e2e-home"] }

  /// kubectl as it is, whatever its result.
  func kubectl(_ arguments: String..., input: String? = nil, limit: Duration = .seconds(60)) async -> CommandResult {
    await Shell.run("kubectl", arguments, input: input, environment: environment, limit: limit)
  }

  /// kubectl's output; a failure fails the test with what it printed.
  @discardableResult
  func run(
    _ arguments: String..., input: String? = nil, limit: Duration = .seconds(60)
  ) async throws -> String {
    let result = await Shell.run("kubectl", arguments, input: input, environment: environment, limit: limit)
    // Thrown, not recorded: while a test waits for something, its absence is no failure yet.
    guard result.succeeded else {
      throw CommandFailure(text: "kubectl \(arguments.joined(separator: " ")): \(result.everything)")
    }
    return result.output
  }
}

/// Clusters shared by the suites of one run, started when first asked for, removed when the process ends.
actor SharedClusters {
  static let shared = SharedClusters()
  private var running: [String: Task<TestCluster, any Error>] = [:]

  /// Real containers, the operator installed from config/default as a pod, the sample platform applied in `rtx-trading`.
  func podman() async throws -> TestCluster {
    try await cluster("e2e") {
      let cluster = try await TestCluster.up(
        "e2e", ["--node", "podman", "--install", TestCluster.repository + "/config/default"])
      try await cluster.run("apply", "-f", TestCluster.repository + "/config/samples/sandbox.yaml")
      return cluster
    }
  }

  /// Simulated pods and no operator: for what needs an API server and workload controllers only.
  func simulated() async throws -> TestCluster {
    try await cluster("e2esim") {
      let cluster = try await TestCluster.up("e2esim", ["--node", "simulated"])
      try await cluster.run("apply", "--server-side", "-k", TestCluster.repository + "/config/default")
      // The operator of these tests runs on this machine, where a test can kill it; the pod would only be simulated.
      try await cluster.run("-n", "rtx-system", "scale", "deployment/rtx-operator", "--replicas=0")
      return cluster
    }
  }

  private func cluster(_ name: String, _ start: @escaping @Sendable () async throws -> TestCluster) async throws
    -> TestCluster
  {
    if let task = running[name] { return try await task.value }
    _ = atExit
    _ = names.withLock { $0.insert(name) }
    let task = Task { try await start() }
    running[name] = task
    return try await task.value
  }
}

/// Swift Testing has no teardown for a whole run, so the process removes its clusters when it ends.
private let names = Mutex<Set<String>>([])
private let atExit: Void = {
  atexit {
    for name in names.withLock({ $0 }) {
      _ = Shell.runBlocking("\(TestCluster.binaries)/rtx-sandbox", ["down", "--name", name], limit: .seconds(60))
    }
  }
}()
