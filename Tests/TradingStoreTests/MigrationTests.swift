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
    #expect(try MigrationPlan(applied: applied([1]), known: known, target: .up(to: nil)).steps == [.apply(known[1])])
    #expect(try MigrationPlan(applied: applied([1, 2]), known: known, target: .up(to: nil)).steps.isEmpty)
    #expect(
      try MigrationPlan(applied: applied([1, 2]), known: known, target: .down(to: 0)).steps
        == [.undo(known[1]), .undo(known[0])])
    #expect(
      try MigrationPlan(applied: applied([1, 2]), known: known, target: .down(to: nil)).steps == [.undo(known[1])])
  }

  /// What is to be done when so many of the five are applied: 1, 2 and 4 expand, 3 and 5 contract.
  private func plan(_ applied: Int, _ phase: Migration.Phase?, to limit: Int? = nil) throws -> MigrationPlan {
    let rows = Self.phased.prefix(applied).map {
      AppliedMigration(number: $0.number, name: "", checksum: $0.checksum, appliedAt: "")
    }
    return try MigrationPlan(applied: rows, known: Self.phased, target: .up(to: limit, phase: phase))
  }

  private static let phased = [Migration.Phase.expand, .expand, .contract, .expand, .contract].enumerated().map {
    Migration(number: $0.offset + 1, name: "m\($0.offset + 1)", phase: $0.element, up: "", down: "")
  }

  @Test func aPhaseStopsWhereTheOtherBegins() throws {
    func expect(
      _ plan: MigrationPlan, _ steps: [Int], _ blocked: (Int, by: Int)? = nil,
      at location: SourceLocation = #_sourceLocation
    ) {
      #expect(plan.steps.map(\.migration.number) == steps, sourceLocation: location)
      let obstacle = blocked.map { MigrationError.blocked(Self.phased[$0.0 - 1], by: Self.phased[$0.by - 1]) }
      #expect(plan.obstacle == obstacle, sourceLocation: location)
    }
    // The fourth was written for the schema that the contract leaves.
    expect(try plan(1, .expand), [2], (4, by: 3))
    expect(try plan(2, .expand), [], (4, by: 3))
    expect(try plan(1, .expand, to: 3), [2])
    expect(try plan(3, .expand), [4])
    expect(try plan(4, .expand), [])
    expect(try plan(5, .expand), [])
    expect(try plan(1, .contract), [], (3, by: 2))
    expect(try plan(2, .contract), [3], (5, by: 4))
    expect(try plan(4, .contract), [5])
    expect(try plan(3, .contract, to: 4), [])
    expect(try plan(0, nil), [1, 2, 3, 4, 5])
    expect(try plan(2, nil), [3, 4, 5])
  }

  @Test func nothingStandsInTheWayOfAFirstRelease() throws {
    let first = try plan(0, .expand)
    #expect(first.steps.map(\.migration.number) == [1, 2, 3, 4])
    #expect(first.obstacle == nil)
    #expect(try plan(0, .contract).obstacle == .blocked(Self.phased[2], by: Self.phased[0]))
  }

  @Test func aBlockedMigrationIsToldWithItsRemedy() throws {
    let expand = try #require(try plan(2, .expand).obstacle).description
    #expect(expand.hasPrefix("expand migration 4 (m4) comes after contract migration 3 (m3), which is pending; "))
    #expect(expand.contains("the release before this one to its end") && expand.contains("up --phase contract"))
    let contract = try #require(try plan(1, .contract).obstacle).description
    #expect(contract.hasPrefix("contract migration 3 (m3) comes after expand migration 2 (m2), which is pending; "))
    #expect(contract.contains("up --phase expand"))
  }

  @Test func anEditedMigrationIsRefused() {
    let edited = [AppliedMigration(number: 1, name: "", checksum: "0", appliedAt: "")]
    #expect(throws: MigrationError.edited(number: 1, applied: "0", known: known[0].checksum)) {
      try MigrationPlan(applied: edited, known: known, target: .up(to: nil))
    }
  }

  @Test func aNewerSchemaIsLeftAloneByUpAndRefusedByDown() throws {
    #expect(try MigrationPlan(applied: applied([1, 2, 99]), known: known, target: .up(to: nil)).steps.isEmpty)
    #expect(throws: MigrationError.unknown(number: 99)) {
      try MigrationPlan(applied: applied([1, 2, 99]), known: known, target: .down(to: 1))
    }
    #expect(throws: MigrationError.noSuchMigration(number: 7, newest: 2)) {
      try MigrationPlan(applied: [], known: known, target: .up(to: 7))
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

  @Test func aPhaseIsAppliedUpToWhatBlocksItAndTheRemedyLeadsOn() async throws {
    let settings = try await PostgresServer.shared.makeDatabase()
    let known = [
      Migration(number: 1, name: "a", up: "CREATE TABLE a (old int)", down: ""),
      Migration(number: 2, name: "b", up: "ALTER TABLE a ADD new int", down: ""),
      Migration(number: 3, name: "c", phase: .contract, up: "ALTER TABLE a DROP old", down: ""),
      Migration(number: 4, name: "d", up: "ALTER TABLE a ADD old text", down: ""),
    ]
    func migrator(_ count: Int) -> Migrator {
      Migrator(settings: settings, migrations: Array(known.prefix(count)), logger: quietLogger)
    }
    let newest = migrator(4)
    func pending() async throws -> [Int] { try await newest.status(deadline: soon).pending.map(\.number) }
    try await migrator(1).run(.up(to: nil), deadline: soon)

    await #expect(throws: MigrationError.blocked(known[2], by: known[1])) {
      try await newest.run(.up(to: nil, phase: .contract), deadline: soon)
    }
    #expect(try await pending() == [2, 3, 4])
    await #expect(throws: MigrationError.blocked(known[3], by: known[2])) {
      try await newest.run(.up(to: nil, phase: .expand), deadline: soon)
    }
    #expect(try await pending() == [3, 4])
    try await newest.run(.up(to: nil, phase: .contract), deadline: soon)
    #expect(try await pending() == [4])
    try await newest.run(.up(to: nil, phase: .expand), deadline: soon)
    #expect(try await pending().isEmpty)
    // A replica of the release before sees a newer schema and leaves it alone.
    for phase in Migration.Phase.allCases {
      #expect(try await migrator(2).run(.up(to: nil, phase: phase), deadline: soon).isEmpty)
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
