extension Account {
  /// Evaluates what the newest quote of `symbol` leads to: expiries, pending orders, take profits, stop losses, trailing
  /// stops, and then the margin of the whole account.
  ///
  /// Orders that the quote triggers are carried out in the order of their ids, oldest first. Nothing is triggered while the
  /// instrument's session is closed or its quote is stale. Costs O(log n) for each order that is triggered or moved and
  /// O(symbols with open trades) for the margin, however many orders wait.
  ///
  /// A quote that is looked at late may meet an account that has moved on. Then orders for which `stood` is false, because
  /// they are younger than the quote, are left alone, and the margin of open trades is left to newer quotes.
  ///
  /// - Parameters:
  ///   - time: when the quote came: what decides whether an order has expired, a session is open and the quote is fresh.
  ///   - writingTime: what the transactions say, when that is later; the ledger's times do not run backwards.
  public mutating func tick(
    _ symbol: Symbol, in market: Market, at time: Timestamp, writingTime: Timestamp? = nil,
    includesMargin: Bool = true, stood: (TransactionID) -> Bool = { _ in true }
  ) -> [Transaction] {
    var batch = Batch(at: writingTime ?? time)
    expireOrders(by: time, &batch)
    if books[symbol] != nil, let instrument = market.terms.catalog[symbol],
      market.obstacle(to: instrument, at: time) == nil,
      let prices = market.prices(of: symbol, group: settings.group)
    {
      fireAll(symbol, at: prices, in: market, &batch, stood)
    }
    let isConcerned = !positions.isEmpty || isInMarginCall || !batch.transactions.isEmpty
    if isConcerned, includesMargin || positions.isEmpty { settleMargin(in: market, &batch) }
    return batch.transactions
  }

  /// Cancels the orders whose time has come, for when no tick does.
  public mutating func expire(at time: Timestamp) -> [Transaction] {
    var batch = Batch(at: time)
    expireOrders(by: time, &batch)
    return batch.transactions
  }

  private mutating func expireOrders(by time: Timestamp, _ batch: inout Batch) {
    while let next = expiries.first, next.key <= time.milliseconds {
      post(.orderCancel(orderId: next.id, .timeInForceExpired), in: &batch)
    }
  }

  private mutating func fireAll(
    _ symbol: Symbol, at prices: DealtPrices, in market: Market, _ batch: inout Batch, _ stood: (TransactionID) -> Bool
  ) {
    // A fill can bring new triggers, all with higher ids; one that cannot be carried out now must not be tried for ever.
    var skipped: Set<TransactionID> = []
    // The book itself is not held on to: changing a list that someone else holds would copy all of it.
    while var ids = books[symbol]?.triggered(by: prices) {
      ids.removeAll { skipped.contains($0) || !stood($0) }
      if ids.isEmpty { return }
      for id in ids where !fire(id, at: prices, in: market, &batch) { skipped.insert(id) }
    }
  }

  /// False when the order stays although its price was reached.
  private mutating func fire(
    _ id: TransactionID, at prices: DealtPrices, in market: Market, _ batch: inout Batch
  ) -> Bool {
    if let order = orders[id] {
      if order.trigger?.isMet(by: prices) == true { fire(pending: id, at: prices, in: market, &batch) }
      return true
    }
    guard let order = linkedOrders[id] else { return true }
    if order.trigger.isMet(by: prices) { return execute(linked: order, at: prices, in: market, &batch) }
    if let move = order.moveTrigger, move.isMet(by: prices),
      case .trailingStop(let distance, _, _) = order.terms.trigger
    {
      let level = order.tradeSide == .buy ? prices.bid - distance : prices.ask + distance
      post(.trailingStopMove(orderId: id, level: level), in: &batch)
    }
    return true
  }
}
