import Testing

@testable import TradingCore

/// One account and its market for examples: numbers go in as points, hundredths of a lot and minor units.
struct Desk {
  var market: Market
  var account: Account
  var ledger: [Transaction] = []
  var time: Int64 = SequenceGenerator.startTime
  private var orders = 0

  init(
    _ currency: String = "USD", mode: PositionMode = .hedging, leverage: Int64 = 30, group: String = "",
    deposit: Int64 = 1_000_000, isProtected: Bool = true, markups: [String: [Symbol: Int64]] = [:]
  ) throws {
    market = Market(
      terms: DealerTerms(catalog: SequenceGenerator.catalog, maximumQuoteAge: 10_000, markups: markups))
    let settings = AccountSettings(
      accountId: "a", currency: Currency(currency), leverage: leverage, mode: mode, group: group,
      hasNegativeBalanceProtection: isProtected)
    let (account, created) = Account.open(settings, at: Timestamp(milliseconds: time))
    self.account = account
    ledger = [created]
    ledger += try self.account.transfer(
      Money(minorUnits: deposit), reference: "deposit", in: market, at: Timestamp(milliseconds: time))
  }

  var now: Timestamp { Timestamp(milliseconds: time) }
  var balance: Int64 { account.balance.minorUnits }
  /// The types of everything since `mark`, for a look at the order of events.
  var names: [String] { ledger.map(\.kind.name) }

  @discardableResult mutating func quote(_ symbol: String, _ bid: Int64, _ ask: Int64) throws -> [String] {
    time += 10
    try market.update(
      Quote(symbol: Symbol(symbol), bid: Price(points: bid), ask: Price(points: ask)), at: now)
    let transactions = account.tick(Symbol(symbol), in: market, at: now)
    ledger += transactions
    return transactions.map(\.kind.name)
  }

  func request(
    _ side: Side, _ symbol: String, _ volume: Int64, _ type: OrderType = .market, price: Int64? = nil,
    limit: Int64? = nil, change: (inout OrderRequest) -> Void = { _ in }, id: String? = nil
  ) -> OrderRequest {
    var request = OrderRequest(
      accountId: "a", clientOrderId: id ?? "o\(orders)", symbol: Symbol(symbol), side: side, type: type,
      volume: Volume(hundredths: volume), price: price.map { Price(points: $0) },
      limitPrice: limit.map { Price(points: $0) })
    change(&request)
    return request
  }

  mutating func place(_ request: OrderRequest) throws -> OrderAnswer {
    orders += 1
    let decision = try account.place(request, in: market, at: now)
    ledger += decision.transactions
    return decision.answer
  }

  mutating func order(
    _ side: Side, _ symbol: String, _ volume: Int64, _ type: OrderType = .market, price: Int64? = nil,
    limit: Int64? = nil, change: (inout OrderRequest) -> Void = { _ in }
  ) throws -> OrderAnswer {
    try place(request(side, symbol, volume, type, price: price, limit: limit, change: change))
  }

  /// Places an order that has to be filled at once.
  @discardableResult mutating func deal(
    _ side: Side, _ symbol: String, _ volume: Int64, change: (inout OrderRequest) -> Void = { _ in }
  ) throws -> OrderFill {
    let answer = try order(side, symbol, volume, change: change)
    guard case .filled(let fill) = answer.outcome else { throw NotFilled(outcome: answer.outcome) }
    return fill
  }

  struct NotFilled: Error { let outcome: OrderOutcome }

  var onlyTrade: Trade {
    get throws { try #require(account.trades.count == 1 ? account.trades.values.first : nil) }
  }
}
