/// The accounts of a shard and the market that they deal in, with an index that leads a tick to the accounts it concerns.
///
/// A tick costs O(log n) for the orders that it triggers, however many wait in how many accounts, and a look at the margin of
/// each account that has a trade which the symbol prices or converts. What comes out is what ticking every account would give.
/// When the transactions of a command could not be stored, `add` the account as it was before.
public struct Dealer: Sendable {
  /// What one account wrote because of a tick.
  public struct Effect: Sendable, Hashable {
    public let accountId: String
    public let transactions: [Transaction]
  }

  /// What an account is registered under in the index.
  private struct Registration: Equatable {
    var triggers: [Symbol: [Trigger]] = [:]
    var watched: Set<Symbol> = []
    var expiry: Int64?
  }

  public private(set) var market: Market
  private var accounts: [Account] = []
  private var indices: [String: Int] = [:]
  private var registrations: [Registration] = []
  /// For each symbol the nearest triggers of every account, in the dealer's own prices; the ids are indices of accounts.
  private var triggers: [Symbol: TriggerBook] = [:]
  /// Accounts whose margin depends on a symbol's quote.
  private var watchers: [Symbol: Set<Int>] = [:]
  private var expiries = TriggerLevels()

  public init(terms: DealerTerms) { market = Market(terms: terms) }

  /// All accounts, in the order in which they were added.
  public var allAccounts: [Account] { accounts }

  public subscript(accountId: String) -> Account? { indices[accountId].map { accounts[$0] } }

  /// Adds an account, or puts a newer state of it (replayed from another replica's ledger) in the place of the old one.
  public mutating func add(_ account: Account) {
    if let index = indices[account.settings.accountId] {
      accounts[index] = account
      register(index)
      return
    }
    indices[account.settings.accountId] = accounts.count
    accounts.append(account)
    registrations.append(Registration())
    register(accounts.count - 1)
  }

  /// Lets `body` give commands to one account. Nil when there is no such account.
  public mutating func perform<Result, Failure>(
    on accountId: String, _ body: (inout Account, Market) throws(Failure) -> Result
  ) throws(Failure) -> Result? {
    guard let index = indices[accountId] else { return nil }
    let result = try body(&accounts[index], market)
    register(index)
    return result
  }

  /// Takes a quote over and lets everyone whom it concerns act on it, in the order in which the accounts were added.
  public mutating func tick(_ quote: Quote, at time: Timestamp) throws(QuoteError) -> [Effect] {
    try market.update(quote, at: time)
    let prices = DealtPrices(bid: quote.bid.points, ask: quote.ask.points)
    var concerned = triggers[quote.symbol]?.triggered(by: prices).map { Int($0) } ?? []
    if let watching = watchers[quote.symbol], !watching.isEmpty { concerned += watching }
    if let next = expiries.first, next.key <= time.milliseconds {
      var due: [Int64] = []
      expiries.collect(upTo: time.milliseconds, into: &due)
      concerned += due.map { Int($0) }
    }
    if concerned.isEmpty { return [] }
    concerned.sort()
    var effects: [Effect] = []
    var last = -1
    for index in concerned where index != last {
      last = index
      let transactions = accounts[index].tick(quote.symbol, in: market, at: time)
      if transactions.isEmpty { continue }
      register(index)
      effects.append(Effect(accountId: accounts[index].settings.accountId, transactions: transactions))
    }
    return effects
  }
}

// MARK: - The index

extension Dealer {
  private mutating func register(_ index: Int) {
    let account = accounts[index]
    var new = Registration()
    for (symbol, book) in account.books {
      let markup = market.terms.markup(for: symbol, group: account.settings.group)
      new.triggers[symbol] = book.nearest.map { $0.inDealersPrices(markup: markup) }
    }
    for symbol in account.positions.keys { new.watched.formUnion(pricing(symbol, account.settings.currency)) }
    new.expiry = account.nextExpiry
    let old = registrations[index]
    if new == old { return }
    registrations[index] = new
    for (symbol, list) in old.triggers where list != new.triggers[symbol] {
      for trigger in list { triggers[symbol]?.remove(trigger, id: Int64(index)) }
    }
    for (symbol, list) in new.triggers where list != old.triggers[symbol] {
      for trigger in list { triggers[symbol, default: TriggerBook()].insert(trigger, id: Int64(index)) }
    }
    for symbol in old.watched.subtracting(new.watched) { watchers[symbol]?.remove(index) }
    for symbol in new.watched.subtracting(old.watched) { watchers[symbol, default: []].insert(index) }
    if old.expiry != new.expiry {
      if let expiry = old.expiry { expiries.remove(TriggerLevel(key: expiry, id: Int64(index))) }
      if let expiry = new.expiry { expiries.insert(TriggerLevel(key: expiry, id: Int64(index))) }
    }
  }

  /// The symbols whose quotes the worth and the margin of a trade in `symbol` depend on.
  private func pricing(_ symbol: Symbol, _ currency: Currency) -> Set<Symbol> {
    guard let instrument = market.terms.catalog[symbol] else { return [symbol] }
    let conversions = market.terms.conversions
    return Set(
      [symbol] + (conversions.symbols(from: instrument.quoteCurrency, to: currency) ?? [])
        + (conversions.symbols(from: instrument.marginCurrency, to: currency) ?? []))
  }
}

extension Account {
  /// When the next order expires, in milliseconds.
  var nextExpiry: Int64? { expiries.first?.key }
}

extension Trigger {
  /// The same trigger as it looks before the group's markup. Where the markup's floor of one point matters it errs on the
  /// side of looking once too often.
  fileprivate func inDealersPrices(markup: Int64) -> Trigger {
    switch condition {
    case .askAtOrBelow, .askAtOrAbove: Trigger(condition: condition, points: points - markup)
    case .bidAtOrAbove: Trigger(condition: condition, points: points <= 1 ? points : points + markup)
    case .bidAtOrBelow: Trigger(condition: condition, points: points + markup)
    }
  }
}
