/// The accounts of a shard and the market that they deal in, with an index that leads a tick to the accounts it concerns.
///
/// A tick costs O(log n) for each order that it triggers and each account whose margin it may concern, however many orders and
/// accounts there are: an account's margin is looked at again only when a quote has left the band within which its margin
/// level cannot cross a threshold. What comes out is what ticking every account at every tick would give,
/// but for a stop-out that a closed session or a stale quote held up: that one waits for the next tick which prices the account.
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
    /// Where the quotes that its margin depends on leave their bands.
    var bands: [Symbol: [Trigger]] = [:]
    var expiry: Int64?
  }

  public private(set) var market: Market
  private var accounts: [Account] = []
  private var indices: [String: Int] = [:]
  private var registrations: [Registration] = []
  /// For each symbol the nearest triggers of every account, in the dealer's own prices; the ids are indices of accounts.
  private var triggers: [Symbol: TriggerBook] = [:]
  /// The bands of every account, likewise.
  private var bands: [Symbol: TriggerBook] = [:]
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
    if let outside = bands[quote.symbol]?.triggered(by: prices) { concerned += outside.map { Int($0) } }
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
      register(index)
      if transactions.isEmpty { continue }
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
    if !account.positions.isEmpty {
      let tolerance = account.marginTolerance(in: market)
      for symbol in pricing(account) { new.bands[symbol] = band(of: symbol, tolerance) }
    }
    new.expiry = account.nextExpiry
    let old = registrations[index]
    if new == old { return }
    registrations[index] = new
    Self.exchange(old.triggers, new.triggers, of: index, in: &triggers)
    Self.exchange(old.bands, new.bands, of: index, in: &bands)
    if old.expiry != new.expiry {
      if let expiry = old.expiry { expiries.remove(TriggerLevel(key: expiry, id: Int64(index))) }
      if let expiry = new.expiry { expiries.insert(TriggerLevel(key: expiry, id: Int64(index))) }
    }
  }

  private static func exchange(
    _ old: [Symbol: [Trigger]], _ new: [Symbol: [Trigger]], of index: Int, in books: inout [Symbol: TriggerBook]
  ) {
    for (symbol, list) in old where list != new[symbol] {
      for trigger in list { books[symbol]?.remove(trigger, id: Int64(index)) }
    }
    for (symbol, list) in new where list != old[symbol] {
      for trigger in list { books[symbol, default: TriggerBook()].insert(trigger, id: Int64(index)) }
    }
  }

  /// The symbols whose quotes the account's worth and margin depend on.
  private func pricing(_ account: Account) -> Set<Symbol> {
    let conversions = market.terms.conversions
    var symbols: Set<Symbol> = []
    for symbol in account.positions.keys {
      symbols.insert(symbol)
      guard let instrument = market.terms.catalog[symbol] else { continue }
      for currency in [instrument.quoteCurrency, instrument.marginCurrency] {
        symbols.formUnion(conversions.symbols(from: currency, to: account.settings.currency) ?? [])
      }
    }
    return symbols
  }

  /// What leaves the band of `tolerance` parts per billion around the last quote; any quote, when there is no band.
  private func band(of symbol: Symbol, _ tolerance: Int64) -> [Trigger] {
    guard tolerance > 0, let entry = market[symbol] else { return [Trigger(condition: .bidAtOrAbove, points: 1)] }
    func outside(_ price: Price) -> Int64 { price.points * tolerance / 1_000_000_000 + 1 }
    return [
      Trigger(condition: .bidAtOrBelow, points: entry.bid.points - outside(entry.bid)),
      Trigger(condition: .bidAtOrAbove, points: entry.bid.points + outside(entry.bid)),
      Trigger(condition: .askAtOrBelow, points: entry.ask.points - outside(entry.ask)),
      Trigger(condition: .askAtOrAbove, points: entry.ask.points + outside(entry.ask)),
    ]
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
