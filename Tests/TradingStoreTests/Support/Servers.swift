import Foundation
import Logging
import Synchronization
import Testing
import TradingStore

/// A real PostgreSQL server on a free port, with a data directory of its own.
final class PostgresServer: Sendable {
  let port: Int
  private let process: ServerProcess
  private static let bin =
    ["/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/17/bin"]
    .first { FileManager.default.fileExists(atPath: $0 + "/initdb") } ?? "/usr/lib/postgresql/15/bin"

  private static let starting = Task { try await start() }

  /// One server for all tests that do not disturb it.
  static var shared: PostgresServer {
    get async throws { try await starting.value }
  }

  /// Makes a cluster and starts a server of one's own on it.
  ///
  /// - Parameter isDurable: whether it waits for the disk, as every real one does; most tests have no use for that.
  static func start(isDurable: Bool = false) async throws -> PostgresServer {
    let directory = try makeDirectory()
    let words =
      asOrdinaryUser + [Self.bin + "/initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-D", directory + "/data"]
    let initdb = Process()
    initdb.executableURL = URL(fileURLWithPath: words[0])
    initdb.arguments = Array(words.dropFirst())
    initdb.currentDirectoryURL = URL(fileURLWithPath: directory)
    initdb.standardOutput = FileHandle.nullDevice
    // Not waitUntilExit: that would hold one of the few threads that all tests share.
    let status = try await withCheckedThrowingContinuation { continuation in
      initdb.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do { try initdb.run() } catch { continuation.resume(throwing: error) }
    }
    try #require(status == 0, "initdb failed")
    return try PostgresServer(directory: directory, isDurable: isDurable)
  }

  private init(directory: String, isDurable: Bool) throws {
    port = try freePort()
    process = ServerProcess(
      asOrdinaryUser + [
        Self.bin + "/postgres", "-D", directory + "/data", "-p", String(port), "-h", "127.0.0.1", "-k", directory,
        "-c", "fsync=\(isDurable ? "on" : "off")", "-c", "max_connections=200", "-c", "shared_buffers=32MB",
      ])
    try process.start()
  }

  deinit { process.kill() }

  /// kill -9 of the postmaster; its children notice and end.
  func crash() { process.kill() }

  /// Starts the server again. A crashed one needs a moment until its children are gone, so this is tried repeatedly.
  func restart(answering settings: PostgresSettings) async throws {
    try await eventually("PostgreSQL restarts") {
      self.process.kill()
      try self.process.start()
      for _ in 0..<100 {
        if await self.answers(settings) { return true }
        try await Task.sleep(for: .milliseconds(20))
      }
      return false
    }
  }

  private func answers(_ settings: PostgresSettings) async -> Bool {
    let probe = PostgresConnection()
    let isOpen = (try? await probe.open(settings, deadline: .now + .seconds(1))) != nil
    await probe.close()
    return isOpen
  }

  /// A new, empty database.
  func makeDatabase() async throws -> PostgresSettings {
    var settings = PostgresSettings(host: "127.0.0.1", port: port, database: "postgres", user: "postgres")
    settings.sslMode = .disable
    settings.database = "test_" + UUID().uuidString.lowercased().filter { $0 != "-" }.prefix(12)
    try await Migrator(settings: settings, logger: quietLogger).createDatabase(deadline: .now + .seconds(20))
    return settings
  }

  /// A new database with the whole schema.
  func makeMigratedDatabase() async throws -> PostgresSettings {
    let settings = try await makeDatabase()
    try await Migrator(settings: settings, logger: quietLogger).run(.up(to: nil), deadline: .now + .seconds(20))
    return settings
  }
}

/// A real Redis server on a free port.
final class RedisServer: Sendable {
  let settings: RedisSettings
  private let process: ServerProcess

  /// Where a cluster's nodes speak to each other.
  let busPort: Int

  init(password: String? = nil, isClustered: Bool = false) throws {
    let port = try freePort()
    busPort = try freePort()
    settings = RedisSettings(
      host: "127.0.0.1", port: port, password: password.map { Secret($0) }, timeout: .milliseconds(500))
    process = ServerProcess(
      asOrdinaryUser + [
        "/usr/bin/redis-server", "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
        "--dir", "/tmp",
      ] + (password.map { ["--requirepass", $0] } ?? [])
        + (isClustered
          ? [
            "--cluster-enabled", "yes", "--cluster-port", String(busPort), "--cluster-config-file",
            "nodes-\(port).conf", "--dir", try makeDirectory(),
          ] : []))
    try process.start()
  }

  deinit { process.kill() }

  func crash() { process.kill() }

  /// Starts the server again; tried repeatedly, since a killed one may hold the port for a moment.
  func restart() async throws {
    try await eventually("Redis restarts") {
      self.process.kill()
      try self.process.start()
      for _ in 0..<50 {
        if await self.answers() { return true }
        try await Task.sleep(for: .milliseconds(20))
      }
      return false
    }
  }

  func waitUntilReady() async throws {
    try await eventually("Redis answers") { await self.answers() }
  }

  private func answers() async -> Bool {
    let probe = RedisConnection()
    let isOpen = (try? await probe.open(settings)) != nil
    await probe.close()
    return isOpen
  }
}

let quietLogger: Logger = {
  var logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
  logger.logLevel = .critical
  return logger
}()
