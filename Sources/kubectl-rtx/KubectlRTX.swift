import ArgumentParser

/// `kubectl rtx`: what a platform's status says, laid out for people.
@main
struct KubectlRTX: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kubectl-rtx", abstract: "Looks after RTX trading platforms.",
    discussion: "Put this program on PATH and call it as a kubectl plugin: kubectl rtx status",
    subcommands: [ShowStatus.self])
}
