public import Logging

/// Applies migrations. Any number of processes may do so at once: an advisory lock lets them through one by one,
/// and the last ones find nothing left to do.
public struct Migrator: Sendable {
  /// Chosen once for this program; PostgreSQL's advisory locks are numbered freely by applications.
  static let lockKey = 7_999_150_001

  private let settings: PostgresSettings
  private let migrations: [Migration]
  private let logger: Logger

  public init(settings: PostgresSettings, migrations: [Migration] = Migration.all, logger: Logger) {
    var settings = settings
    // A migration may take longer than a request ever should.
    settings.statementTimeout = .seconds(600)
    self.settings = settings
    self.migrations = migrations
    self.logger = logger
  }

  /// Runs the steps that lead to `target` and returns them. Waits for a database that is away until `deadline`.
  ///
  /// Throws `MigrationError`.
  @discardableResult
  public func run(_ target: MigrationTarget, deadline: ContinuousClock.Instant) async throws -> [MigrationStep] {
    let target = try await resolved(target, deadline: deadline)
    return try await retrying(deadline: deadline) { connection in
      try Self.lock(connection, deadline: deadline)
      let applied = try Self.appliedMigrations(connection, deadline: deadline)
      let plan = try MigrationPlan(applied: applied, known: migrations, target: target)
      for step in plan.steps { try perform(step, connection, deadline: deadline) }
      if let obstacle = plan.obstacle { throw obstacle }
      return plan.steps
    }
  }

  /// "One step back" is fixed by a first look, so that a retry after a lost connection does not go back twice.
  private func resolved(
    _ target: MigrationTarget, deadline: ContinuousClock.Instant
  ) async throws -> MigrationTarget {
    guard case .down(nil) = target else { return target }
    let current = try await status(deadline: deadline).applied.map(\.number).max() ?? 0
    return .down(to: max(0, current - 1))
  }

  /// What is applied now, and each known migration that is not.
  public func status(
    deadline: ContinuousClock.Instant
  ) async throws -> (applied: [AppliedMigration], pending: [Migration]) {
    try await retrying(deadline: deadline) { connection in
      let exists = try connection.query("SELECT to_regclass('schema_migrations')", deadline: deadline)[0, 0] != nil
      let applied = exists ? try Self.readApplied(connection, deadline: deadline) : []
      return (applied, migrations.filter { known in !applied.contains { $0.number == known.number } })
    }
  }

  /// Creates the database when it does not exist, through the maintenance database `postgres`.
  public func createDatabase(deadline: ContinuousClock.Instant) async throws {
    var maintenance = settings
    maintenance.database = "postgres"
    let name = settings.database
    try await Migrator(settings: maintenance, migrations: [], logger: logger).retrying(deadline: deadline) {
      connection in
      let found = try connection.query(
        "SELECT 1 FROM pg_database WHERE datname = $1", [name], deadline: deadline)
      guard found.isEmpty else { return }
      let quoted = "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
      do {
        try connection.query("CREATE DATABASE \(quoted)", deadline: deadline)
      } catch PostgresError.server(let error) where ["42P04", "23505"].contains(error.sqlState) {
        return  // Another process was faster.
      }
    }
  }

  private func perform(
    _ step: MigrationStep, _ connection: isolated PostgresConnection, deadline: ContinuousClock.Instant
  ) throws {
    do {
      try Self.execute(step, connection, deadline: deadline)
    } catch {
      if error.isConnectionFailure { throw error }
      throw MigrationError.failed(number: step.migration.number, name: step.migration.name, reason: "\(error)")
    }
    logger.info(
      "migration \(step.verb)", metadata: ["number": "\(step.migration.number)", "name": "\(step.migration.name)"])
  }

  private static func execute(
    _ step: MigrationStep, _ connection: isolated PostgresConnection, deadline: ContinuousClock.Instant
  ) throws(PostgresError) {
    try connection.query("BEGIN", deadline: deadline)
    switch step {
    case .apply(let migration):
      try connection.script(migration.up, deadline: deadline)
      try connection.query(
        "INSERT INTO schema_migrations (number, name, checksum) VALUES ($1::int, $2, $3)",
        [String(migration.number), migration.name, migration.checksum], deadline: deadline)
    case .undo(let migration):
      try connection.script(migration.down, deadline: deadline)
      try connection.query(
        "DELETE FROM schema_migrations WHERE number = $1::int", [String(migration.number)], deadline: deadline)
    }
    try connection.query("COMMIT", deadline: deadline)
  }

  /// Session lock: released by the server when the connection ends, however that comes about.
  private static func lock(_ connection: isolated PostgresConnection, deadline: ContinuousClock.Instant) throws {
    try connection.query("SELECT pg_advisory_lock($1::bigint)", [String(lockKey)], deadline: deadline)
  }

  private static func appliedMigrations(
    _ connection: isolated PostgresConnection, deadline: ContinuousClock.Instant
  ) throws -> [AppliedMigration] {
    try connection.query(
      """
      CREATE TABLE IF NOT EXISTS schema_migrations (
        number     int PRIMARY KEY,
        name       text NOT NULL,
        checksum   text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
      )
      """, deadline: deadline)
    return try readApplied(connection, deadline: deadline)
  }

  private static func readApplied(
    _ connection: isolated PostgresConnection, deadline: ContinuousClock.Instant
  ) throws -> [AppliedMigration] {
    let rows = try connection.query(
      "SELECT number, name, checksum, applied_at FROM schema_migrations ORDER BY number", deadline: deadline)
    return rows.rows.map { row in
      AppliedMigration(
        number: row[0].flatMap { Int($0) } ?? 0, name: row[1] ?? "", checksum: row[2] ?? "", appliedAt: row[3] ?? "")
    }
  }

  /// Runs `body` on a fresh connection, again and again while the database is away. Safe for migrations: each
  /// attempt starts by reading what is applied, so an unknown commit is simply looked up.
  private func retrying<Value: Sendable>(
    deadline: ContinuousClock.Instant, _ body: @escaping @Sendable (isolated PostgresConnection) throws -> Value
  ) async throws -> Value {
    var backoff = Backoff(initial: .milliseconds(250), maximum: .seconds(3))
    while true {
      let connection = PostgresConnection()
      do {
        try await connection.open(settings, deadline: deadline)
        let value = try await connection.perform(body)
        await connection.close()
        return value
      } catch {
        await connection.close()
        guard let error = error as? PostgresError, error.isConnectionFailure else { throw error }
        let pause = backoff.next()
        guard .now + pause < deadline else { throw MigrationError.deadline("\(error)") }
        logger.notice("waiting for the database", metadata: ["error": "\(error)"])
        try await Task.sleep(for: pause)
      }
    }
  }
}
