import Synchronization
import Testing
import TradingCore

@testable import TradingStore

/// Several desks, as of several replicas, on the same accounts.
@Suite struct SharedAccountTests {
  /// What clients were told: receipts by order, the first and all others that came for the same one.
  private final class Acknowledged: Sendable {
    private let receipts = Mutex<[OrderKey: Set<String>]>([:])
    private let firsts = Mutex(0)
    var all: [OrderKey: Set<String>] { receipts.withLock { $0 } }
    var newCount: Int { firsts.withLock { $0 } }
    func add(_ request: OrderRequest, _ placement: Placement) {
      let key = OrderKey(accountId: request.accountId, clientOrderId: request.clientOrderId)
      _ = receipts.withLock { $0[key, default: []].insert(placement.receipt) }
      if placement.isNew { firsts.withLock { $0 += 1 } }
    }
  }

  private static let accounts = (0..<5).map { "shared-\($0)" }

  /// One client's random commands. The ids are few, so that clients of all desks meet on them.
  private static func trade(
    _ desk: TradingDesk, seed: UInt64, commands: Int, _ acknowledged: Acknowledged
  ) async throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<commands {
      let account = accounts.randomElement(using: &random) ?? accounts[0]
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<6:
        let number = Int.random(in: 0..<120, using: &random)
        var order = makeOrder(
          "o\(number)", account: account, side: number % 2 == 0 ? .buy : .sell,
          type: number % 5 == 0 ? .limit : .market)
        if order.type == .limit { order.price = Price(points: order.side == .buy ? 100_000 : 120_000) }
        acknowledged.add(order, try await desk.place(order, deadline: soon))
      case 6:
        _ = try await desk.perform(on: account, deadline: soon) { account, market throws(CommandError) in
          try account.transfer(Money(minorUnits: 100), reference: "", in: market, at: .now)
        }
      case 7, 8:
        _ = try? await desk.perform(on: account, deadline: soon) { account, _ throws(CommandError) in
          try account.cancel(orderId: account.orders.keys.min() ?? 0, at: .now)
        }
      default:
        let state = try await desk.account(account, deadline: soon)
        #expect(state.settings.accountId == account)
      }
    }
  }

  @Test func twoDesksKeepOneTruth() async throws {
    let settings = try await PostgresServer.shared.makeMigratedDatabase()
    let acknowledged = Acknowledged()
    try await withDesk(settings) { one, pool in
      for id in Self.accounts {
        _ = try await one.open(AccountSettings(accountId: id, currency: Currency("USD")), deadline: soon)
        _ = try await one.perform(on: id, deadline: soon) { account, market throws(CommandError) in
          try account.transfer(Money(minorUnits: 1_000_000), reference: "first", in: market, at: .now)
        }
      }
      // So few that accounts are dropped and loaded again all the time.
      try await withDesk(settings, cachedAccounts: 4) { two, _ in
        try await withThrowingTaskGroup { group in
          for client in 0..<12 {
            group.addTask {
              try await Self.trade(client % 2 == 0 ? one : two, seed: UInt64(client), commands: 80, acknowledged)
            }
          }
          try await group.waitForAll()
        }
        for id in Self.accounts {
          let (mine, theirs) = (
            try await one.account(id, deadline: soon), try await two.account(id, deadline: soon)
          )
          #expect(mine.canonicalState == theirs.canonicalState)
        }
      }
      for (key, receipts) in acknowledged.all {
        #expect(receipts.count == 1, "\(key) got different answers")
        let stored = try await LedgerReader(pool: pool).receipt(
          accountId: key.accountId, clientOrderId: key.clientOrderId, deadline: soon)
        #expect(stored?.receipt == receipts.first)
      }
      #expect(acknowledged.newCount == acknowledged.all.count, "each order is new to exactly one client")
      try await expectSoundBooks(pool)
    }
  }

  @Test func ordersSurviveAKilledDatabaseAndNoneIsLostOrDoubled() async throws {
    let server = try await PostgresServer.start()
    let settings = try await server.makeMigratedDatabase()
    let acknowledged = Acknowledged()
    try await withDesk(settings) { one, pool in
      try await withDesk(settings) { two, _ in
        try await withThrowingTaskGroup { group in
          for client in 0..<8 {
            group.addTask {
              for number in 0..<60 {
                let order = makeOrder("c\(client)-\(number)", side: number % 2 == 0 ? .buy : .sell)
                acknowledged.add(order, try await (client % 2 == 0 ? one : two).place(order, deadline: soon))
              }
            }
          }
          group.addTask {
            for round in 1...3 {
              try await eventually("some orders are placed") { acknowledged.all.count > 100 * round }
              server.crash()
              try await server.restart(answering: settings)
            }
          }
          try await group.waitForAll()
        }
      }
      #expect(acknowledged.newCount == 480)
      let counts = try await LedgerReader(pool: pool).counts(deadline: soon)
      #expect(counts == LedgerCounts(orders: 480, fills: 480, transactions: 962))
      let receipts = try await LedgerReader(pool: pool).receipts(accountId: "demo", limit: 1_000, deadline: soon)
      #expect(Set(receipts) == acknowledged.all.values.reduce(into: []) { $0.formUnion($1) })
      try await expectSoundBooks(pool)
    }
  }

  @Test func aLostAnswerIsLookedUpAndNotGuessed() async throws {
    // Ends the connection of every third group: before its commit, so that it is undone.
    let settings = try await PostgresServer.shared.makeMigratedDatabase()
    try await withDesk(settings) { desk, pool in
      try await pool.run(deadline: soon) { connection in
        try connection.script(
          """
          CREATE SEQUENCE commits;
          CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN
            IF nextval('commits') % 3 = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); END IF;
            RETURN NULL;
          END $$;
          CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION cut();
          """, deadline: soon)
      }
      for number in 0..<6 {
        #expect(try await desk.place(makeOrder("o\(number)"), deadline: soon).isNew)
      }
      #expect(try await LedgerReader(pool: pool).counts(deadline: soon).orders == 6)
      let commits = try await pool.run(deadline: soon) { connection in
        try connection.query("SELECT last_value FROM commits", deadline: soon)[0, 0].flatMap { Int($0) } ?? 0
      }
      #expect(commits > 6, "some commits were cut and made again")
      try await expectSoundBooks(pool)
    }
  }
}
