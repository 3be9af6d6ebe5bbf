import ArgumentParser
import FoundationEssentials
import KubernetesClient
import SandboxCluster
import Subprocess
import SystemPackage

/// What `up` and the process that it starts agree on.
struct ServeOptions: ParsableArguments {
  @OptionGroup var sandbox: SandboxOptions

  @Option(help: "What runs the pods: podman (real containers; needs root), simulated (nothing runs), or auto.")
  var node: NodeKind = .auto

  @Option(help: "Port of the API server on 127.0.0.1; 0 takes a free one.")
  var port = 0

  @Option(help: "Manifests to install once the API server answers: a kustomization folder or a YAML file.")
  var install: [String] = []

  @Option(
    help: "With simulated nodes: an rtx-operator binary to run on this machine, as the installed Deployment would.")
  var operatorBinary: String?

  var arguments: [String] {
    ["--name", sandbox.name, "--node", node.rawValue, "--port", String(port)]
      + install.flatMap { ["--install", $0] }
      + (operatorBinary.map { ["--operator-binary", $0] } ?? [])
  }
}

/// What `--node` takes.
enum NodeKind: String, ExpressibleByArgument, CaseIterable {
  case auto, podman, simulated
}

struct Up: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Start the cluster in the background and print its kubeconfig.",
    discussion: "Run again, it says that the cluster is up and changes nothing.")

  @OptionGroup var options: ServeOptions

  @Option(help: "How many seconds to wait for the cluster to answer.")
  var timeout = 120

  func run() async throws {
    let state = options.sandbox.state
    if state.process != nil, FileManager.default.fileExists(atPath: state.ready) {
      progress("sandbox '\(options.sandbox.name)' is already up")
      print("export KUBECONFIG=\(state.kubeconfig)")
      return
    }
    if state.process == nil {
      // What a killed sandbox left behind would collide with the new one.
      await Sandbox.removeRemains(name: options.sandbox.name, dataFolder: state.data)
      try state.remove()
      try state.create()
      try await startServer(state)
    }
    var shown = ""
    let up = try await wait(upTo: .seconds(timeout)) {
      if let line = state.read(state.progress), line != shown, !line.isEmpty {
        shown = line
        progress(line)
      }
      if FileManager.default.fileExists(atPath: state.ready) { return true }
      guard state.process != nil else { throw SandboxFailure(failure(state, "stopped while starting")) }
      return false
    }
    guard up else { throw SandboxFailure(failure(state, "did not answer within \(timeout) s")) }
    print("export KUBECONFIG=\(state.kubeconfig)")
  }

  private func startServer(_ state: StateDirectory) async throws {
    let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    // A shell and setsid detach the server from this terminal; Subprocess would wait for it.
    let script = "exec setsid --fork \"$0\" \"$@\" </dev/null >>\"$SANDBOX_LOG\" 2>&1"
    let result = try await Subprocess.run(
      .path("/bin/sh"), arguments: Arguments(["-c", script, executable, "serve"] + options.arguments),
      environment: .inherit.updating(["SANDBOX_LOG": state.log]), output: .discarded, error: .discarded)
    guard result.terminationStatus.isSuccess else {
      throw SandboxFailure("the sandbox process could not be started: \(result.terminationStatus)")
    }
    _ = try await wait(upTo: .seconds(5)) { state.process != nil }
  }

  private func failure(_ state: StateDirectory, _ what: String) -> String {
    let log = (state.read(state.log) ?? "").split(separator: "\n").suffix(15).joined(separator: "\n")
    return "sandbox '\(options.sandbox.name)' \(what). The end of its log (\(state.log)):\n\(log)"
  }
}

/// An error whose description is all that a user needs.
struct SandboxFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// A line of progress for people: on standard error, so that `eval "$(rtx-sandbox up)"` works.
func progress(_ line: String) {
  try? FileHandleOutput.standardError.write(line + "\n")
}
