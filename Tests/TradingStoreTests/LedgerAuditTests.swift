import Testing
import TradingCore

@testable import TradingStore

@Suite struct LedgerAuditTests {
  @Test func everyKindOfMismatchIsFoundAndNamed() async throws {
    try await withDesk { desk, pool in
      for number in 0..<300 {
        _ = try await desk.place(makeOrder("o\(number)", side: number % 2 == 0 ? .buy : .sell), deadline: soon)
      }
      var pending = makeOrder("p", type: .limit)
      pending.price = Price(points: 100_000)
      _ = try await desk.place(pending, deadline: soon)
      let audit = LedgerAudit(pool: pool)
      try await eventually("a snapshot is written") {
        try await pool.run(deadline: soon) { connection in
          try connection.query("SELECT transaction_id FROM account_snapshots", deadline: soon)[0, 0] != nil
        }
      }
      let clean = try await audit.audit("demo", deadline: soon)
      #expect(clean.problems.isEmpty && clean.orders == 301 && clean.transactions == 603)
      #expect(clean.balance == "100000.00 USD")
      let damages: [(String, String)] = [
        ("UPDATE accounts SET last_transaction_id = last_transaction_id + 1", "the ledger ends at 603"),
        ("UPDATE accounts SET is_active = false", "is_active"),
        ("UPDATE account_snapshots SET state = replace(state, 'balance=10000000', 'balance=10000001')", "snapshot"),
        ("UPDATE orders SET receipt = replace(receipt, 'EURUSD', 'GBPUSD') WHERE client_order_id = 'o7'", "order 17:"),
        ("UPDATE orders SET status = 'pending' WHERE client_order_id = 'o7'", "order 17:"),
        ("DELETE FROM orders WHERE client_order_id = 'o8'", "order 19: no answer"),
        ("DELETE FROM transactions WHERE transaction_id = 20", "transaction 21: "),
        (
          "UPDATE transactions SET line = replace(line, 'balance=10000000', 'balance=10000005') WHERE transaction_id = 2",
          "transaction 2: "
        ),
        ("UPDATE transactions SET kind = 'ORDER_CANCEL' WHERE transaction_id = 30", "transaction 30: "),
      ]
      for (damage, words) in damages {
        // Undone again: the audit reads on the same connection.
        let found = try await pool.run(deadline: soon) { connection in
          try connection.query("BEGIN", deadline: soon)
          try connection.query(damage, deadline: soon)
          let found = try LedgerAudit.audit("demo", connection, deadline: soon)
          try connection.query("ROLLBACK", deadline: soon)
          return found
        }
        #expect(found.problems.contains { $0.contains(words) }, "\(damage): \(found.problems)")
      }
      try await expectSoundBooks(pool)
    }
  }
}

@Suite struct DeskLimitTests {
  @Test func aFullQueueIsBusyAndNobodyWaitsBeyondTheDeadline() async throws {
    let settings = PostgresSettings(host: "127.0.0.1", port: try freePort(), database: "x", user: "postgres")
    try await withDesk(settings, lanes: 1) { desk, _ in
      let deadline = ContinuousClock.now + .seconds(1)
      let results = await withTaskGroup(of: DeskError?.self) { group in
        for number in 0..<600 {
          group.addTask {
            do throws(DeskError) {
              _ = try await desk.place(makeOrder("o\(number)"), deadline: deadline)
              return nil
            } catch {
              return error
            }
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(ContinuousClock.now < deadline + .seconds(2))
      #expect(results.filter { $0 == .busy }.count == 600 - 512)
      for case .some(let error) in results where error != .busy {
        guard case .unavailable(let reason) = error else {
          Issue.record("\(error)")
          continue
        }
        #expect(reason.contains("\(settings.port)"), "\(reason)")
      }
    }
  }

  @Test func turnsGoRoundBetweenAccounts() {
    let queue = LaneQueue(capacity: 100, capacityOfAccount: 50)
    func add(_ account: String, _ count: Int) {
      for _ in 0..<count { queue.add(DeskCommand(.read, on: account, deadline: soon)) }
    }
    add("busy", 40)
    add("b", 2)
    add("c", 1)
    #expect(queue.take(limit: 4).map(\.accountId) == ["busy", "b", "c", "busy"])
    add("d", 1)
    #expect(queue.take(limit: 2).map(\.accountId) == ["b", "busy"])
    #expect(queue.take(limit: 3).map(\.accountId) == ["d", "busy", "busy"])
    #expect(queue.take(limit: 100).count == 35)
    #expect(queue.take(limit: 100).isEmpty)
  }
}

@Suite struct PostgresHostTests {
  @Test func severalHostsEachMayNameAPort() {
    func hosts(_ text: String) -> [String] {
      PostgresSettings(host: text, port: 5432, database: "d", user: "u").hosts.map(\.description)
    }
    #expect(hosts("a") == ["a:5432"])
    #expect(hosts("a, b:5433,c") == ["a:5432", "b:5433", "c:5432"])
    #expect(hosts("[::1]:5,::1") == ["::1:5", "::1:5432"])
  }

  @Test func theFirstThatTakesWritesIsUsed() async throws {
    var settings = try await PostgresServer.shared.makeMigratedDatabase()
    settings.host = "127.0.0.1:\(try freePort()),127.0.0.1:\(settings.port)"
    let placement = try await withDesk(settings) { desk, _ in
      try await desk.place(makeOrder("a"), deadline: soon)
    }
    #expect(placement.isNew)
  }
}
