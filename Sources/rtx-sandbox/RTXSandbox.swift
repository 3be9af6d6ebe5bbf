import ArgumentParser
import SandboxCluster

/// `rtx-sandbox`: a Kubernetes cluster on one machine, for trying and testing.
@main
struct RTXSandbox: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rtx-sandbox",
    abstract: "A Kubernetes cluster on one machine, for trying and testing. Not for production.",
    discussion: """
      `up` starts one background process that is the whole cluster: an API server that stock kubectl talks to, the \
      workload controllers, and a node that runs pods as podman containers with their own addresses, Services, DNS and \
      NetworkPolicies. State is in memory; `down` removes every trace.

      Where podman or root is missing, `up --node simulated` makes pods Ready without running anything, and says so.
      """,
    subcommands: [
      Up.self, Down.self, Status.self, Apply.self, Get.self, Delete.self, Wait.self, Serve.self,
    ])
}

/// What every subcommand needs to find its cluster.
struct SandboxOptions: ParsableArguments {
  @Option(help: "Which sandbox, when there are several on this machine: 2 to 6 lower-case letters or digits.")
  var name = "rtx"

  func validate() throws {
    guard Sandbox.isValidName(name) else {
      throw ValidationError(
        "--name: '\(name)' names network interfaces too; use 2 to 6 lower-case letters or digits, the first a letter")
    }
  }

  var state: StateDirectory { StateDirectory(name: name) }
}
