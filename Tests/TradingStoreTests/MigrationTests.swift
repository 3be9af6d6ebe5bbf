import Testing
import TradingCore

@testable import TradingStore

@Suite struct MigrationPlanTests {
  /// A program that knows the first two.
  private let known = Array(Migration.all.prefix(2))

  private func applied(_ numbers: [Int]) -> [AppliedMigration] {
    numbers.map { number in
      let migration = known.first { $0.number == number }
      return AppliedMigration(number: number, name: "", checksum: migration?.checksum ?? "other", appliedAt: "")
    }
  }

  @Test func numbersCountFromOneWithoutGaps() {
    #expect(Migration.all.map(\.number) == Array(1...Migration.all.count))
  }

  @Test func upDoesWhatIsMissingAndDownUndoesTheNewestFirst() throws {
    #expect(try MigrationPlan.steps(applied: applied([1]), known: known, target: .up(to: nil)) == [.apply(known[1])])
    #expect(try MigrationPlan.steps(applied: applied([1, 2]), known: known, target: .up(to: nil)).isEmpty)
    #expect(
      try MigrationPlan.steps(applied: applied([1, 2]), known: known, target: .down(to: 0))
        == [.undo(known[1]), .undo(known[0])])
    #expect(
      try MigrationPlan.steps(applied: applied([1, 2]), known: known, target: .down(to: nil)) == [.undo(known[1])])
  }

  @Test func aPhaseStopsWhereTheOtherBegins() throws {
    func migration(_ number: Int, _ phase: Migration.Phase) -> Migration {
      Migration(number: number, name: "", phase: phase, up: "", down: "")
    }
    let known = [migration(1, .expand), migration(2, .expand), migration(3, .contract), migration(4, .expand)]
    func steps(_ applied: Int, _ phase: Migration.Phase?) throws -> [Int] {
      let rows = known.prefix(applied).map {
        AppliedMigration(number: $0.number, name: "", checksum: $0.checksum, appliedAt: "")
      }
      return try MigrationPlan.steps(applied: rows, known: known, target: .up(to: nil, phase: phase))
        .map(\.migration.number)
    }
    #expect(try steps(1, .expand) == [2])
    #expect(try steps(1, .contract) == [])
    #expect(try steps(2, .contract) == [3])
    #expect(try steps(2, .expand) == [], "the next one was written for the schema that the contract leaves")
    #expect(try steps(3, .expand) == [4])
    #expect(try steps(0, nil) == [1, 2, 3, 4])
  }

  @Test func anEditedMigrationIsRefused() {
    let edited = [AppliedMigration(number: 1, name: "", checksum: "0", appliedAt: "")]
    #expect(throws: MigrationError.edited(number: 1, applied: "0", known: known[0].checksum)) {
      try MigrationPlan.steps(applied: edited, known: known, target: .up(to: nil))
    }
  }

  @Test func aNewerSchemaIsLeftAloneByUpAndRefusedByDown() throws {
    #expect(try MigrationPlan.steps(applied: applied([1, 2, 99]), known: known, target: .up(to: nil)).isEmpty)
    #expect(throws: MigrationError.unknown(number: 99)) {
      try MigrationPlan.steps(applied: applied([1, 2, 99]), known: known, target: .down(to: 1))
    }
    #expect(throws: MigrationError.noSuchMigration(number: 7, newest: 2)) {
      try MigrationPlan.steps(applied: [], known: known, target: .up(to: 7))
    }
  }
}

@Suite struct MigratorTests {
  @Test func threeAtOnceApplyEachMigrationOnce() async throws {
    let settings = try await PostgresServer.shared.makeDatabase()
    let steps = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<3 {
        group.addTask {
          try await Migrator(settings: settings, logger: quietLogger)
            .run(.up(to: nil), deadline: .now + .seconds(20)).count
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(steps.sorted() == [0, 0, Migration.all.count])
  }

  @Test func upDownUpLeavesAWorkingSchema() async throws {
    let settings = try await PostgresServer.shared.makeDatabase()
    let migrator = Migrator(settings: settings, logger: quietLogger)
    let deadline = ContinuousClock.now + .seconds(20)
    try await migrator.run(.up(to: nil), deadline: deadline)
    try await migrator.run(.down(to: nil), deadline: deadline)
    #expect(try await migrator.status(deadline: deadline).pending.map(\.number) == [Migration.all.count])
    try await migrator.run(.down(to: 0), deadline: deadline)
    #expect(try await migrator.status(deadline: deadline).applied.isEmpty)
    try await migrator.run(.up(to: nil), deadline: deadline)
    let pool = PostgresPool(settings: settings, logger: quietLogger)
    #expect(await LedgerReader(pool: pool).obstacle(deadline: deadline) == nil)
    await pool.shutdown()
  }

  @Test func goingBackAndForwardsLosesNothingOfTheLedger() async throws {
    let settings = try await PostgresServer.shared.makeMigratedDatabase()
    let migrator = Migrator(settings: settings, logger: quietLogger)
    let before = try await withDesk(settings) { desk, pool in
      for number in 0..<5 { _ = try await desk.place(makeOrder("o\(number)"), deadline: soon) }
      return try await LedgerReader(pool: pool).transactions(accountId: "demo", after: 0, limit: 100, deadline: soon)
    }
    #expect(before.count == 12)
    for target in [MigrationTarget.down(to: nil), .up(to: nil), .down(to: 0), .up(to: nil)] {
      try await migrator.run(target, deadline: soon)
    }
    try await withDesk(settings) { desk, pool in
      let reader = LedgerReader(pool: pool)
      #expect(try await reader.transactions(accountId: "demo", after: 0, limit: 100, deadline: soon) == before)
      #expect(try await !desk.place(makeOrder("o3"), deadline: soon).isNew)
      #expect(try await desk.place(makeOrder("new"), deadline: soon).transactions.first?.id == 13)
      try await expectSoundBooks(pool)
    }
  }

  @Test func aFailingMigrationLeavesNothingBehind() async throws {
    let settings = try await PostgresServer.shared.makeDatabase()
    let broken = Migration(number: 1, name: "broken", up: "CREATE TABLE half (); SELECT 1/0;", down: "")
    let migrator = Migrator(settings: settings, migrations: [broken], logger: quietLogger)
    let deadline = ContinuousClock.now + .seconds(20)
    let error = await #expect(throws: MigrationError.self) { try await migrator.run(.up(to: nil), deadline: deadline) }
    guard case .failed(1, "broken", _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    let pool = PostgresPool(settings: settings, logger: quietLogger)
    let table = try await pool.run(deadline: deadline) { connection in
      try connection.query("SELECT to_regclass('half')", deadline: deadline)[0, 0]
    }
    #expect(table == nil)
    #expect(try await migrator.status(deadline: deadline).applied.isEmpty)
    await pool.shutdown()
  }

  @Test func anUnreachableDatabaseIsReportedAtTheDeadline() async throws {
    let settings = PostgresSettings(host: "127.0.0.1", port: try freePort(), database: "x", user: "postgres")
    let error = await #expect(throws: MigrationError.self) {
      try await Migrator(settings: settings, logger: quietLogger)
        .run(.up(to: nil), deadline: .now + .milliseconds(600))
    }
    guard case .deadline(let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.contains("\(settings.port)"), "the error tells what was not reached")
  }
}
