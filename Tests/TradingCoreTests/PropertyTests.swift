import Foundation
import Testing

@testable import TradingCore

/// Random days against the invariants and against the naive broker.
@Suite struct PropertyTests {
  /// RTX_PROPERTY_SEEDS sequences, 2,000 when it is not set; RTX_PROPERTY_FIRST is where they start.
  private static func setting(_ name: String, _ fallback: UInt64) -> UInt64 {
    ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) } ?? fallback
  }

  /// Half a minute of computing would keep the few threads that all tests share from everybody else.
  private static func onThreadOfItsOwn(_ body: @escaping @Sendable () -> Lane) async -> Lane {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: body()) }
    }
  }

  /// What came of some of the sequences.
  private struct Lane: Sendable {
    var coverage = Coverage()
    var failures: [String] = []
  }

  private static func play(from first: UInt64, to end: UInt64, by lanes: UInt64) -> Lane {
    var lane = Lane()
    for seed in stride(from: first, to: end, by: Int(lanes)) {
      var day = RandomDay(seed: seed)
      if let failure = day.run() {
        lane.failures.append("seed \(seed), step \(day.stepIndex): \(failure)")
        if lane.failures.count == 3 { break }
      }
      lane.coverage.add(day.account.ledgerNames)
    }
    return lane
  }

  @Test func randomSequencesKeepTheInvariantsAndAgreeWithTheNaiveBroker() async {
    let first = Self.setting("RTX_PROPERTY_FIRST", 1)
    let count = Self.setting("RTX_PROPERTY_SEEDS", 2_000)
    let lanes: UInt64 = 2
    var seen = Coverage()
    await withTaskGroup(of: Lane.self) { group in
      for lane in 0..<lanes {
        group.addTask { await Self.onThreadOfItsOwn { Self.play(from: first + lane, to: first + count, by: lanes) } }
      }
      for await lane in group {
        seen.merge(lane.coverage)
        for failure in lane.failures { Issue.record("\(failure)") }
      }
    }
    // A generator that never reaches a rule would prove nothing about it.
    if count >= 2_000 {
      for name in Coverage.expected { #expect(seen.counts[name, default: 0] > 0, "no sequence led to \(name)") }
    }
    print("property sequences \(count): \(seen.counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })")
  }
}

/// How often each transaction type and reason came up.
struct Coverage: Sendable {
  var counts: [String: Int] = [:]
  mutating func add(_ names: [String]) { for name in names { counts[name, default: 0] += 1 } }
  mutating func merge(_ other: Coverage) { counts.merge(other.counts, uniquingKeysWith: +) }

  static let expected: [String] =
    [
      "TRANSFER_FUNDS", "MARKET_ORDER", "LIMIT_ORDER", "STOP_ORDER", "STOP_LIMIT_ORDER", "MARKET_ORDER_REJECT",
      "STOP_LIMIT_TRIGGER", "ORDER_FILL", "TRADE_CLOSE_BY", "ORDER_CANCEL", "TAKE_PROFIT_ORDER", "STOP_LOSS_ORDER",
      "TRAILING_STOP_LOSS_ORDER", "TRAILING_STOP_MOVE", "DAILY_FINANCING", "MARGIN_CALL_ENTER", "MARGIN_CALL_EXIT",
      "transfer NEGATIVE_BALANCE_PROTECTION",
    ] + CancelReason.allCases.filter { $0 != .amountOverflow }.map { "cancel " + $0.rawValue }
    + FillReason.allCases.map { "fill " + $0.rawValue }
    + [
      RejectReason.instrumentUnknown, .volumeMinimumNotMet, .volumeLimitExceeded, .volumePrecisionExceeded,
      .priceMissing, .limitPriceMissing, .timeInForceInvalid, .goodTillMissing, .goodTillInPast, .tradeDoesntExist,
      .orderDoesntExist, .tradeIdentifierInconsistency, .closeVolumeExceedsTrade, .closeByNotAllowed,
    ].map { "reject " + $0.rawValue }
}

/// An account with its whole ledger, as a store would keep it.
struct KeptAccount {
  var state: Account
  var ledger: [Transaction]

  mutating func keep(_ transactions: [Transaction]) { ledger += transactions }

  var ledgerNames: [String] {
    ledger.map { transaction in
      switch transaction.kind {
      case .orderCancel(_, let reason): "cancel " + reason.rawValue
      case .orderFill(let fill): "fill " + fill.reason.rawValue
      case .orderReject(_, let reason): "reject " + reason.rawValue
      case .transferFunds(let transfer): "transfer " + transfer.reason.rawValue
      default: transaction.kind.name
      }
    } + ledger.map(\.kind.name)
  }
}

/// One random sequence, played to both implementations.
struct RandomDay {
  var generator: SequenceGenerator
  var market = Market(terms: SequenceGenerator.terms)
  var account: KeptAccount
  let naive: NaiveBroker
  var stepIndex = 0

  init(seed: UInt64) {
    generator = SequenceGenerator(seed: seed)
    let time = SequenceGenerator.startTime
    let (state, created) = Account.open(generator.settings, at: Timestamp(milliseconds: time))
    account = KeptAccount(state: state, ledger: [created])
    naive = NaiveBroker(generator.settings, SequenceGenerator.terms, at: time)
  }

  /// Nil when everything held, else what did not.
  mutating func run() -> String? {
    for symbol in generator.symbols where generator.random.chance(95) {
      if let failure = play(.tick(generator.quote(symbol))) { return failure }
    }
    if let failure = play(.transfer(generator.deposit(), "first")) { return failure }
    let length = 20 + generator.random.below(60)
    for index in 0..<length {
      stepIndex = Int(index)
      let state = account.state
      let trades = state.trades.values.sorted { $0.id < $1.id }
        .map { (id: $0.id, symbol: $0.symbol.name, side: $0.side, volume: $0.volume.hundredths) }
      let orders = (Array(state.orders.keys) + Array(state.linkedOrders.keys)).sorted()
      let step = generator.step(orderIds: orders, tradeIds: trades)
      if let failure = play(step) { return "\(step): \(failure)" }
    }
    return replayed()
  }

  private mutating func play(_ step: Step) -> String? {
    let time = generator.time
    let moment = Timestamp(milliseconds: time)
    let before = account.ledger.count
    switch step {
    case .tick(let quote):
      do { try market.update(quote, at: moment) } catch { return "quote refused: \(error)" }
      account.keep(account.state.tick(quote.symbol, in: market, at: moment))
      naive.tick(quote.symbol.name, bid: quote.bid.points, ask: quote.ask.points, at: time)
    case .place(let request):
      if let failure = place(request, time) { return failure }
    case .cancel(let id):
      let done = try? account.state.cancel(orderId: id, at: moment)
      account.keep(done ?? [])
      if naive.cancel(id, at: time) != (done != nil) { return "only one cancelled" }
    case .modify(let id, let protection):
      let done = try? account.state.modify(tradeId: id, protection: protection, in: market, at: moment)
      account.keep(done ?? [])
      if naive.modify(id, protection, at: time) != (done != nil) { return "only one modified" }
    case .transfer(let amount, let reference):
      let done = try? account.state.transfer(
        Money(minorUnits: amount), reference: reference, in: market, at: moment)
      account.keep(done ?? [])
      if naive.transfer(amount, reference, at: time) != (done != nil) { return "only one transferred" }
    case .rollover(let at):
      let done = try? account.state.rollover(Timestamp(milliseconds: at), in: market, at: moment)
      account.keep(done ?? [])
      if naive.rollover(at, at: time) != (done != nil) { return "only one rolled over" }
    }
    return compared(from: before) ?? invariants()
  }

  private mutating func place(_ request: OrderRequest, _ time: Int64) -> String? {
    let known = account.state.answers[request.clientOrderId]
    let theirs = naive.place(request, at: time)
    do {
      let decision = try account.state.place(request, in: market, at: Timestamp(milliseconds: time))
      account.keep(decision.transactions)
      if let known, decision.answer != known || !decision.isRepeated { return "the answer changed" }
      if known == nil, decision.isRepeated { return "a new order without a transaction" }
      let outcome =
        switch decision.answer.outcome {
        case .pending: "PENDING"
        case .filled: "FILLED"
        case .closedBy: "CLOSED_BY"
        case .cancelled(let reason): "CANCELLED_" + reason.rawValue
        case .rejected(let reason): "REJECTED_" + reason.rawValue
        }
      if theirs != "\(decision.answer.orderId) \(outcome)" { return "answer \(outcome), naive \(theirs)" }
      if case .filled(let fill) = decision.answer.outcome, fill.openedVolume.hundredths > 0, known == nil,
        !decision.transactions.contains(where: { $0.kind.name.hasPrefix("MARGIN_CALL") }),
        let figures = try? account.state.figures(in: market), figures.freeMargin < .zero
      {
        return "free margin \(figures.freeMargin.minorUnits) after an accepted order"
      }
    } catch .conflict(let field) {
      if theirs != "conflict \(field)" { return "conflict \(field), naive \(theirs)" }
    } catch {
      return "place threw \(error)"
    }
    return nil
  }

  private func compared(from start: Int) -> String? {
    let ours = account.ledger[start...].map(\.canonicalLine)
    let theirs = Array(naive.ledger[min(start, naive.ledger.count)...])
    if ours == theirs { return nil }
    let index = zip(ours, theirs).prefix { $0 == $1 }.count
    return "ledgers differ:\n  ours  \(index < ours.count ? ours[index] : "nothing")"
      + "\n  naive \(index < theirs.count ? theirs[index] : "nothing")"
  }

  private func invariants() -> String? {
    let state = account.state
    if state.balance.minorUnits != naive.balance { return "balance \(state.balance), naive \(naive.balance)" }
    for (index, transaction) in account.ledger.enumerated() where transaction.id != Int64(index + 1) {
      return "gap at transaction \(transaction.id)"
    }
    for (symbol, position) in state.positions {
      let trades = state.trades.values.filter { $0.symbol == symbol }
      let long = trades.filter { $0.side == .buy }
      if long.reduce(0, { $0 + $1.volume.hundredths }) != position.longVolume.hundredths { return "long volume" }
      if long.reduce(Int128(0), { $0 + $1.cost }) != position.longCost { return "long cost" }
      let short = trades.filter { $0.side == .sell }
      if short.reduce(0, { $0 + $1.volume.hundredths }) != position.shortVolume.hundredths { return "short volume" }
      if short.reduce(Int128(0), { $0 + $1.cost }) != position.shortCost { return "short cost" }
      if state.settings.mode == .netting, trades.count != 1 { return "\(trades.count) positions in \(symbol)" }
      if trades.map(\.id).sorted() != position.tradeIds { return "trade ids" }
    }
    if let ours = try? state.figures(in: market) {
      guard let theirs = try? naive.worth(naive.deals, naive.balance) else { return "naive has no figures" }
      if ours.equity.minorUnits != theirs.equity || ours.marginUsed.minorUnits != theirs.used {
        return "equity \(ours.equity.minorUnits) and margin \(ours.marginUsed.minorUnits), naive \(theirs)"
      }
    }
    return nil
  }

  /// The ledger alone gives the same state, byte for byte, also through text.
  private func replayed() -> String? {
    let ledger = account.ledger
    guard Self.booked(ledger) == account.state.balance.minorUnits else {
      return "the ledger does not sum to the balance"
    }
    if let failure = netted(ledger) { return failure }
    do {
      let lines = ledger.map(\.canonicalLine)
      var read: [Transaction] = []
      for line in lines { read.append(try Transaction(canonicalLine: line, accountId: "a")) }
      if read != ledger { return "reading the lines gave other transactions" }
      let rebuilt = try Account(replaying: read)
      if Array(rebuilt.canonicalState.utf8) != Array(account.state.canonicalState.utf8) { return "replay differs" }
      for (symbol, book) in account.state.books where book.nearest != rebuilt.books[symbol]?.nearest {
        return "replayed triggers differ"
      }
    } catch {
      return "replay failed: \(error)"
    }
    return nil
  }

  private static func booked(_ ledger: [Transaction]) -> Int64 {
    ledger.reduce(0) { sum, transaction in
      switch transaction.kind {
      case .transferFunds(let transfer): sum + transfer.amount.minorUnits
      case .orderFill(let fill): sum + fill.closures.reduce(0) { $0 + $1.profit.minorUnits }
      case .tradeCloseBy(let closeBy): sum + closeBy.profit.minorUnits
      case .dailyFinancing(let financing): sum + financing.items.reduce(0) { $0 + $1.amount.minorUnits }
      default: sum
      }
    }
  }

  /// A netting position is the signed sum of its deals.
  private func netted(_ ledger: [Transaction]) -> String? {
    guard account.state.settings.mode == .netting else { return nil }
    var sums: [Symbol: Int64] = [:]
    for case .orderFill(let fill) in ledger.map(\.kind) {
      sums[fill.symbol, default: 0] += fill.side == .buy ? fill.volume.hundredths : -fill.volume.hundredths
    }
    for (symbol, sum) in sums {
      let position = account.state.positions[symbol]
      if sum != (position?.longVolume.hundredths ?? 0) - (position?.shortVolume.hundredths ?? 0) {
        return "\(symbol): the deals sum to \(sum)"
      }
    }
    return nil
  }
}
