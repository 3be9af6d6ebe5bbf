import ArgumentParser
import TradingCore
import TradingLoad
import TradingStore

/// Durable orders a second through `TradingDesk`, in one process with it. Prints `key value` lines.
@main
struct OrderBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "order-bench", abstract: "Measure how many orders a second are committed, and how soon.",
    subcommands: [Prepare.self, Desk.self, Script.self])

  /// Opens the accounts that `desk` and pgbench trade on.
  struct Prepare: AsyncParsableCommand {
    @OptionGroup var database: DatabaseArguments
    @Option(help: "Accounts.") var accounts = 64

    func run() async throws {
      try await database.withDesk { desk in
        for number in 0..<accounts { try await BenchAccount(number).open(on: desk) }
      }
    }
  }

  /// As many orders as possible, and then half as many at fixed moments.
  struct Desk: AsyncParsableCommand {
    @OptionGroup var database: DatabaseArguments
    @Option(help: "Clients that each wait for their answer.") var clients = 64
    @Option(help: "Seconds of each of the two measurements.") var seconds = 10

    func run() async throws {
      try await database.withDesk { desk in
        let load = DeskLoad(desk: desk, clients: clients)
        // Connections, prepared statements and caches are not what is measured.
        _ = try await load.closed(for: .seconds(1))
        let most = try await load.closed(for: .seconds(seconds))
        most.report("closed")
        let half = try await load.open(rate: most.rate / 2, for: .seconds(seconds))
        half.report("half")
      }
    }
  }

  /// pgbench's script for the same statement with a single order in it.
  struct Script: AsyncParsableCommand {
    func run() async throws { print(try PeerScript.text()) }
  }
}

/// Which database to use.
struct DatabaseArguments: ParsableArguments {
  @Option(help: "PostgreSQL's port on 127.0.0.1.") var port: Int
  @Option(help: "The database, with the schema that rtx-server migrate makes.") var database: String
  @Option(help: "Connections that commit.") var lanes = 2

  /// Runs `body` with a desk that works.
  func withDesk(_ body: @escaping @Sendable (TradingDesk) async throws -> Void) async throws {
    let settings = PostgresSettings(
      host: "127.0.0.1", port: port, database: database, user: "postgres", sslMode: .disable)
    let logger = BenchAccount.logger
    let pool = PostgresPool(settings: settings, logger: logger)
    let market = try BenchAccount.market()
    let desk = TradingDesk(pool: pool, lanes: lanes, market: { market }, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await desk.run() }
      try await body(desk)
      group.cancelAll()
    }
    await pool.shutdown()
  }
}
