import TradingCore

/// What an account wrote a moment ago: an order must not be triggered by a price from before it stood as it stands now.
struct RecentChanges: Sendable, Hashable {
  /// Everything up to this id is known; what is not in `times` is older than any moment that can be looked back at.
  private(set) var knownThrough: TransactionID
  /// For each order, take profit, stop loss and trailing stop that changed lately: when it did last.
  private(set) var times: [TransactionID: Timestamp] = [:]
  /// The latest time of all.
  private(set) var newest = Timestamp(milliseconds: 0)

  init(knownThrough: TransactionID) { self.knownThrough = knownThrough }

  /// Takes a transaction over, which need not be the next one.
  mutating func note(_ transaction: Transaction) {
    newest = max(newest, transaction.time)
    let changed: TransactionID? =
      switch transaction.kind {
      case .orderCreate, .linkedOrderCreate: transaction.id
      case .trailingStopMove(let orderId, _), .stopLimitTrigger(let orderId): orderId
      default: nil
      }
    if let changed { times[changed] = max(times[changed] ?? transaction.time, transaction.time) }
    if transaction.id == knownThrough + 1 { knownThrough = transaction.id }
  }

  /// The account was read, with everything up to `id`, and what it wrote of late was noted.
  mutating func know(through id: TransactionID) { knownThrough = max(knownThrough, id) }

  /// Whether an order stood before `time` as it stands now.
  func stood(_ orderId: TransactionID, before time: Timestamp) -> Bool {
    guard orderId <= knownThrough else { return false }
    return times[orderId].map { $0 < time } ?? true
  }

  /// Forgets what is older than `time`.
  mutating func forget(before time: Timestamp) { times = times.filter { $0.value >= time } }
}

extension Account {
  /// Carries out what past moments lead to, as if they were looked at one by one when they came.
  ///
  /// Each order meets only the moments that came after it. What binds the account as a whole, its margin, is looked at
  /// only for moments after which nothing changed: every later command and tick looks at it anyway.
  mutating func evaluate(_ moments: [MarketMoment], _ recent: RecentChanges) -> [Transaction] {
    let last = lastTransactionId
    let isKnown = last <= recent.knownThrough
    var transactions: [Transaction] = []
    for moment in moments {
      let isUnchanged = isKnown && recent.newest < moment.tick.time
      // The ledger's times do not run backwards because a price was looked at late.
      let time = max(moment.tick.time, recent.newest)
      for symbol in moment.vouched {
        transactions += tick(
          symbol, in: moment.market, at: moment.tick.time, writingTime: time, includesMargin: isUnchanged
        ) { id in
          // What these moments themselves led to is as old as they are.
          id > last || recent.stood(id, before: moment.tick.time)
        }
      }
    }
    return transactions
  }
}

extension MarketMoment {
  /// The symbols whose quotes the feed vouched for with this tick, changed or not, in the catalog's order.
  var vouched: [Symbol] {
    market.terms.catalog.instruments.map(\.symbol).filter { market[$0]?.time == tick.time }
  }
}

extension Dealer {
  /// Takes over every quote that the feed vouched for at that moment, and gives what that led to.
  mutating func take(_ moment: MarketMoment) -> [Effect] {
    moment.vouched.flatMap { symbol -> [Effect] in
      guard let entry = moment.market[symbol] else { return [] }
      // A quote that the board took over cannot be refused here.
      return (try? tick(Quote(symbol: symbol, bid: entry.bid, ask: entry.ask), at: entry.time)) ?? []
    }
  }
}
