extension Account {
  /// Places an order, or gives the answer that its client order id got before.
  ///
  /// A request that breaks a rule is rejected; a market order that cannot be filled, and a pending one that cannot be filled
  /// when its turn comes, is created and cancelled with the reason. All of it is in the ledger. A limit or stop order that
  /// the market has already reached is filled at once, as with OANDA, provided that the instrument trades.
  ///
  /// - Throws: `CommandError.conflict` for a different order under a known id, `wrongAccount`, `clientOrderIdMissing`.
  public mutating func place(
    _ request: OrderRequest, in market: Market, at time: Timestamp
  ) throws(CommandError) -> OrderDecision {
    guard request.accountId == settings.accountId else { throw .wrongAccount }
    guard !request.clientOrderId.isEmpty else { throw .clientOrderIdMissing }
    if let answer = answers[request.clientOrderId] {
      if let field = request.fieldDiffering(from: answer.request) { throw .conflict(field: field) }
      return OrderDecision(answer: answer, transactions: [])
    }
    var batch = Batch(at: time)
    let orderId: TransactionID
    switch checked(request, in: market, at: time) {
    case .failure(let reason): orderId = post(.orderReject(request, reason), in: &batch)
    case .success(let instrument):
      if let replaced = request.replacedOrderId {
        post(.orderCancel(orderId: replaced, .clientRequestReplaced), in: &batch)
      }
      let reason: OrderCreateReason =
        request.closingTradeId != nil ? .tradeClose : request.replacedOrderId != nil ? .replacement : .clientOrder
      orderId = post(.orderCreate(request, reason), in: &batch)
      fillOrKeep(orderId, request, instrument, in: market, &batch)
      settleMargin(in: market, &batch)
    }
    let answer =
      answers[request.clientOrderId]
      ?? OrderAnswer(request: request, orderId: orderId, batchId: orderId, time: time, outcome: .pending)
    return OrderDecision(answer: answer, transactions: batch.transactions)
  }

  /// Cancels a pending order, or a take profit, stop loss or trailing stop.
  ///
  /// - Throws: `CommandError.orderDoesntExist`, also when it was filled or cancelled before.
  public mutating func cancel(orderId: TransactionID, at time: Timestamp) throws(CommandError) -> [Transaction] {
    guard orders[orderId] != nil || linkedOrders[orderId] != nil else { throw .orderDoesntExist(orderId) }
    var batch = Batch(at: time)
    post(.orderCancel(orderId: orderId, .clientRequest), in: &batch)
    return batch.transactions
  }

  private func checked(
    _ request: OrderRequest, in market: Market, at time: Timestamp
  ) -> Result<Instrument, RejectReason> {
    guard let instrument = market.terms.catalog[request.symbol] else { return .failure(.instrumentUnknown) }
    if let reason = request.violation(of: instrument, at: time) { return .failure(reason) }
    if let replaced = request.replacedOrderId {
      guard let order = orders[replaced], order.request.symbol == request.symbol else {
        return .failure(.orderDoesntExist)
      }
    }
    guard let closing = request.closingTradeId else { return .success(instrument) }
    guard let trade = trades[closing] else { return .failure(.tradeDoesntExist) }
    guard trade.symbol == request.symbol, trade.side == request.side.opposite else {
      return .failure(.tradeIdentifierInconsistency)
    }
    if request.volume > trade.volume { return .failure(.closeVolumeExceedsTrade) }
    guard let opposite = request.closeByTradeId else { return .success(instrument) }
    guard settings.mode == .hedging else { return .failure(.closeByNotAllowed) }
    guard let other = trades[opposite] else { return .failure(.tradeDoesntExist) }
    guard other.symbol == trade.symbol, other.side == request.side else {
      return .failure(.tradeIdentifierInconsistency)
    }
    return .success(instrument)
  }

  /// What a new order does at once: a market order is filled or cancelled, a pending one may be filled or may wait.
  private mutating func fillOrKeep(
    _ orderId: TransactionID, _ request: OrderRequest, _ instrument: Instrument, in market: Market,
    _ batch: inout Batch
  ) {
    if request.closeByTradeId != nil {
      closeBy(orderId, request, instrument, in: market, &batch)
      return
    }
    let mustFill = request.timeInForce == .immediateOrCancel || request.timeInForce == .fillOrKill
    if let obstacle = market.obstacle(to: instrument, at: batch.time) {
      if mustFill { post(.orderCancel(orderId: orderId, obstacle), in: &batch) }
      return
    }
    guard let prices = market.prices(of: request.symbol, group: settings.group) else { return }
    if request.type == .market {
      if let deviation = request.maximumDeviation, let seen = request.price {
        let fill = prices.fill(request.side)
        let worse = request.side == .buy ? fill - seen.points : seen.points - fill
        if worse > deviation {
          post(.orderCancel(orderId: orderId, .boundsViolation), in: &batch)
          return
        }
      }
      execute(orderId, request, at: prices, in: market, &batch)
    } else if let trigger = orders[orderId]?.trigger, trigger.isMet(by: prices) {
      fire(pending: orderId, at: prices, in: market, &batch)
    } else if mustFill {
      post(.orderCancel(orderId: orderId, .timeInForceExpired), in: &batch)
    }
  }

  /// Fills a pending order whose price was reached; a stop-limit order becomes a limit order first.
  mutating func fire(
    pending orderId: TransactionID, at prices: DealtPrices, in market: Market, _ batch: inout Batch
  ) {
    guard let order = orders[orderId] else { return }
    if order.request.type == .stopLimit, !order.isTriggered {
      post(.stopLimitTrigger(orderId: orderId), in: &batch)
      guard let limit = orders[orderId]?.trigger, limit.isMet(by: prices) else { return }
    }
    execute(orderId, order.request, at: prices, in: market, &batch)
  }
}
