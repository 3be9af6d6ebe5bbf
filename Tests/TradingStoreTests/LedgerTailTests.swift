import Synchronization
import Testing
import TradingCore

@testable import TradingStore

@Suite struct LedgerTailTests {
  private final class Heard: Sendable {
    private let entries = Mutex<[LedgerEntry]>([])
    var all: [LedgerEntry] { entries.withLock { $0 } }
    func add(_ new: [LedgerEntry]) { entries.withLock { $0 += new } }
  }

  @Test func everyTransactionIsHeardOnceAndInOrderThoughOthersTakeLong() async throws {
    let settings = try await PostgresServer.shared.makeMigratedDatabase()
    try await withDesk(settings) { one, pool in
      try await withDesk(settings) { two, _ in
        for id in ["a", "b"] {
          _ = try await one.open(AccountSettings(accountId: id, currency: Currency("USD")), deadline: soon)
        }
        let heard = Heard()
        let tail = LedgerTail(pool: pool, interval: .milliseconds(5), logger: quietLogger)
        let running = Task { try await tail.run { heard.add($0) } }
        defer { running.cancel() }
        // The tail hears from the moment it runs; until it does, nothing is promised.
        try await eventually("the tail runs") {
          _ = try await one.perform(on: "a", deadline: soon, Self.deposit)
          return !heard.all.isEmpty
        }
        let start = try #require(heard.all.first?.transaction.id)

        // Numbered before all that follows, and committed after it.
        let isOpen = Atomic(false)
        let release = Atomic(false)
        async let late: Void = pool.run(deadline: soon) { connection in
          try connection.query("BEGIN", deadline: soon)
          try connection.query(
            """
            INSERT INTO transactions (account_id, transaction_id, batch_id, time, kind, line, token)
            VALUES ('z', 2, 2, now(), 'MARGIN_CALL_EXIT', '2 2 5 MARGIN_CALL_EXIT equity=1 marginUsed=0', 0)
            """, deadline: soon)
          isOpen.store(true, ordering: .releasing)
          while !release.load(ordering: .acquiring) { try connection.query("SELECT pg_sleep(0.01)", deadline: soon) }
          try connection.query("COMMIT", deadline: soon)
        }
        try await eventually("a transaction is open") { isOpen.load(ordering: .acquiring) }
        try await withThrowingTaskGroup { group in
          for client in 0..<6 {
            group.addTask {
              for _ in 0..<40 {
                _ = try await (client % 2 == 0 ? one : two).perform(
                  on: client % 3 == 0 ? "a" : "b", deadline: soon, Self.deposit)
              }
            }
          }
          try await group.waitForAll()
        }
        let last = (
          a: try await one.account("a", deadline: soon).lastTransactionId,
          b: try await one.account("b", deadline: soon).lastTransactionId
        )
        try await eventually("all is heard but what is not committed") {
          heard.all.filter { $0.accountId == "a" }.last?.transaction.id == last.a
            && heard.all.filter { $0.accountId == "b" }.last?.transaction.id == last.b
        }
        #expect(!heard.all.contains { $0.accountId == "z" })
        release.store(true, ordering: .releasing)
        try await late
        try await eventually("what was committed late is heard too") { heard.all.contains { $0.accountId == "z" } }
        #expect(heard.all.filter { $0.accountId == "a" }.map(\.transaction.id) == Array(start...last.a))
        #expect(heard.all.filter { $0.accountId == "b" }.map(\.transaction.id) == Array(2...last.b))
        #expect(heard.all.filter { $0.accountId == "z" }.count == 1)
      }
    }
  }

  @Test func howOftenItLooksDoesNotDependOnHowOftenItIsWoken() async throws {
    let settings = try await PostgresServer.shared.makeMigratedDatabase()
    var elsewhere = settings
    elsewhere.database = "postgres"
    let observer = PostgresPool(settings: elsewhere, size: 1, logger: quietLogger)
    @Sendable func transactions() async throws -> Int {
      let sql = "SELECT xact_commit FROM pg_stat_database WHERE datname = '\(settings.database)'"
      let rows = try await observer.run(deadline: soon) { try $0.query(sql, deadline: soon).rows }
      return Int((rows.first?.first ?? nil) ?? "") ?? 0
    }
    let pool = PostgresPool(settings: settings, logger: quietLogger)
    let tail = LedgerTail(pool: pool, interval: .seconds(3_600), logger: quietLogger)
    let before = try await transactions()
    let start = ContinuousClock.now
    let running = Task { try await tail.run { _ in } }
    let waking = Task {
      while !Task.isCancelled {
        tail.wake()
        try await Task.sleep(for: .microseconds(200))
      }
    }
    // A connection tells of its transactions once a second.
    try await eventually("the looks are counted") { try await transactions() > before + 60 }
    let looks = try await transactions() - before
    let hundredths = Int((ContinuousClock.now - start) / .milliseconds(10))
    // What made the tables, and PostgreSQL itself, may be counted late.
    #expect(looks <= hundredths + 50)
    waking.cancel()
    running.cancel()
    _ = await (waking.result, running.result)
    await pool.shutdown()
    await observer.shutdown()
  }

  @Sendable private static func deposit(
    _ account: inout Account, _ market: Market
  ) throws(CommandError) -> [Transaction] {
    try account.transfer(Money(minorUnits: 1), reference: "", in: market, at: .now)
  }
}

@Suite struct EvaluatorLeaseTests {
  @Test func aLeaseIsHeldByOneAndTakenOverWhenItExpires() async throws {
    let settings = try await PostgresServer.shared.makeMigratedDatabase()
    let pool = PostgresPool(settings: settings, logger: quietLogger)
    let one = EvaluatorLeases(pool: pool, holder: "one", duration: .milliseconds(300))
    let two = EvaluatorLeases(pool: pool, holder: "two", duration: .seconds(60))
    let mine = try await one.acquireAndRenew(watermarks: [:], deadline: soon)
    #expect(mine.map(\.lease) == (0..<EvaluatorLeases.shardCount).map { EvaluatorLease(shard: $0, epoch: 1) })
    let renewed = try await one.acquireAndRenew(
      watermarks: [3: Timestamp(milliseconds: 4_000_000_000_077)], deadline: soon)
    #expect(renewed.map(\.lease) == mine.map(\.lease), "a renewal keeps the epoch")
    #expect(try await two.acquireAndRenew(watermarks: [:], deadline: soon).isEmpty)
    try await eventually("the other takes over") {
      try await two.acquireAndRenew(watermarks: [:], deadline: soon).count == EvaluatorLeases.shardCount
    }
    let taken = try await two.acquireAndRenew(watermarks: [:], deadline: soon)
    #expect(taken.allSatisfy { $0.lease.epoch == 2 })
    #expect(taken[3].watermark == Timestamp(milliseconds: 4_000_000_000_077))
    #expect(try await one.acquireAndRenew(watermarks: [:], deadline: soon).isEmpty)
    try await two.release(watermarks: [4: Timestamp(milliseconds: 4_000_000_000_099)], deadline: soon)
    let again = try await one.acquireAndRenew(watermarks: [:], deadline: soon)
    #expect(again.allSatisfy { $0.lease.epoch == 3 } && again.count == EvaluatorLeases.shardCount)
    #expect(again[4].watermark == Timestamp(milliseconds: 4_000_000_000_099))
    await pool.shutdown()
  }

  @Test func whatAnOldHolderWritesIsRefused() async throws {
    try await withDesk { desk, pool in
      let shard = EvaluatorLeases.shard(of: "demo")
      let one = EvaluatorLeases(pool: pool, holder: "one")
      let lease = try #require(
        try await one.acquireAndRenew(watermarks: [:], deadline: soon).first { $0.lease.shard == shard }
      )
      .lease
      @Sendable func deposit(_ account: inout Account, _ market: Market) throws(CommandError) -> [Transaction] {
        try account.transfer(Money(minorUnits: 1), reference: "", in: market, at: .now)
      }
      #expect(try await desk.perform(on: "demo", fence: lease, deadline: soon, deposit).count == 1)
      try await one.release(deadline: soon)
      let two = EvaluatorLeases(pool: pool, holder: "two")
      #expect(try await two.acquireAndRenew(watermarks: [:], deadline: soon).count == EvaluatorLeases.shardCount)
      // A trader's command beside it goes through.
      let free = Task { try await desk.perform(on: "demo", deadline: soon, deposit) }
      await #expect(throws: DeskError.fenced) {
        try await desk.perform(on: "demo", fence: lease, deadline: soon, deposit)
      }
      #expect(try await free.value.count == 1)
      #expect(try await desk.account("demo", deadline: soon).balance == Money(minorUnits: 10_000_002))
    }
  }

  @Test func theShardOfTheFirstAccountIsTheSchemas() async throws {
    try await withDesk { desk, pool in
      let row = try await pool.run(deadline: soon) { connection in
        try connection.query(
          "SELECT shard, (SELECT count(*) FROM evaluator_shards) FROM accounts WHERE account_id = 'demo'",
          deadline: soon)
      }
      #expect(row[0, 0] == String(EvaluatorLeases.shard(of: "demo")))
      #expect(row[0, 1] == String(EvaluatorLeases.shardCount))
      let reader = LedgerReader(pool: pool)
      #expect(try await reader.activeAccounts(shard: 6, deadline: soon).isEmpty)
      _ = try await desk.place(makeOrder("a", volume: 3), deadline: soon)
      let active = try await reader.activeAccounts(shard: EvaluatorLeases.shard(of: "demo"), deadline: soon)
      #expect(active.map(\.settings.accountId) == ["demo"])
      let exposure = try await reader.exposure(deadline: soon)
      #expect(exposure.map(\.netHundredths) == [3] && exposure.first?.accounts == 1)
    }
  }
}
