import Synchronization
import Testing
import TradingCore

@testable import TradingStore

@Suite struct TradingDeskTests {
  @Test func twentyPlacesOfOneIdMakeOneOrderAndOneAnswer() async throws {
    try await withDesk { desk, pool in
      let placements = try await withThrowingTaskGroup(of: Placement.self) { group in
        for _ in 0..<20 { group.addTask { try await desk.place(makeOrder("same"), deadline: soon) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(Set(placements.map(\.receipt)).count == 1)
      #expect(placements.filter(\.isNew).count == 1)
      let reader = LedgerReader(pool: pool)
      #expect(try await reader.counts(deadline: soon) == LedgerCounts(orders: 1, fills: 1, transactions: 4))
      let found = try await reader.receipt(accountId: "demo", clientOrderId: "same", deadline: soon)
      #expect(found?.receipt == placements[0].receipt)
      #expect(found?.status == .filled)
    }
  }

  @Test func aNewDeskGivesTheStoredAnswer() async throws {
    let settings = try await PostgresServer.shared.makeMigratedDatabase()
    let first = try await withDesk(settings) { desk, _ in try await desk.place(makeOrder("a"), deadline: soon) }
    try await withDesk(settings) { desk, _ in
      let again = try await desk.place(makeOrder("a"), deadline: soon)
      #expect(again.receipt == first.receipt && !again.isNew && again.transactions.isEmpty)
      #expect(try await desk.place(makeOrder("b"), deadline: soon).isNew)
      // The account is known by now, and the answer is not among those of this desk.
      let third = try await desk.place(makeOrder("a"), deadline: soon)
      #expect(third.receipt == first.receipt && !third.isNew)
    }
  }

  @Test func aDifferentOrderUnderTheSameIdIsRefusedAndNamesTheField() async throws {
    try await withDesk { desk, pool in
      _ = try await desk.place(makeOrder("a", volume: 10), deadline: soon)
      await #expect(throws: DeskError.command(.conflict(field: "volume"))) {
        try await desk.place(makeOrder("a", volume: 20), deadline: soon)
      }
      await #expect(throws: DeskError.unknownAccount("nobody")) {
        try await desk.place(makeOrder("a", account: "nobody"), deadline: soon)
      }
      await #expect(throws: DeskError.command(.clientOrderIdMissing)) {
        try await desk.place(makeOrder(""), deadline: soon)
      }
      #expect(try await LedgerReader(pool: pool).counts(deadline: soon).orders == 1)
    }
  }

  @Test func accountsAreOpenedOnceAndServedAtOnce() async throws {
    try await withDesk { desk, pool in
      let settings = AccountSettings(accountId: "new", currency: Currency("EUR"), mode: .netting)
      #expect(try await desk.open(settings, deadline: soon).settings == settings)
      await #expect(throws: DeskError.accountExists("new")) { try await desk.open(settings, deadline: soon) }
      let money = try await desk.perform(on: "new", deadline: soon) { account, market throws(CommandError) in
        try account.transfer(
          Money(minorUnits: 5_000), reference: "r", in: market, at: Timestamp(milliseconds: 7))
      }
      #expect(money.map(\.id) == [2])
      #expect(try await desk.account("new", deadline: soon).balance == Money(minorUnits: 5_000))
      let reader = LedgerReader(pool: pool)
      #expect(try await reader.accountIds(deadline: soon) == ["demo", "new"])
      let read = try await reader.transactions(accountId: "new", after: 1, limit: 10, deadline: soon)
      #expect(read == money)
    }
  }

  @Test func anAccountIsReadAsItIsThoughAnotherDeskHasWritten() async throws {
    let settings = try await PostgresServer.shared.makeMigratedDatabase()
    try await withDesk(settings) { one, _ in
      try await withDesk(settings) { two, _ in
        for round in 0..<20 {
          _ = try await one.account("demo", deadline: soon)
          var order = makeOrder("p\(round)", type: .limit)
          order.price = Price(points: 100_000)
          let placed = try await two.place(order, deadline: soon)
          let id = try #require(placed.transactions.first?.id)
          #expect(try await one.account("demo", deadline: soon).orders[id] != nil)
          // What `one` has in memory now lacks the cancellation, so a second one must not be invented.
          _ = try await two.perform(on: "demo", deadline: soon) { account, _ throws(CommandError) in
            try account.cancel(orderId: id, at: Timestamp(milliseconds: 1))
          }
          await #expect(throws: DeskError.command(.orderDoesntExist(id))) {
            try await one.perform(on: "demo", deadline: soon) { account, _ throws(CommandError) in
              try account.cancel(orderId: id, at: Timestamp(milliseconds: 1))
            }
          }
        }
      }
    }
  }

  @Test func aPoisonousCommandLeavesItsNeighboursUnharmed() async throws {
    try await withDesk(lanes: 1) { desk, pool in
      // A NUL never gets to the database; an id of this length fits no index.
      let poison = ["a\u{0}b", String((0..<20_000).map { _ in Character(Unicode.Scalar(UInt8.random(in: 97...122))) })]
      let results = await withTaskGroup(of: (String, Result<Placement, DeskError>).self) { group in
        for number in 0..<60 {
          let id = number % 20 == 7 ? poison[number / 20 % 2] + "\(number)" : "fine-\(number)"
          group.addTask {
            do throws(DeskError) {
              return (id, .success(try await desk.place(makeOrder(id), deadline: soon)))
            } catch {
              return (id, .failure(error))
            }
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      for (id, result) in results {
        switch result {
        case .success(let placement): #expect(id.hasPrefix("fine") && placement.isNew)
        case .failure(let error):
          #expect(!id.hasPrefix("fine"), "\(error)")
          guard case .unavailable = error else {
            Issue.record("\(error)")
            continue
          }
        }
      }
      #expect(try await LedgerReader(pool: pool).counts(deadline: soon).orders == 57)
      try await expectSoundBooks(pool)
    }
  }

  @Test func aBodyThatFailsHalfwayLeavesNothingBehind() async throws {
    try await withDesk { desk, pool in
      await #expect(throws: DeskError.command(.orderDoesntExist(99))) {
        try await desk.perform(on: "demo", deadline: soon) { account, market throws(CommandError) in
          let time = Timestamp(milliseconds: 5)
          let money = try account.transfer(Money(minorUnits: 5), reference: "", in: market, at: time)
          return money + (try account.cancel(orderId: 99, at: time))
        }
      }
      #expect(try await desk.account("demo", deadline: soon).lastTransactionId == 2)
      _ = try await desk.place(makeOrder("a"), deadline: soon)
      try await expectSoundBooks(pool)
    }
  }

  @Test func aHeldAccountKeepsNobodyElseWaiting() async throws {
    let settings = try await PostgresServer.shared.makeMigratedDatabase()
    try await withDesk(settings, lanes: 1) { desk, pool in
      _ = try await desk.open(AccountSettings(accountId: "other", currency: Currency("USD")), deadline: soon)
      let release = Atomic(false)
      let held = Atomic(false)
      async let holding: Void = pool.run(deadline: soon) { connection in
        try connection.query("BEGIN", deadline: soon)
        try connection.query("SELECT FROM accounts WHERE account_id = 'demo' FOR UPDATE", deadline: soon)
        held.store(true, ordering: .releasing)
        while !release.load(ordering: .acquiring) { try connection.query("SELECT pg_sleep(0.01)", deadline: soon) }
        try connection.query("ROLLBACK", deadline: soon)
      }
      try await eventually("the account is held") { held.load(ordering: .acquiring) }
      async let late = desk.place(makeOrder("late"), deadline: soon)
      for number in 0..<50 {
        let order = makeOrder("o\(number)", account: "other", volume: 1)
        #expect(try await desk.place(order, deadline: soon).isNew)
      }
      release.store(true, ordering: .releasing)
      #expect(try await late.isNew)
      try await holding
    }
  }
}
