import Logging
import Synchronization
import Testing
import TradingCore
import TradingStore

@testable import TradingServer

/// The way to the ledger of a replica that may lose sight of its leases.
private struct CutOffStore: EvaluatorStore {
  let base: LedgerEvaluatorStore
  let isCutOff = Gate()

  func acquireAndRenew(
    watermarks: [Int: Timestamp]
  ) async throws(DeskError) -> [(lease: EvaluatorLease, watermark: Timestamp?)] {
    if isCutOff.isOpen { throw .unavailable("cut off") }
    return try await base.acquireAndRenew(watermarks: watermarks)
  }

  func release(watermarks: [Int: Timestamp]) async throws(DeskError) {
    try await base.release(watermarks: watermarks)
  }

  func activeAccounts(shard: Int) async throws(DeskError) -> [Account] { try await base.activeAccounts(shard: shard) }

  func account(
    _ accountId: String, since time: Timestamp
  ) async throws(DeskError) -> (account: Account, newest: [Transaction]) {
    try await base.account(accountId, since: time)
  }

  func perform(
    on accountId: String, fence: EvaluatorLease,
    _ body: @escaping @Sendable (inout Account, Market) throws(CommandError) -> [Transaction]
  ) async throws(DeskError) -> [Transaction] {
    try await base.perform(on: accountId, fence: fence, body)
  }

  func ticks(
    of symbols: [Symbol], after: Timestamp, through: Timestamp, span: Int64
  ) async throws(DeskError) -> [RecordedTick] {
    try await base.ticks(of: symbols, after: after, through: through, span: span)
  }

  func quotes(of symbols: [Symbol], at time: Timestamp) async throws(DeskError) -> [RecordedTick] {
    try await base.quotes(of: symbols, at: time)
  }
}

/// A replica without HTTP: a desk, a board whose ticks are stored, an ear on the ledger and an evaluator.
private final class Replica: Sendable {
  let board: MarketBoard
  let desk: TradingDesk
  let reader: LedgerReader
  let store: CutOffStore
  let evaluator: Evaluator
  private let pool: PostgresPool
  private let task = Mutex<Task<Void, Never>?>(nil)

  /// - Parameter history: milliseconds of prices that the board remembers.
  init(
    _ postgres: PostgresSettings, _ name: String, evaluates: Bool = true, hears: Bool = true, history: Int64 = 10_000
  ) {
    board = MarketBoard(terms: DealerTerms(catalog: .standard), history: history)
    let unstored = UnstoredTicks()
    let recorder = TickRecorder(
      board: board, unstored: unstored, postgres: postgres, interval: .milliseconds(50), logger: quietLogger)
    pool = PostgresPool(settings: postgres, logger: quietLogger)
    desk = TradingDesk(pool: pool, market: { [board] in board.market }, logger: quietLogger)
    reader = LedgerReader(pool: pool)
    let leases = EvaluatorLeases(pool: pool, holder: name)
    store = CutOffStore(
      base: LedgerEvaluatorStore(desk: desk, reader: reader, leases: leases, stored: TickStore(pool: pool)))
    evaluator = Evaluator(
      store: store, board: board, unstored: unstored, metrics: EvaluatorMetrics(), logger: quietLogger)
    let tail = LedgerTail(pool: pool, logger: quietLogger)
    let (desk, evaluator) = (desk, evaluator)
    let running = Task {
      await withDiscardingTaskGroup { group in
        group.addTask { try? await desk.run() }
        if hears { group.addTask { try? await tail.run { await evaluator.hear($0) } } }
        if evaluates { group.addTask { await evaluator.run() } }
        group.addTask { await recorder.record() }
      }
    }
    task.withLock { $0 = running }
  }

  var holdsAll: Bool {
    get async { await evaluator.heldShards.count == EvaluatorLeases.shardCount }
  }

  /// Ends it without giving the leases back.
  func kill() async {
    let running = task.withLock { $0 }
    running?.cancel()
    await running?.value
    await pool.shutdown()
  }
}

/// Who has heard of a commit.
private final class Heard: Sendable {
  private let value = Mutex<Set<String>>([])
  var ears: Set<String> { value.withLock { $0 } }
  func add(_ entries: [LedgerEntry], by ear: String) {
    if !entries.isEmpty { value.withLock { _ = $0.insert(ear) } }
  }
}

/// Everything that was offered to the boards, in order.
private final class PricePath: Sendable {
  private let path = Mutex<[(time: Timestamp, bid: Int64)]>([])
  private let boards: Mutex<[MarketBoard]>

  init(_ boards: [MarketBoard]) { self.boards = Mutex(boards) }

  /// A board that hears what comes from now on.
  func add(_ board: MarketBoard) { boards.withLock { $0.append(board) } }

  var moments: [(time: Timestamp, bid: Int64)] { path.withLock { $0 } }

  func offer(bid: Int64) {
    path.withLock { path in
      let time = Timestamp(
        milliseconds: max(Timestamp.now.milliseconds, (path.last?.time.milliseconds ?? 0) + 1))
      path.append((time, bid))
      let quote = Quote(symbol: Symbol("EURUSD"), bid: Price(points: bid), ask: Price(points: bid + 10))
      let snapshot = PriceSnapshot(sequence: Int64(path.count), time: time, quotes: [quote])
      for board in boards.withLock({ $0 }) { board.offer(snapshot) }
    }
  }
}

@Suite(.serialized) struct EvaluatorTests {
  private func deadline() -> ContinuousClock.Instant { .now + .seconds(20) }

  private func openAccounts(_ count: Int, _ desk: TradingDesk) async throws {
    for number in 0..<count {
      _ = try await desk.open(
        AccountSettings(accountId: "a\(number)", currency: Currency("USD")), deadline: deadline())
      _ = try await desk.perform(on: "a\(number)", deadline: deadline()) { account, market throws(CommandError) in
        try account.transfer(Money(minorUnits: 1_000_000_00), reference: "first", in: market, at: .now)
      }
    }
  }

  private func limit(_ account: String, _ id: String, _ side: Side, at price: Int64) -> OrderRequest {
    OrderRequest(
      accountId: account, clientOrderId: id, symbol: Symbol("EURUSD"), side: side, type: .limit,
      volume: Volume(hundredths: 1), price: Price(points: price))
  }

  @Test func aNudgeThroughRedisMakesOthersLookNow() async throws {
    let postgres = try await PostgresServer.shared.makeMigratedDatabase()
    let redis = try RedisServer()
    try await redis.waitUntilReady()
    let pool = PostgresPool(settings: postgres, logger: quietLogger)
    // By itself it would look once an hour.
    func tail() -> LedgerTail { LedgerTail(pool: pool, interval: .seconds(3_600), logger: quietLogger) }
    let (own, other) = (tail(), tail())
    let sender = LedgerNudges(tail: own, redis: redis.settings, replica: "sender")
    let receiver = LedgerNudges(tail: other, redis: redis.settings, replica: "receiver")
    let market = TradingCore.Market(terms: DealerTerms(catalog: .standard))
    let desk = TradingDesk(
      pool: pool, market: { market }, committed: { sender.committed() }, logger: quietLogger)
    let heard = Heard()
    let running = Task {
      await withDiscardingTaskGroup { group in
        group.addTask { try? await desk.run() }
        group.addTask { try? await sender.run() }
        group.addTask { try? await receiver.run() }
        group.addTask { try? await own.run { heard.add($0, by: "own") } }
        group.addTask { try? await other.run { heard.add($0, by: "other") } }
      }
    }
    // Subscribing takes a moment, and a nudge that comes before is lost.
    try await eventually("both hear of a commit") {
      _ = try await desk.perform(on: "demo", deadline: deadline()) { account, market throws(CommandError) in
        try account.transfer(Money(minorUnits: 1), reference: "", in: market, at: .now)
      }
      return heard.ears == ["own", "other"]
    }
    running.cancel()
    await running.value
    await pool.shutdown()
  }

  @Test func anOrderThatIsTouchedBetweenItsCommitAndHearingOfItIsFilled() async throws {
    let postgres = try await PostgresServer.shared.makeMigratedDatabase()
    let replica = Replica(postgres, "deaf", hears: false)
    let market = PricePath([replica.board])
    market.offer(bid: 108_500)
    try await openAccounts(1, replica.desk)
    // With an order that waits, the account is known when the shard is taken.
    _ = try await replica.desk.place(limit("a0", "far", .buy, at: 100_000), deadline: deadline())
    await replica.evaluator.hear([])
    try await eventually("the shards are held") { await replica.holdsAll }

    let placed = try await replica.desk.place(limit("a0", "x", .buy, at: 108_400), deadline: deadline())
    #expect(placed.status == .pending)
    try await eventually("a moment later than the order") {
      Timestamp.now > placed.transactions.last?.time ?? .now
    }
    market.offer(bid: 108_390)
    market.offer(bid: 108_500)
    await replica.evaluator.hear(placed.transactions.map { LedgerEntry(accountId: "a0", transaction: $0) })
    try await eventually("it is filled") {
      try await fills(of: "a0", replica.reader).map(\.price.points) == [108_400]
    }
    await replica.kill()
  }

  @Test func aDeadHoldersShardsGoToAnotherInASecondOrTwo() async throws {
    let postgres = try await PostgresServer.shared.makeMigratedDatabase()
    let one = Replica(postgres, "one")
    let market = PricePath([one.board])
    market.offer(bid: 108_500)
    try await openAccounts(20, one.desk)
    for number in 0..<20 {
      _ = try await one.desk.place(limit("a\(number)", "x", .buy, at: 108_400), deadline: deadline())
    }
    try await eventually("one holds the shards") { await one.holdsAll }
    let two = Replica(postgres, "two")
    PricePath([two.board]).offer(bid: 108_500)
    await one.kill()
    let start = ContinuousClock.now
    try await eventually("two holds the shards") { await two.holdsAll }
    // Leases hold for 1.2 s and are looked at every 0.3 s; the rest is room for a busy machine.
    #expect(ContinuousClock.now - start < .seconds(6))
    await two.kill()
  }

  /// How the first holder is lost. The last one comes back to nobody: its successor starts when the prices in between are
  /// not remembered by any board, and has never heard them.
  enum Loss: CaseIterable { case killed, cutOff, killedForLong }

  @Test(arguments: Loss.allCases) func noTriggerIsLostOrDoubledWhenTheHolderIsReplaced(loss: Loss) async throws {
    let postgres = try await PostgresServer.shared.makeMigratedDatabase()
    let history: Int64 = loss == .killedForLong ? 1_000 : 10_000
    let client = Replica(postgres, "client", evaluates: false, history: history)
    let one = Replica(postgres, "one", history: history)
    let all = PricePath([client.board, one.board])
    all.offer(bid: 108_500)
    try await openAccounts(8, client.desk)
    try await eventually("one holds the shards") { await one.holdsAll }
    var successor: Replica?
    func join() {
      let two = Replica(postgres, "two", history: history)
      all.add(two.board)
      successor = two
    }
    if loss != .killedForLong { join() }

    let placements = try await trade(through: client, all) { round in
      switch (round, loss) {
      case (120, .cutOff): one.store.isCutOff.open()
      case (120, _): await one.kill()
      case (300, .killedForLong): join()
      default: break
      }
    }
    let two = try #require(successor)
    try await eventually("two holds the shards") { await two.holdsAll }
    if loss == .cutOff { await #expect(one.evaluator.heldShards.count < EvaluatorLeases.shardCount) }
    let moments = all.moments
    var touched = 0
    for (accountId, orders) in Dictionary(grouping: placements, by: { $0.request.accountId }) {
      var expected: [TransactionID: Int64] = [:]
      for (request, placement) in orders {
        guard let created = placement.transactions.last, let price = request.price?.points else { continue }
        let touch = moments.first { moment in
          moment.time > created.time && (request.side == .buy ? moment.bid + 10 <= price : moment.bid >= price)
        }
        if let touch { expected[created.id] = request.side == .buy ? touch.bid + 10 : touch.bid }
      }
      touched += expected.count
      try await eventually("account \(accountId) has its fills", within: .seconds(30)) {
        try await Set(fills(of: accountId, client.reader).map(\.orderId)).isSuperset(of: expected.keys)
      }
      let found = try await fills(of: accountId, client.reader)
      #expect(Set(found.map(\.orderId)).count == found.count, "doubled")
      for (id, price) in expected { #expect(found.first { $0.orderId == id }?.price.points == price) }
      let pending = Set(orders.compactMap(\.placement.transactions.last?.id))
      #expect(found.filter { pending.contains($0.orderId) }.count == expected.count)
    }
    #expect(touched > 100)
    for replica in [client, two] + (loss == .cutOff ? [one] : []) { await replica.kill() }
  }

  @Test func aTouchDuringAnOutageOfTheDatabaseIsFilledAtItsPrice() async throws {
    let server = try await PostgresServer.start()
    let postgres = try await server.makeMigratedDatabase()
    let replica = Replica(postgres, "one", history: 300)
    let market = PricePath([replica.board])
    market.offer(bid: 108_500)
    try await openAccounts(8, replica.desk)
    for number in 0..<8 {
      _ = try await replica.desk.place(limit("a\(number)", "x", .buy, at: 108_400), deadline: deadline())
    }
    try await eventually("the shards are held") { await replica.holdsAll }
    server.crash()
    // Longer than leases hold and boards remember. The first touch is followed by a better price.
    for step in 0..<120 {
      market.offer(bid: [20: 108_390, 21: 108_380][step] ?? 108_500)
      try await Task.sleep(for: .milliseconds(20))
    }
    try await server.restart(answering: postgres)
    for number in 0..<8 {
      try await eventually("account \(number) has its fill") {
        market.offer(bid: 108_500)
        return try await fills(of: "a\(number)", replica.reader).map(\.price.points) == [108_400]
      }
    }
    await replica.kill()
  }

  /// Prices that touch and leave, and orders near them, while `disturb` runs between the rounds. Gives the orders that had
  /// to wait.
  private func trade(
    through client: Replica, _ market: PricePath, _ disturb: (Int) async -> Void
  ) async throws -> [(request: OrderRequest, placement: Placement)] {
    var waiting: [(request: OrderRequest, placement: Placement)] = []
    for round in 0..<400 {
      let bid = 108_500 + Int64.random(in: -60...60)
      market.offer(bid: bid)
      let side: Side = Bool.random() ? .buy : .sell
      let distance = Int64.random(in: 15...55)
      let request = limit(
        "a\(round % 8)", "o\(round)", side, at: side == .buy ? 108_510 - distance : 108_500 + distance)
      let placement = try await client.desk.place(request, deadline: deadline())
      if placement.status == .pending { waiting.append((request, placement)) }
      await disturb(round)
      try await Task.sleep(for: .milliseconds(15))
    }
    market.offer(bid: 108_500)
    return waiting
  }

  private func fills(of accountId: String, _ reader: LedgerReader) async throws -> [OrderFill] {
    try await reader.transactions(accountId: accountId, after: 0, limit: 5_000, deadline: deadline()).compactMap {
      if case .orderFill(let fill) = $0.kind { fill } else { nil }
    }
  }
}
