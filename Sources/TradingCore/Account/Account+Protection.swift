extension Account {
  /// Refuses a take profit or stop loss that the price at which the trade would be closed has already reached
  /// (OANDA v20, LOSING_TAKE_PROFIT and STOP_LOSS_ON_FILL_LOSS).
  func checkProtection(_ request: OrderRequest, at prices: DealtPrices) throws(CancelReason) {
    let closing = prices.fill(request.side.opposite)
    let isLong = request.side == .buy
    if let price = request.protection.takeProfit, isLong ? price.points <= closing : price.points >= closing {
      throw .losingTakeProfit
    }
    if let price = request.protection.stopLoss, isLong ? price.points >= closing : price.points <= closing {
      throw .stopLossOnFillLoss
    }
  }

  /// Puts the order's protection on the trade that it opened. On a position that grew, the newest order's protection takes
  /// the place of the old one, and an order without any clears it: MetaTrader 5's rule for netting accounts.
  mutating func protect(
    _ tradeId: TransactionID, isNew: Bool, _ request: OrderRequest, at prices: DealtPrices, in market: Market,
    _ batch: inout Batch
  ) {
    if !isNew {
      for id in trades[tradeId]?.linkedIds ?? [] {
        post(.orderCancel(orderId: id, .clientRequestReplaced), in: &batch)
      }
    }
    for trigger in triggers(of: request.protection, request.side, request.symbol, at: prices, in: market) {
      post(.linkedOrderCreate(LinkedOrderTerms(tradeId: tradeId, trigger: trigger), .onFill), in: &batch)
    }
  }

  /// Sets a trade's take profit, stop loss and trailing stop; nil takes one away, an equal value leaves it as it is.
  ///
  /// A trailing stop whose distance changes starts anew from the current price.
  ///
  /// - Throws: `tradeDoesntExist`, `protectionInvalid`, `quoteMissing`.
  public mutating func modify(
    tradeId: TransactionID, protection: TradeProtection, in market: Market, at time: Timestamp
  ) throws(CommandError) -> [Transaction] {
    guard let trade = trades[tradeId] else { throw .tradeDoesntExist(tradeId) }
    guard let prices = market.prices(of: trade.symbol, group: settings.group) else { throw .quoteMissing }
    let closing = prices.fill(trade.side.opposite)
    let isLong = trade.side == .buy
    let old = [trade.takeProfitId, trade.stopLossId, trade.trailingStopId].map { id in id.flatMap { linkedOrders[$0] } }
    var new: [LinkedOrderTerms.Trigger?] = [nil, nil, nil]
    for trigger in triggers(of: protection, trade.side, trade.symbol, at: prices, in: market) {
      switch trigger {
      case .takeProfit: new[0] = trigger
      case .stopLoss: new[1] = trigger
      case .trailingStop: new[2] = trigger
      }
    }
    let isChanged = zip(old, new).map { old, new in !Self.asksTheSame(old?.terms.trigger, new) }
    if isChanged[0], let price = protection.takeProfit {
      guard price.isValid, isLong ? price.points > closing : price.points < closing else {
        throw .protectionInvalid(field: "takeProfit")
      }
    }
    if isChanged[1], let price = protection.stopLoss {
      guard price.isValid, isLong ? price.points < closing : price.points > closing else {
        throw .protectionInvalid(field: "stopLoss")
      }
    }
    if isChanged[2], let distance = protection.trailingDistance, !Price.valid.contains(distance) {
      throw .protectionInvalid(field: "trailingDistance")
    }
    var batch = Batch(at: time)
    for index in old.indices where isChanged[index] {
      if let order = old[index] {
        let reason: CancelReason = new[index] == nil ? .clientRequest : .clientRequestReplaced
        post(.orderCancel(orderId: order.id, reason), in: &batch)
      }
      if let trigger = new[index] {
        let reason: OrderCreateReason = old[index] == nil ? .clientOrder : .replacement
        post(.linkedOrderCreate(LinkedOrderTerms(tradeId: tradeId, trigger: trigger), reason), in: &batch)
      }
    }
    return batch.transactions
  }

  private static func asksTheSame(_ old: LinkedOrderTerms.Trigger?, _ new: LinkedOrderTerms.Trigger?) -> Bool {
    if case .trailingStop(let oldDistance, _, _) = old, case .trailingStop(let newDistance, _, _) = new {
      return oldDistance == newDistance
    }
    return old == new
  }

  private func triggers(
    of protection: TradeProtection, _ side: Side, _ symbol: Symbol, at prices: DealtPrices, in market: Market
  ) -> [LinkedOrderTerms.Trigger] {
    var result: [LinkedOrderTerms.Trigger] = []
    if let price = protection.takeProfit { result.append(.takeProfit(price: price.points)) }
    if let price = protection.stopLoss { result.append(.stopLoss(price: price.points)) }
    if let distance = protection.trailingDistance, Price.valid.contains(distance) {
      let level = side == .buy ? prices.bid - distance : prices.ask + distance
      let step = max(1, market.terms.catalog[symbol]?.trailingStep ?? 1)
      result.append(.trailingStop(distance: distance, level: level, step: step))
    }
    return result
  }
}
