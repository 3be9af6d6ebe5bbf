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
  /// Forwards to this number, or to the newest migration; with a phase up to the first pending migration of the other
  /// one, which fails when more of the phase lies behind that.
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
  /// A migration of the phase that was asked for lies behind a pending one of the other phase.
  case blocked(Migration, by: Migration)
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
    case .blocked(let migration, let other):
      "\(migration.phase.rawValue) migration \(migration.number) (\(migration.name)) comes after "
        + "\(other.phase.rawValue) migration \(other.number) (\(other.name)), which is pending; \(remedy(other))"
    case .failed(let number, let name, let reason):
      "migration \(number) (\(name)) failed and was rolled back: \(reason)"
    case .deadline(let reason):
      "gave up waiting: \(reason)"
    }
  }

  private func remedy(_ pending: Migration) -> String {
    switch pending.phase {
    case .contract:
      "bring the release before this one to its end first, or, once what served before it is gone for good, "
        + "run `migrate up --phase contract`; then repeat this"
    case .expand: "run `migrate up --phase expand` first, then repeat this"
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

/// Decides which steps come next, from what is applied.
struct MigrationPlan: Sendable, Hashable {
  /// In order.
  let steps: [MigrationStep]
  /// Why the target is not reached although these steps are made.
  let obstacle: MigrationError?

  /// A newer schema than this program knows is left alone by `up`, because old and new replicas run side by side during
  /// a release.
  init(applied: [AppliedMigration], known: [Migration], target: MigrationTarget) throws(MigrationError) {
    for row in applied {
      guard let migration = known.first(where: { $0.number == row.number }) else { continue }
      guard migration.checksum == row.checksum else {
        throw .edited(number: row.number, applied: row.checksum, known: migration.checksum)
      }
    }
    switch target {
    case .up(let limit, let phase): try self.init(up: limit, phase, applied: applied, known: known)
    case .down(let limit): try self.init(down: limit, applied: applied, known: known)
    }
  }

  private init(
    up limit: Int?, _ phase: Migration.Phase?, applied: [AppliedMigration], known: [Migration]
  ) throws(MigrationError) {
    let newest = known.last?.number ?? 0
    let limit = limit ?? newest
    guard (0...newest).contains(limit) else { throw .noSuchMigration(number: limit, newest: newest) }
    let done = Set(applied.map(\.number))
    // In the order of their numbers and none skipped: each was written for the schema that the one before leaves.
    let pending = known.filter { $0.number <= limit && !done.contains($0.number) }
    guard let phase else {
      self.init(steps: pending.map { .apply($0) }, obstacle: nil)
      return
    }
    // What no release has ever worked with, no contract migration can break: all that is to be expanded is, at once.
    let isFresh = applied.isEmpty && phase == .expand
    let last = isFresh ? pending.lastIndex { $0.phase == phase } : nil
    let end = last.map { $0 + 1 } ?? pending.firstIndex { $0.phase != phase } ?? pending.endIndex
    // Those before the obstacle are applied nevertheless: the remedy is to run the other phase, which would find them in
    // its own way otherwise, and neither could ever be run.
    self.init(steps: pending[..<end].map { .apply($0) }, obstacle: Self.obstacle(in: pending[end...], phase))
  }

  /// - Parameter rest: What stays pending; the first is of another phase.
  private static func obstacle(in rest: ArraySlice<Migration>, _ phase: Migration.Phase) -> MigrationError? {
    guard let other = rest.first, let blocked = rest.first(where: { $0.phase == phase }) else { return nil }
    return .blocked(blocked, by: other)
  }

  private init(down limit: Int?, applied: [AppliedMigration], known: [Migration]) throws(MigrationError) {
    let (newest, current) = (known.last?.number ?? 0, applied.map(\.number).max() ?? 0)
    let limit = limit ?? max(0, current - 1)
    guard (0...max(newest, current)).contains(limit) else { throw .noSuchMigration(number: limit, newest: newest) }
    var steps: [MigrationStep] = []
    for row in applied.sorted(by: { $0.number > $1.number }) where row.number > limit {
      guard let migration = known.first(where: { $0.number == row.number }) else { throw .unknown(number: row.number) }
      steps.append(.undo(migration))
    }
    self.init(steps: steps, obstacle: nil)
  }

  private init(steps: [MigrationStep], obstacle: MigrationError?) {
    self.steps = steps
    self.obstacle = obstacle
  }
}
