import Testing
import TradingCore
import TradingStore

@testable import TradingServer

/// A ledger in memory: what is committed is heard later, what is asked for is carried out later.
private struct SlowLedger {
  var accounts: [String: Account] = [:]
  var written: [String: [Transaction]] = [:]
  /// Committed but not heard of, oldest first.
  var unheard: [(at: Int64, entry: LedgerEntry)] = []
  var requests: [(at: Int64, ShardBook.Request)] = []
  /// Carried out, but the evaluator has not been told.
  var outcomes: [(at: Int64, id: String, transactions: [Transaction]?)] = []
  /// Read, but the evaluator has not been given them.
  var readings: [(at: Int64, account: Account, newest: [Transaction])] = []

  mutating func commit(_ id: String, _ transactions: [Transaction], heardAt time: Int64) {
    written[id, default: []] += transactions
    unheard += transactions.map { (time, LedgerEntry(accountId: id, transaction: $0)) }
  }
}

/// Splitmix64, so that a failure can be repeated.
private struct Dice: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}

@Suite struct ShardBookTests {
  private let euro = Symbol("EURUSD")
  private let lease = EvaluatorLease(shard: 0, epoch: 1)
  private let start: Int64 = 1_700_000_000_000

  private func open(_ id: String, at time: Int64) throws -> (Account, [Transaction]) {
    let market = Market(terms: DealerTerms(catalog: .standard))
    var (account, created) = Account.open(
      AccountSettings(accountId: id, currency: Currency("USD")), at: Timestamp(milliseconds: time))
    let funds = try account.transfer(
      Money(minorUnits: 100_000_000), reference: "first", in: market, at: Timestamp(milliseconds: time))
    return (account, [created] + funds)
  }

  private func offer(_ board: MarketBoard, _ time: Int64, bid: Int64) {
    board.offer(
      PriceSnapshot(
        sequence: time, time: Timestamp(milliseconds: time),
        quotes: [Quote(symbol: euro, bid: Price(points: bid), ask: Price(points: bid + 10))]))
  }

  private func limit(_ id: String, _ number: Int, _ side: Side, at price: Int64) -> OrderRequest {
    OrderRequest(
      accountId: id, clientOrderId: "o\(number)", symbol: euro, side: side, type: .limit, volume: Volume(hundredths: 1),
      price: Price(points: price))
  }

  /// An order, the moment at which it was placed, and all moments: which one should have filled it?
  private func firstTouch(_ order: OrderRequest, placedAt time: Int64, _ path: [(time: Int64, bid: Int64)]) -> Int64? {
    path.first { moment in
      guard moment.time > time, let price = order.price?.points else { return false }
      return order.side == .buy ? moment.bid + 10 <= price : moment.bid >= price
    }?.time
  }

  /// Evaluators that die and are replaced, another replica that places orders, news that come late, writes that fail
  /// or whose outcome is lost: every touched order is filled once, at the price of its first touch, and no other is.
  @Test(arguments: 1...10 as ClosedRange<UInt64>)
  func everyTouchIsFilledOnce(seed: UInt64) throws {
    var dice = Dice(state: seed)
    let board = MarketBoard(terms: DealerTerms(catalog: .standard))
    var ledger = SlowLedger()
    var book: ShardBook?
    var path: [(time: Int64, bid: Int64)] = []
    var orders: [(request: OrderRequest, time: Int64)] = []
    var takeOverAt: Int64? = start
    var placed = 0
    for number in 0..<5 {
      let (account, transactions) = try open("a\(number)", at: start - 60_000)
      ledger.accounts["a\(number)"] = account
      ledger.written["a\(number)"] = transactions
    }
    let end = start + 8_000
    for now in start..<(end + 6_000) {
      // The price, every 20 ms; flat at last, out of every order's way.
      if now % 20 == 0 {
        let bid = now < end ? 108_500 + Int64.random(in: -60...60, using: &dice) : 108_500
        path.append((now, bid))
        offer(board, now, bid: bid)
        if let moment = board.moments(since: Timestamp(milliseconds: now - 1)).first { book?.take(moment) }
      }
      // Another replica places an order; it is committed at once and heard of up to 90 ms later.
      if now < end, now % 7 == 0, Int.random(in: 0..<6, using: &dice) == 0 {
        let id = "a\(Int.random(in: 0..<5, using: &dice))"
        let side: Side = Bool.random(using: &dice) ? .buy : .sell
        let distance = Int64.random(in: 15...58, using: &dice)
        let request = limit(id, placed, side, at: side == .buy ? 108_510 - distance : 108_500 + distance)
        placed += 1
        let decision = try #require(
          try ledger.accounts[id]?.place(request, in: board.market, at: Timestamp(milliseconds: now)))
        ledger.commit(id, decision.transactions, heardAt: now + Int64.random(in: 1...90, using: &dice))
        if case .pending = decision.answer.outcome { orders.append((request, now)) }
      }
      // The evaluator dies; another one takes its place after a while, having heard everything in between.
      if now < end, Int.random(in: 0..<1_500, using: &dice) == 0, book != nil {
        book = nil
        ledger.requests = []
        ledger.outcomes = []
        ledger.readings = []
        takeOverAt = now + Int64.random(in: 300...1_900, using: &dice)
      }
      let heard = ledger.unheard.filter { $0.at <= now }.map(\.entry)
      ledger.unheard.removeAll { $0.at <= now }
      book?.hear(heard, history: board.moments(since: Timestamp(milliseconds: 0)))
      if let time = takeOverAt, time <= now {
        takeOverAt = nil
        let history = board.moments(since: Timestamp(milliseconds: 0))
        book = ShardBook(
          lease: lease, accounts: ledger.accounts.values.filter { !$0.orders.isEmpty || !$0.trades.isEmpty },
          terms: board.market.terms, history: history)
      }
      try advance(&book, &ledger, board, now, &dice)
    }
    #expect(book?.busyAccounts == 0)
    #expect(book?.watermark == Timestamp(milliseconds: path.last?.time ?? 0))
    try check(orders, ledger, path, seed)
  }

  /// A shard hears of every order of its accounts, for as long as the process lives.
  @Test func theAccountsOfAShardDoNotGrowWithTheOrdersTheyHaveHad() throws {
    let board = MarketBoard(terms: DealerTerms(catalog: .standard))
    offer(board, start, bid: 108_500)
    var (account, _) = try open("a", at: start)
    var book = ShardBook(lease: lease, accounts: [account], terms: board.market.terms, history: [])
    for number in 0..<50 {
      let placed = try account.place(
        limit("a", number, .buy, at: 100_000), in: board.market, at: Timestamp(milliseconds: start + 1))
      let cancelled = try account.cancel(orderId: placed.answer.orderId, at: Timestamp(milliseconds: start + 2))
      book.hear((placed.transactions + cancelled).map { LedgerEntry(accountId: "a", transaction: $0) }, history: [])
    }
    let heard = try #require(book.dealer["a"])
    #expect(heard.lastTransactionId == account.lastTransactionId)
    #expect(heard.orders.isEmpty)
    #expect(heard.answers.isEmpty)
  }

  private func advance(
    _ book: inout ShardBook?, _ ledger: inout SlowLedger, _ board: MarketBoard, _ now: Int64, _ dice: inout Dice
  ) throws {
    for request in book?.takeRequests() ?? [] {
      ledger.requests.append((now + Int64.random(in: 1...30, using: &dice), request))
    }
    let due = ledger.requests.filter { $0.at <= now }.map(\.1)
    ledger.requests.removeAll { $0.at <= now }
    for request in due {
      let id = request.accountId
      guard var account = ledger.accounts[id] else { continue }
      let answerAt = now + Int64.random(in: 0...20, using: &dice)
      switch request {
      case .evaluate(_, let moments, let recent):
        let fate = Int.random(in: 0..<10, using: &dice)
        if fate == 0 {
          ledger.outcomes.append((answerAt, id, nil))  // Nothing was written.
          continue
        }
        let transactions = account.evaluate(moments, recent)
        ledger.accounts[id] = account
        ledger.commit(id, transactions, heardAt: now + Int64.random(in: 1...90, using: &dice))
        ledger.outcomes.append((answerAt, id, fate == 1 ? nil : transactions))  // Or the answer was lost.
      case .rollOver: ledger.outcomes.append((answerAt, id, []))
      case .reload:
        // More may be committed, and heard of, before what was read arrives.
        let arrival = now + Int64.random(in: 0...150, using: &dice)
        ledger.readings.append((arrival, account, ledger.written[id] ?? []))
      }
    }
    for (_, account, newest) in ledger.readings.filter({ $0.at <= now }) {
      book?.reloaded(account, newest: newest, history: board.moments(since: Timestamp(milliseconds: 0)))
    }
    ledger.readings.removeAll { $0.at <= now }
    for (_, id, transactions) in ledger.outcomes.filter({ $0.at <= now }) {
      if let transactions { book?.finished(id, wrote: transactions) } else { book?.failed(id) }
    }
    ledger.outcomes.removeAll { $0.at <= now }
  }

  private func check(
    _ orders: [(request: OrderRequest, time: Int64)], _ ledger: SlowLedger, _ path: [(time: Int64, bid: Int64)],
    _ seed: UInt64
  ) throws {
    var touched = 0
    for (request, time) in orders {
      let account = try #require(ledger.accounts[request.accountId])
      let ledgerOf = ledger.written[request.accountId] ?? []
      let id = try #require(account.answers[request.clientOrderId]).orderId
      let fills = ledgerOf.compactMap { transaction -> OrderFill? in
        if case .orderFill(let fill) = transaction.kind, fill.orderId == id { fill } else { nil }
      }
      let due = firstTouch(request, placedAt: time, path)
      #expect(fills.count == (due == nil ? 0 : 1), "seed \(seed), order \(request.clientOrderId)")
      guard let due, let bid = path.first(where: { $0.time == due })?.bid else { continue }
      touched += 1
      #expect(fills.first?.price.points == (request.side == .buy ? bid + 10 : bid), "seed \(seed)")
    }
    #expect(touched > 40)
    for (id, transactions) in ledger.written {
      #expect(try Account(replaying: transactions).canonicalState == ledger.accounts[id]?.canonicalState, "\(id)")
    }
  }
}
