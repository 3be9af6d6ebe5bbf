import ArgumentParser
import Logging
import TradingServer
import TradingStore

struct Migrate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Change the database's schema.",
    discussion: "Any number of processes may run this at once; an advisory lock lets them through one by one.",
    subcommands: [Up.self, Down.self, Status.self])

  enum Phase: String, ExpressibleByArgument, CaseIterable { case expand, contract }

  struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Apply migrations.")
    @Option(name: .customLong("to"), help: "The last migration to apply; default all.")
    var number: Int?
    @Option(
      help: """
        expand: stop before the first migration that the release before could not work with. \
        contract: apply those, once that release cannot come back. Default: both. \
        Fails when more of the phase lies behind a pending one of the other.
        """)
    var phase: Phase?
    @Flag(help: "Create the database first when it does not exist.")
    var createDatabase = false
    @OptionGroup var limit: TimeLimit

    func run() async throws {
      try await Migrate.run(
        .up(to: number, phase: phase.flatMap { Migration.Phase(rawValue: $0.rawValue) }),
        createDatabase: createDatabase, deadline: limit.deadline)
    }
  }

  struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Undo migrations.", discussion: "The ledger and its accounts are put aside and come back with `up`.")
    @Option(name: .customLong("to"), help: "The migration to go back to, 0 for none; default one step back.")
    var number: Int?
    @OptionGroup var limit: TimeLimit

    func run() async throws {
      try await Migrate.run(.down(to: number), createDatabase: false, deadline: limit.deadline)
    }
  }

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List migrations; exit 3 when some are not applied.")
    @OptionGroup var limit: TimeLimit

    func run() async throws {
      let migrator = try Migrate.migrator(Setup.logger())
      let (applied, pending) = try await Migrate.reported(migrator.logger) {
        try await migrator.value.status(deadline: limit.deadline)
      }
      for row in applied { print("\(row.number)  applied \(row.appliedAt)  \(row.checksum)  \(row.name)") }
      for migration in pending {
        print("\(migration.number)  pending  \(migration.phase.rawValue)  \(migration.checksum)  \(migration.name)")
      }
      if !pending.isEmpty { throw Exit.pending }
    }
  }

  private static func migrator(_ logger: Logger) throws -> (value: Migrator, logger: Logger) {
    Setup.endOnSignals()
    let settings = try Setup.configured(logger) { environment throws(ConfigurationError) in
      try ServerConfiguration.postgres(environment: environment)
    }
    return (Migrator(settings: settings, logger: logger), logger)
  }

  private static func run(
    _ target: MigrationTarget, createDatabase: Bool, deadline: ContinuousClock.Instant
  ) async throws {
    let (migrator, logger) = try migrator(Setup.logger())
    let steps = try await reported(logger) {
      if createDatabase { try await migrator.createDatabase(deadline: deadline) }
      return try await migrator.run(target, deadline: deadline)
    }
    logger.notice("the schema is as asked", metadata: ["steps": "\(steps.count)"])
  }

  /// Logs what went wrong and picks the exit code.
  private static func reported<Value>(_ logger: Logger, _ body: () async throws -> Value) async throws -> Value {
    do {
      return try await body()
    } catch {
      logger.critical("migration failed", metadata: ["error": "\(error)"])
      if case MigrationError.deadline = error { throw Exit.unavailable }
      throw Exit.failure
    }
  }
}
