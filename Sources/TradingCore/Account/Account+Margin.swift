extension Account {
  /// Raises or ends the margin call, closes trades by force, and forgives a debt where the account says so.
  ///
  /// Stop-out: while the margin level is below the account's stop-out level, the trade with the largest loss is closed whole,
  /// the oldest of equal ones first, as MetaTrader 5 does; then the level is looked at again. A trade whose instrument is
  /// closed or has a stale quote is passed over until it trades. Pending orders stay: they bind no margin here. When a quote
  /// is missing altogether, as after a start, nothing is decided until it arrives.
  mutating func settleMargin(in market: Market, _ batch: inout Batch) {
    if !positions.isEmpty || isInMarginCall, var figures = try? figures(in: market) {
      if !isInMarginCall, figures.isBelow(percent: settings.marginCallPercent) {
        post(.marginCallEnter(equity: figures.equity, marginUsed: figures.marginUsed), in: &batch)
      }
      while figures.isBelow(percent: settings.stopOutPercent), closeLargestLoss(in: market, &batch) {
        guard let next = try? self.figures(in: market) else { break }
        figures = next
      }
      if isInMarginCall, !figures.isBelow(percent: settings.marginCallPercent) {
        post(.marginCallExit(equity: figures.equity, marginUsed: figures.marginUsed), in: &batch)
      }
    }
    if settings.hasNegativeBalanceProtection, trades.isEmpty, balance < .zero {
      let transfer = FundTransfer(
        amount: Money(minorUnits: -balance.minorUnits), reason: .negativeBalanceProtection, reference: "",
        balance: .zero)
      post(.transferFunds(transfer), in: &batch)
    }
  }

  /// False when no trade can be closed now.
  private mutating func closeLargestLoss(in market: Market, _ batch: inout Batch) -> Bool {
    var worst: (trade: Trade, profit: Money, prices: DealtPrices)?
    for (symbol, position) in positions {
      guard let instrument = market.terms.catalog[symbol], market.obstacle(to: instrument, at: batch.time) == nil,
        let prices = market.prices(of: symbol, group: settings.group)
      else { continue }
      for trade in position.tradeIds.compactMap({ trades[$0] }) {
        guard let value = try? trade.value(closing: trade.volume, at: prices.fill(trade.side.opposite)),
          let profit = try? profit(of: value, instrument, in: market)
        else { continue }
        if let known = worst, (known.profit, known.trade.id) < (profit, trade.id) { continue }
        worst = (trade, profit, prices)
      }
    }
    guard let worst else { return false }
    let request = OrderRequest(
      accountId: settings.accountId, clientOrderId: "", symbol: worst.trade.symbol, side: worst.trade.side.opposite,
      type: .market, volume: worst.trade.volume, closingTradeId: worst.trade.id)
    let orderId = post(.orderCreate(request, .marginCloseout), in: &batch)
    execute(orderId, request, at: worst.prices, in: market, reason: .marginCloseout, &batch)
    return trades[worst.trade.id] == nil
  }
}
