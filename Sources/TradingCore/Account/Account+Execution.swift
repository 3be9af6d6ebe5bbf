// The dealer's side of a trade (B-book): the broker is the counterparty and fills at its own bid and ask, whole, at the
// price of the moment. A limit order filled late gets the better price, a stop order filled after a gap the worse one.

/// What a fill closes and opens.
private struct FillPlan {
  var closures: [(trade: Trade, volume: Volume)] = []
  var opened: Int64 = 0
  var increased: Trade?
}

extension Account {
  /// Fills an order, or cancels it with the reason why it cannot be.
  mutating func execute(
    _ orderId: TransactionID, _ request: OrderRequest, at prices: DealtPrices, in market: Market,
    reason: FillReason? = nil, _ batch: inout Batch
  ) {
    do throws(CancelReason) {
      let plan = try plan(request)
      if plan.opened > 0 { try checkProtection(request, at: prices) }
      let fill = try fill(
        orderId, request.symbol, request.side, plan, at: prices, in: market, reason: reason ?? request.fillReason)
      if plan.opened > 0 { try checkMargin(after: fill, plan, in: market) }
      let fillId = post(.orderFill(fill), in: &batch)
      cancelLinked(of: plan, &batch)
      if plan.opened > 0 {
        protect(plan.increased?.id ?? fillId, isNew: plan.increased == nil, request, at: prices, in: market, &batch)
      }
    } catch {
      post(.orderCancel(orderId: orderId, error), in: &batch)
    }
  }

  /// Closes a trade by its own take profit, stop loss or trailing stop. False when a quote to convert the profit with is
  /// missing; the order then stays and is tried again at the next tick.
  mutating func execute(
    linked order: LinkedOrder, at prices: DealtPrices, in market: Market, _ batch: inout Batch
  ) -> Bool {
    guard let trade = trades[order.terms.tradeId] else { return false }
    let plan = FillPlan(closures: [(trade, trade.volume)])
    guard
      let fill = try? fill(
        order.id, trade.symbol, trade.side.opposite, plan, at: prices, in: market, reason: order.fillReason)
    else { return false }
    post(.orderFill(fill), in: &batch)
    cancelLinked(of: plan, &batch)
    return true
  }

  /// Two opposite trades close each other: no dealer's price, so no spread (MetaTrader 5's close by).
  mutating func closeBy(
    _ orderId: TransactionID, _ request: OrderRequest, _ instrument: Instrument, in market: Market,
    _ batch: inout Batch
  ) {
    guard let trade = request.closingTradeId.flatMap({ trades[$0] }),
      let opposite = request.closeByTradeId.flatMap({ trades[$0] })
    else { return }
    let volume = min(request.volume, opposite.volume)
    let (long, short) = trade.side == .buy ? (trade, opposite) : (opposite, trade)
    do throws(CancelReason) {
      let value: Int128
      let balance: Money
      let profit: Money
      do {
        value = try short.costShare(of: volume) - long.costShare(of: volume)
      } catch {
        throw CancelReason.amountOverflow
      }
      profit = try self.profit(of: value, instrument, in: market)
      do { balance = try self.balance.adding(profit) } catch { throw CancelReason.amountOverflow }
      post(
        .tradeCloseBy(
          TradeCloseBy(
            orderId: orderId, tradeId: trade.id, oppositeTradeId: opposite.id, volume: volume, profit: profit,
            balance: balance)), in: &batch)
      cancelLinked(of: FillPlan(closures: [(trade, volume), (opposite, volume)]), &batch)
    } catch {
      post(.orderCancel(orderId: orderId, error), in: &batch)
    }
  }

  private func plan(_ request: OrderRequest) throws(CancelReason) -> FillPlan {
    var plan = FillPlan()
    if let closing = request.closingTradeId {
      guard let trade = trades[closing] else { throw .linkedTradeClosed }
      plan.closures = [(trade, min(request.volume, trade.volume))]
      return plan
    }
    let position = positions[request.symbol]
    var left = request.volume.hundredths
    // Netting reduces before it opens; hedging only when told to, the oldest trade first (FIFO).
    if request.isReduceOnly || settings.mode == .netting {
      for id in position?.tradeIds ?? [] where left > 0 {
        guard let trade = trades[id], trade.side == request.side.opposite else { continue }
        let volume = min(left, trade.volume.hundredths)
        plan.closures.append((trade, Volume(hundredths: volume)))
        left -= volume
      }
    }
    if request.isReduceOnly {
      if plan.closures.isEmpty { throw .noPositionToReduce }
      if left > 0, request.timeInForce == .fillOrKill { throw .volumeExceedsPosition }
      return plan
    }
    if (position?.marginVolume ?? 0).addingReportingOverflow(left).overflow { throw .amountOverflow }
    plan.opened = left
    if settings.mode == .netting, left > 0, plan.closures.isEmpty {
      plan.increased = position?.tradeIds.first.flatMap { trades[$0] }
    }
    return plan
  }

  private func fill(
    _ orderId: TransactionID, _ symbol: Symbol, _ side: Side, _ plan: FillPlan, at prices: DealtPrices,
    in market: Market, reason: FillReason
  ) throws(CancelReason) -> OrderFill {
    guard let instrument = market.terms.catalog[symbol] else { throw .marketHalted }
    let price = prices.fill(side)
    var closures: [OrderFill.Closure] = []
    var total = Money.zero
    var balance = balance
    for (trade, volume) in plan.closures {
      guard let value = try? trade.value(closing: volume, at: price) else { throw .amountOverflow }
      let profit = try profit(of: value, instrument, in: market)
      guard let sum = try? total.adding(profit), let after = try? balance.adding(profit) else { throw .amountOverflow }
      (total, balance) = (sum, after)
      closures.append(OrderFill.Closure(tradeId: trade.id, volume: volume, profit: profit))
    }
    return OrderFill(
      orderId: orderId, symbol: symbol, side: side, price: Price(points: price), reason: reason, closures: closures,
      openedVolume: Volume(hundredths: plan.opened), increasedTradeId: plan.increased?.id, profit: total,
      balance: balance)
  }

  /// An order may open something only if free margin is left afterwards, with the spread already lost.
  private func checkMargin(after fill: OrderFill, _ plan: FillPlan, in market: Market) throws(CancelReason) {
    var position = positions[fill.symbol] ?? Position()
    for (trade, volume) in plan.closures {
      guard let share = try? trade.costShare(of: volume) else { throw .amountOverflow }
      position.add(trade.side, volume: -volume.hundredths, cost: -share)
    }
    position.add(
      fill.side, volume: plan.opened, cost: Int128(fill.price.points) * Int128(plan.opened))
    let figures = try figures(in: market, balance: fill.balance, with: (fill.symbol, position))
    if figures.freeMargin < .zero { throw .insufficientMargin }
  }

  private mutating func cancelLinked(of plan: FillPlan, _ batch: inout Batch) {
    for (trade, volume) in plan.closures where volume >= trade.volume {
      for id in trade.linkedIds where linkedOrders[id] != nil {
        post(.orderCancel(orderId: id, .linkedTradeClosed), in: &batch)
      }
    }
  }
}

extension OrderRequest {
  fileprivate var fillReason: FillReason {
    switch type {
    case .market: closingTradeId == nil ? .marketOrder : .tradeClose
    case .limit: .limitOrder
    case .stop: .stopOrder
    case .stopLimit: .stopLimitOrder
    }
  }
}
