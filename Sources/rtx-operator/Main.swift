import ArgumentParser

/// The operator of RTX platforms.
@main
struct RTXOperator: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rtx-operator", abstract: "Makes and keeps the platforms that RTXPlatform objects ask for.",
    subcommands: [Run.self, PrintVersion.self], defaultSubcommand: Run.self)
}

/// `rtx-operator version`
struct PrintVersion: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Prints the operator's version.")

  /// The version of this source tree.
  static let text = "0.1.0-dev"

  func run() {
    print("rtx-operator \(Self.text) (rtx.trading/v1alpha1)")
  }
}
