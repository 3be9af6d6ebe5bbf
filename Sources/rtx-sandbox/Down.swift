import ArgumentParser
import SandboxCluster

#if canImport(Glibc)
  import Glibc
#endif

struct Down: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Stop the cluster and remove every container, network, rule, mount, file and process of it.")

  @OptionGroup var options: SandboxOptions

  func run() async throws {
    let state = options.state
    if let process = state.process {
      progress("stopping sandbox '\(options.name)' (process \(process))")
      kill(process, SIGTERM)
      if try await !wait(upTo: .seconds(20), until: { state.process == nil }) {
        progress("it did not stop within 20 s: killing it")
        kill(process, SIGKILL)
        _ = try await wait(upTo: .seconds(5)) { state.process == nil }
      }
    }
    await Sandbox.removeRemains(name: options.name, dataFolder: state.data)
    try state.remove()
    progress("sandbox '\(options.name)' is gone")
  }
}

struct Status: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Say whether the cluster is up, and what runs on it.")

  @OptionGroup var options: SandboxOptions

  func run() async throws {
    let state = options.state
    guard let process = state.process else {
      print("sandbox '\(options.name)': down")
      throw ExitCode(3)
    }
    let summary = state.read(state.ready)
    print("sandbox '\(options.name)': \(summary == nil ? "starting" : "up") (process \(process))")
    print(summary ?? state.read(state.progress) ?? "")
    print("kubeconfig: \(state.kubeconfig)\nlog: \(state.log)")
  }
}
