import ArgumentParser
import FoundationEssentials
import Glibc
import Logging
import TradingServer

/// Exit codes beside 0 and ArgumentParser's 64 for a wrong command line (sysexits.h).
enum Exit {
  /// A service was not there in time.
  static let unavailable = ExitCode(EX_UNAVAILABLE)
  /// A migration or the server itself failed.
  static let failure = ExitCode(1)
  /// `migrate status`: there are migrations to apply.
  static let pending = ExitCode(3)
  /// The environment holds values that cannot be used.
  static let configuration = ExitCode(EX_CONFIG)
}

@main
struct RTXServer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rtx-server", abstract: "The trading server of the RTX platform.",
    discussion: environmentHelp + """


      Exit codes
        0 done   1 failed   3 migrations pending (migrate status)
        64 wrong command line   69 a service was not there in time
        78 wrong environment
      """,
    version: serverVersion,
    subcommands: [Serve.self, Migrate.self, Wait.self, Audit.self, HealthCheck.self, Version.self],
    defaultSubcommand: Serve.self)
}

/// What every command starts with.
enum Setup {
  static var environment: [String: String] { ProcessInfo.processInfo.environment }

  static func logger() -> Logger {
    let level = ServerConfiguration.logLevel(environment: environment)
    LoggingSystem.bootstrap { JSONLogHandler(label: $0, level: level) }
    return Logger(label: "rtx-server")
  }

  /// Lets SIGTERM and SIGINT end a command that has nothing to finish. As process 1 of a container it would otherwise
  /// not hear them: the kernel drops signals without a handler there.
  static func endOnSignals() {
    for number in [SIGTERM, SIGINT] { signal(number) { _exit(128 + $0) } }
  }

  /// Reads configuration, or logs each problem and ends with `Exit.configuration`.
  static func configured<Value>(
    _ logger: Logger, _ read: ([String: String]) throws(ConfigurationError) -> Value
  ) throws -> Value {
    do {
      return try read(environment)
    } catch {
      for problem in error.problems {
        logger.critical(
          "\(problem.key): \(problem.message)", metadata: ["key": "\(problem.key)", "remedy": "\(problem.remedy)"])
      }
      throw Exit.configuration
    }
  }

  static var hostName: String {
    environment["HOSTNAME"].flatMap { $0.isEmpty ? nil : $0 } ?? ProcessInfo.processInfo.hostName
  }
}

/// A time limit in whole seconds.
struct TimeLimit: ParsableArguments {
  @Option(help: "Seconds to wait for services that are not there yet.")
  var timeout = 300

  var deadline: ContinuousClock.Instant { .now + .seconds(timeout) }

  func validate() throws {
    guard (0...86_400).contains(timeout) else { throw ValidationError("--timeout must be from 0 to 86400 seconds") }
  }
}

struct Version: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Print the version.")

  func run() { print("rtx-server \(serverVersion)") }
}

struct HealthCheck: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "healthcheck",
    abstract: "Ask the server on this machine for /health; exit 1 when it does not answer.",
    discussion: "Reads PORT, and TLS_CERT_FILE to know whether the server speaks TLS. Waits for at most 3 seconds.")

  func run() async throws {
    let target: (port: Int, isSecure: Bool)
    do {
      target = try ServerConfiguration.probe(environment: Setup.environment)
    } catch {
      print(error)
      throw Exit.configuration
    }
    guard await HealthProbe.isHealthy(port: target.port, isSecure: target.isSecure) else {
      print("no healthy server on \(target.isSecure ? "https" : "http")://127.0.0.1:\(target.port)")
      throw Exit.failure
    }
    print("healthy")
  }
}
