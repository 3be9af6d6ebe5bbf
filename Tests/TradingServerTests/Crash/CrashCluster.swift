import Foundation
import Testing
import TradingLoad
import TradingStore

/// Two replicas of the real program over a PostgreSQL and a Redis of its own, to be killed by the test.
final class CrashCluster: Sendable {
  /// One running `rtx-server`.
  struct Replica: Sendable {
    let name: String
    let port: Int
    let process: ServerProcess

    /// Starts the program, again if it was killed, and waits until it can place orders.
    func start() async throws {
      try process.start()
      try await eventually("replica \(name) is ready", within: .seconds(30)) {
        try await WireClient.request(port, "GET", "/ready").status == 200
      }
    }
  }

  let postgres: PostgresServer
  let redis: RedisServer
  /// The database as the test reaches it, whatever stands between it and the replicas.
  let database: PostgresSettings
  let replicas: [Replica]

  /// - Parameter proxy: the port by which the replicas reach PostgreSQL, given PostgreSQL's own; by default that one.
  static func start(through proxy: (Int) async throws -> Int = { $0 }) async throws -> CrashCluster {
    let postgres = try await PostgresServer.start(isDurable: true)
    let redis = try RedisServer()
    try await redis.waitUntilReady()
    let database = try await postgres.makeMigratedDatabase()
    let cluster = CrashCluster(
      postgres: postgres, redis: redis, database: database, databasePort: try await proxy(postgres.port),
      ports: [try freePort(), try freePort()])
    for replica in cluster.replicas { try await replica.start() }
    return cluster
  }

  private init(
    postgres: PostgresServer, redis: RedisServer, database: PostgresSettings, databasePort: Int, ports: [Int]
  ) {
    self.postgres = postgres
    self.redis = redis
    self.database = database
    replicas = ports.enumerated().map { index, port in
      let name = "replica\(index)"
      let environment = [
        "DB_HOST": "127.0.0.1", "DB_PORT": "\(databasePort)", "DB_NAME": database.database, "DB_USER": database.user,
        "DB_SSL_MODE": "disable", "REDIS_HOST": redis.settings.host, "REDIS_PORT": "\(redis.settings.port)",
        "PORT": "\(port)", "BIND_ADDRESS": "127.0.0.1", "DRAIN_SECONDS": "0", "HOSTNAME": name, "LOG_LEVEL": "error",
        "RATE_LIMIT_PER_ACCOUNT": "0", "RATE_LIMIT_PER_ADDRESS": "0", "SIM_INTERVAL_MS": "100",
      ]
      return Replica(
        name: name, port: port,
        process: ServerProcess(
          ["/usr/bin/env"] + environment.map { "\($0.key)=\($0.value)" } + [Self.program("rtx-server")]))
    }
  }

  /// Orders at both replicas, 500 a second; `fault` happens while they come in, at another moment each time.
  func load(
    _ prefix: String, for duration: Duration, fault: @escaping @Sendable () async throws -> Void
  ) async throws -> LoadReport {
    let schedule = ArrivalSchedule(
      rate: 500, duration: duration, spacing: .poisson, seed: .random(in: 0...(.max)))
    var options = LoadOptions(
      targets: try replicas.map { try #require(Target("127.0.0.1:\($0.port)")) }, arrivals: schedule, prefix: prefix)
    options.connections = 32
    options.progressInterval = .milliseconds(10)
    options.orderDeadline = .seconds(40)
    let (progress, continuation) = AsyncStream.makeStream(of: LoadProgress.self)
    let run = LoadRun(options) { continuation.yield($0) }
    async let report = {
      defer { continuation.finish() }
      return try await run.run()
    }()
    let moment = Int.random(in: 20...300)
    for await state in progress where state.acknowledged >= moment { break }
    try await fault()
    return try await report
  }

  /// Every order that was answered is in the books exactly once, and the books balance.
  ///
  /// - Parameter others: orders that were placed beside the load.
  func expectExactlyOnce(
    _ reports: [LoadReport], others: Int = 0, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    for report in reports {
      #expect(report.verdict != .broken, "\(report.table)", sourceLocation: sourceLocation)
      #expect(report.orders.acknowledged == report.orders.sent, "\(report.table)", sourceLocation: sourceLocation)
      #expect(report.orders.found == report.orders.sent, "\(report.table)", sourceLocation: sourceLocation)
    }
    let sent = reports.reduce(0) { $0 + $1.orders.sent } + others
    #expect(try await count("SELECT count(*) FROM orders") == sent, sourceLocation: sourceLocation)
    let created = "SELECT count(*) FROM transactions WHERE kind ~ '_ORDER(_REJECT)?$' AND kind ~ '^(MARKET|LIMIT)'"
    #expect(try await count(created) == sent, sourceLocation: sourceLocation)
    let audit = try await run("rtx-server", ["audit"])
    #expect(audit.status == 0, "\(audit.output)", sourceLocation: sourceLocation)
  }

  /// The first column of the first row.
  func value(_ sql: String) async throws -> String? {
    let connection = PostgresConnection()
    let deadline = ContinuousClock.now + .seconds(20)
    try await connection.open(database, deadline: deadline)
    let value = try await connection.query(sql, deadline: deadline)[0, 0]
    await connection.close()
    return value
  }

  private func count(_ sql: String) async throws -> Int { Int(try await value(sql) ?? "") ?? -1 }

  /// Runs a program on the cluster's database to its end.
  private func run(_ name: String, _ arguments: [String]) async throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Self.program(name))
    process.arguments = arguments
    process.environment = [
      "DB_HOST": "127.0.0.1", "DB_PORT": "\(database.port)", "DB_NAME": database.database, "DB_USER": database.user,
      "DB_SSL_MODE": "disable",
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    // A short report; it fits into the pipe.
    let status = try await withCheckedThrowingContinuation { continuation in
      process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    return (status, String(decoding: output.fileHandleForReading.availableData, as: UTF8.self))
  }

  /// Where a product of this package is: hack/test says so, and otherwise it lies beside the tests.
  /// Where a program of the package was built.
  static func program(_ name: String) -> String {
    let folder = ProcessInfo.processInfo.environment["RTX_BIN"].map { URL(filePath: $0) }
    return (folder ?? URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()).appending(path: name).path
  }
}
