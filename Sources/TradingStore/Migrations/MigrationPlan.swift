/// A row of schema_migrations.
public struct AppliedMigration: Sendable, Hashable {
  public let number: Int
  public let name: String
  public let checksum: String
  /// As PostgreSQL prints it.
  public let appliedAt: String

  public init(number: Int, name: String, checksum: String, appliedAt: String) {
    self.number = number
    self.name = name
    self.checksum = checksum
    self.appliedAt = appliedAt
  }
}

/// Where a migration run is to end.
public enum MigrationTarget: Sendable, Hashable {
  /// Forwards to this number, or to the newest migration; with a phase up to the first pending migration of another one.
  case up(to: Int?, phase: Migration.Phase? = nil)
  /// Back to this number (0 removes everything), or by one step.
  case down(to: Int?)
}

/// Why migrations cannot be run.
public enum MigrationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The SQL of an applied migration differs from what this program carries.
  case edited(number: Int, applied: String, known: String)
  /// A migration that this program does not have is applied and would have to be undone.
  case unknown(number: Int)
  case noSuchMigration(number: Int, newest: Int)
  /// The SQL of a migration failed; its transaction was rolled back.
  case failed(number: Int, name: String, reason: String)
  /// Another process held the lock, or the database stayed away, until the deadline.
  case deadline(String)

  public var description: String {
    switch self {
    case .edited(let number, let applied, let known):
      "migration \(number) was applied with checksum \(applied) but this program has \(known); "
        + "restore the released text of the migration and add a new one for the change"
    case .unknown(let number):
      "migration \(number) is applied but this program does not know it; use the newer program to undo it"
    case .noSuchMigration(let number, let newest):
      "there is no migration \(number); choose one from 0 to \(newest)"
    case .failed(let number, let name, let reason):
      "migration \(number) (\(name)) failed and was rolled back: \(reason)"
    case .deadline(let reason):
      "gave up waiting: \(reason)"
    }
  }
}

/// One step of a migration run.
public enum MigrationStep: Sendable, Hashable {
  case apply(Migration)
  case undo(Migration)

  public var migration: Migration {
    switch self {
    case .apply(let migration), .undo(let migration): migration
    }
  }

  /// What was done, for messages.
  public var verb: String {
    switch self {
    case .apply: "applied"
    case .undo: "undone"
    }
  }
}

/// Decides which step comes next, from what is applied.
enum MigrationPlan {
  /// All remaining steps in order. A newer schema than this program knows is left alone by `up`, because old and
  /// new replicas run side by side during a release.
  static func steps(
    applied: [AppliedMigration], known: [Migration], target: MigrationTarget
  ) throws(MigrationError) -> [MigrationStep] {
    let newest = known.last?.number ?? 0
    for row in applied {
      guard let migration = known.first(where: { $0.number == row.number }) else { continue }
      guard migration.checksum == row.checksum else {
        throw .edited(number: row.number, applied: row.checksum, known: migration.checksum)
      }
    }
    switch target {
    case .up(let limit, let phase):
      let limit = limit ?? newest
      guard (0...newest).contains(limit) else { throw .noSuchMigration(number: limit, newest: newest) }
      let done = Set(applied.map(\.number))
      // In the order of their numbers and none skipped: each was written for the schema that the one before leaves.
      return known.filter { $0.number <= limit && !done.contains($0.number) }
        .prefix { phase == nil || $0.phase == phase }.map { .apply($0) }
    case .down(let limit):
      let current = applied.map(\.number).max() ?? 0
      let limit = limit ?? max(0, current - 1)
      guard (0...max(newest, current)).contains(limit) else { throw .noSuchMigration(number: limit, newest: newest) }
      var steps: [MigrationStep] = []
      for row in applied.sorted(by: { $0.number > $1.number }) where row.number > limit {
        guard let migration = known.first(where: { $0.number == row.number }) else {
          throw .unknown(number: row.number)
        }
        steps.append(.undo(migration))
      }
      return steps
    }
  }
}
