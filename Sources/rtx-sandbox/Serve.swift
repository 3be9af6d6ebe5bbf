import ArgumentParser
import FoundationEssentials
import KubernetesClient
import KubernetesModels
import Logging
import SandboxCluster
import Subprocess

#if canImport(Glibc)
  import Glibc
#endif

/// The process behind `up`: the whole cluster, until SIGTERM.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the cluster in the foreground (what `up` starts in the background).")

  @OptionGroup var options: ServeOptions

  func run() async throws {
    let state = options.sandbox.state
    try state.create()
    try state.recordProcess()
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = .info
      return handler
    }
    let configuration = SandboxConfiguration(
      name: options.sandbox.name, node: try await nodeKind(), dataFolder: state.data, port: options.port)
    do {
      try await Sandbox(configuration: configuration).run { sandbox in
        try await prepare(sandbox, state)
      } progress: {
        try? state.write($0, to: state.progress)
      }
    } catch {
      try? state.write("failed: \(error)", to: state.progress)
      throw error
    }
  }

  /// Writes the kubeconfig, installs what was asked for, and says that the cluster is there.
  private func prepare(_ sandbox: Sandbox, _ state: StateDirectory) async throws {
    try state.write(sandbox.adminKubeconfig, to: state.kubeconfig)
    let installer = Installer(client: sandbox.client)
    for path in options.install {
      try state.write("installing \(path)", to: state.progress)
      try await installer.apply(try Manifests.load(path))
    }
    if let operatorBinary = options.operatorBinary, sandbox.configuration.node == .simulated {
      try state.write("starting \(operatorBinary) on this machine, since pods are only simulated", to: state.progress)
      let kubeconfig = state.path + "/operator-kubeconfig"
      try state.write(
        try await sandbox.serviceAccountKubeconfig("rtx-operator", namespace: "rtx-system"), to: kubeconfig)
      sandbox.addProcess(
        operatorBinary, ["run", "--health-port", "0", "--metrics-port", "0"],
        environment: ["KUBECONFIG": kubeconfig], logPath: state.path + "/operator.log")
    }
    try state.write(sandbox.summary, to: state.ready)
  }

  private func nodeKind() async throws -> SandboxConfiguration.NodeKind {
    switch options.node {
    case .simulated: return .simulated
    case .auto, .podman:
      let environment = await PodmanEnvironment.detect()
      if environment.isUsable { return .podman }
      let problems = environment.problems.joined(separator: "; ")
      guard options.node == .auto else { throw SandboxFailure("--node podman: \(problems)") }
      progress("pods are only SIMULATED on this machine: \(problems)")
      return .simulated
    }
  }
}
