import ArgumentParser
import Logging
import TradingServer
import TradingStore

struct Wait: AsyncParsableCommand {
  enum Service: String, ExpressibleByArgument, CaseIterable { case postgres, redis }

  static let configuration = CommandConfiguration(
    abstract: "Wait until services accept real connections.",
    discussion: "For init containers. Without --for, waits for all of them.")

  @Option(name: .customLong("for"), help: "postgres or redis; may be repeated.")
  var services: [Service] = []
  @Flag(help: "The server is enough: DB_NAME need not exist yet, the database postgres is tried instead.")
  var serverOnly = false
  @OptionGroup var limit: TimeLimit

  func run() async throws {
    Setup.endOnSignals()
    let logger = Setup.logger()
    let services = self.services.isEmpty ? Service.allCases : self.services
    let waiter = ServiceWaiter(deadline: limit.deadline, logger: logger)
    for service in services {
      do {
        switch service {
        case .postgres:
          var settings = try Setup.configured(logger) { environment throws(ConfigurationError) in
            try ServerConfiguration.postgres(environment: environment)
          }
          if serverOnly { settings.database = "postgres" }
          try await waiter.wait(for: settings)
        case .redis:
          try await waiter.wait(
            for: Setup.configured(logger) { environment throws(ConfigurationError) in
              try ServerConfiguration.redis(environment: environment)
            })
        }
      } catch let error as ServiceWaiter.TimedOut {
        logger.critical("gave up waiting", metadata: ["error": "\(error)"])
        throw Exit.unavailable
      }
    }
  }
}
