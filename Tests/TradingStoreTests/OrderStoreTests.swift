import Foundation
import Synchronization
import Testing
import TradingCore

@testable import TradingStore

/// A valid order for tests.
func makeOrder(_ id: String, account: String = "demo", volume: Int64 = 10) -> OrderRequest {
  OrderRequest(
    accountId: account, clientOrderId: id, symbol: Symbol("EURUSD"), side: .buy, type: .market,
    volume: Volume(hundredths: volume))
}

/// Fills at a price that is different each time, so that an order executed twice shows.
final class CountingDesk: Sendable {
  private let price = Mutex<Int64>(108_000)

  @Sendable func fill(_ order: OrderRequest) -> Fill {
    let points = price.withLock { price in
      price += 1
      return price
    }
    return Fill(price: Price(points: points), digits: 5, volume: order.volume, time: Timestamp(milliseconds: points))
  }
}

/// What clients were told: receipts by client order id.
final class Acknowledged: Sendable {
  private let receipts = Mutex<[String: String]>([:])

  var all: [String: String] { receipts.withLock { $0 } }

  func add(_ id: String, _ receipt: String) { receipts.withLock { $0[id] = receipt } }
}

@Suite struct OrderStoreTests {
  private let desk = CountingDesk()

  private func withStore(_ body: (OrderStore, PostgresPool) async throws -> Void) async throws {
    let settings = try await PostgresServer.shared.makeMigratedDatabase()
    let pool = PostgresPool(settings: settings, logger: quietLogger)
    try await body(OrderStore(pool: pool), pool)
    await pool.shutdown()
  }

  private func place(_ store: OrderStore, _ order: OrderRequest) async throws -> Placement {
    try await store.place(order, deadline: .now + .seconds(10), execute: desk.fill)
  }

  @Test func twentyPostsOfOneIdMakeOneOrderAndOneAnswer() async throws {
    try await withStore { store, _ in
      let placements = try await withThrowingTaskGroup(of: Placement.self) { group in
        for _ in 0..<20 { group.addTask { try await place(store, makeOrder("same")) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(Set(placements.map(\.receipt)).count == 1)
      #expect(placements.filter(\.isNew).count == 1)
      let counts = try await store.counts(deadline: .now + .seconds(5))
      #expect(counts == StoreCounts(orders: 1, fills: 1, transactions: 1))
      let found = try await store.receipt(accountId: "demo", clientOrderId: "same", deadline: .now + .seconds(5))
      #expect(found == placements[0].receipt)
    }
  }

  @Test func aDifferentOrderUnderTheSameIdIsRefusedAndNamesTheField() async throws {
    try await withStore { store, _ in
      _ = try await place(store, makeOrder("a", volume: 10))
      await #expect(throws: OrderStoreError.conflict(field: "volume", stored: "0.10", requested: "0.20")) {
        try await place(store, makeOrder("a", volume: 20))
      }
      await #expect(throws: OrderStoreError.unknownAccount("nobody")) {
        try await place(store, makeOrder("a", account: "nobody"))
      }
      #expect(try await store.counts(deadline: .now + .seconds(5)).orders == 1)
    }
  }

  @Test func theLedgerHasNoGapsEvenWhenOrdersFail() async throws {
    struct NoPrice: Error {}
    try await withStore { store, pool in
      await withTaskGroup { group in
        for number in 0..<40 {
          group.addTask { [desk] in
            _ = try? await store.place(makeOrder("o\(number)"), deadline: .now + .seconds(10)) { order in
              if number % 4 == 0 { throw NoPrice() }
              return desk.fill(order)
            }
          }
        }
      }
      let ids = try await pool.run(deadline: .now + .seconds(5)) { connection in
        try connection.query(
          "SELECT transaction_id FROM transactions ORDER BY 1", deadline: .now + .seconds(5)
        ).rows.compactMap { $0[0].flatMap { Int($0) } }
      }
      #expect(ids == Array(1...30))
    }
  }

  @Test func aLostAnswerToCommitIsLookedUpAndNotGuessed() async throws {
    try await withStore { store, pool in
      // The commit itself ends the connection: a deferred trigger runs inside COMMIT, and its own transaction is undone.
      // The second attempt finds nothing stored and places the order, once.
      try await pool.run(deadline: .now + .seconds(5)) { connection in
        try connection.script(
          """
          CREATE SEQUENCE commits;
          CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN
            IF nextval('commits') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); END IF;
            RETURN NULL;
          END $$;
          CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION cut();
          """, deadline: .now + .seconds(5))
      }
      let placement = try await place(store, makeOrder("cut"))
      #expect(placement.isNew)
      #expect(try await store.counts(deadline: .now + .seconds(5)).orders == 1)
      let commits = try await pool.run(deadline: .now + .seconds(5)) { connection in
        try connection.query("SELECT last_value FROM commits", deadline: .now + .seconds(5))[0, 0]
      }
      #expect(commits == "2", "the first commit was cut and a second one made")
    }
  }

  @Test func readinessTellsWhatIsMissing() async throws {
    let settings = try await PostgresServer.shared.makeDatabase()
    let pool = PostgresPool(settings: settings, logger: quietLogger)
    let store = OrderStore(pool: pool)
    let before = await store.obstacle(deadline: .now + .seconds(5))
    #expect(before?.contains("migrate up") == true)
    try await Migrator(settings: settings, logger: quietLogger).run(.up(to: 1), deadline: .now + .seconds(10))
    let halfway = await store.obstacle(deadline: .now + .seconds(5))
    #expect(halfway?.contains("1 of \(Migration.all.count)") == true)
    await pool.shutdown()
  }
}

@Suite struct PostgresFailureTests {
  @Test func ordersSurviveAKilledDatabaseAndNoneIsLostOrDoubled() async throws {
    let server = try await PostgresServer.start()
    let settings = try await server.makeMigratedDatabase()
    let pool = PostgresPool(settings: settings, logger: quietLogger)
    let store = OrderStore(pool: pool)
    let desk = CountingDesk()
    let acknowledged = Acknowledged()

    try await withThrowingTaskGroup { group in
      for client in 0..<4 {
        group.addTask {
          for number in 0..<60 {
            let id = "c\(client)-\(number)"
            let placement = try await store.place(makeOrder(id), deadline: .now + .seconds(30), execute: desk.fill)
            acknowledged.add(id, placement.receipt)
          }
        }
      }
      group.addTask {
        try await eventually("some orders are placed") { acknowledged.all.count > 40 }
        server.crash()
        try await server.restart(answering: settings)
      }
      try await group.waitForAll()
    }

    let counts = try await store.counts(deadline: .now + .seconds(10))
    #expect(counts == StoreCounts(orders: 240, fills: 240, transactions: 240))
    let receipts = try await store.receipts(accountId: "demo", limit: 1_000, deadline: .now + .seconds(10))
    #expect(Set(receipts) == Set(acknowledged.all.values))
    await pool.shutdown()
  }

  @Test func aDatabaseThatStaysAwayIsReportedInTime() async throws {
    let settings = PostgresSettings(host: "127.0.0.1", port: try freePort(), database: "x", user: "postgres")
    let pool = PostgresPool(settings: settings, logger: quietLogger)
    let start = ContinuousClock.now
    await #expect(throws: OrderStoreError.self) {
      try await OrderStore(pool: pool).place(
        makeOrder("a"), deadline: .now + .milliseconds(700), execute: CountingDesk().fill)
    }
    #expect(start.duration(to: .now) < .seconds(5))
    await pool.shutdown()
  }

  @Test func aSlowDatabaseDoesNotHoldTheCallerBeyondItsDeadline() async throws {
    let settings = try await PostgresServer.shared.makeDatabase()
    let pool = PostgresPool(settings: settings, logger: quietLogger)
    let deadline = ContinuousClock.now + .seconds(1)
    let error = await #expect(throws: PostgresError.self) {
      try await pool.run(deadline: deadline) { connection in
        try connection.query("SELECT pg_sleep(30)", deadline: deadline)
      }
    }
    #expect(error == .timedOut)
    #expect(ContinuousClock.now < deadline + .seconds(1))
    await pool.shutdown()
  }
}
