import ArgumentParser
import Logging
import ServiceLifecycle
import TradingServer
import UnixSignals

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the server (default).",
    discussion:
      "SIGTERM and SIGINT shut down gracefully: not ready, WebSocket clients told to reconnect, requests finished.")

  func run() async throws {
    let logger = Setup.logger()
    let configuration = try Setup.configured(logger) { environment throws(ConfigurationError) in
      try ServerConfiguration(environment: environment)
    }
    var group = ServiceGroupConfiguration(
      services: [TradingApplication(configuration: configuration, replica: Setup.hostName, logger: logger)],
      gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    group.maximumGracefulShutdownDuration = configuration.shutdownGrace
    do {
      try await ServiceGroup(configuration: group).run()
    } catch {
      logger.critical(
        "the server failed",
        metadata: [
          "error": "\(error)", "remedy": "check that port \(configuration.port) is free, and the entries above",
        ])
      throw Exit.failure
    }
  }
}
