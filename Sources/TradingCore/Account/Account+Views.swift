/// What clients are shown of one trade or symbol.
extension Account {
  /// What closing the trade now would add to the balance, at the market's last quotes.
  ///
  /// - Throws: `staleQuote` or `conversionUnavailable` when a quote is missing, `amountOverflow`.
  public func unrealizedProfit(of trade: Trade, in market: Market) throws(CancelReason) -> Money {
    guard let instrument = market.terms.catalog[trade.symbol],
      let prices = market.prices(of: trade.symbol, group: settings.group)
    else { throw .staleQuote }
    let value: Int128
    do { value = try trade.value(closing: trade.volume, at: prices.fill(trade.side.opposite)) } catch {
      throw .amountOverflow
    }
    return try profit(of: value, instrument, in: market)
  }

  /// The same for all trades of a symbol, and the margin that they bind.
  public func figures(
    of symbol: Symbol, in market: Market
  ) throws(CancelReason) -> (unrealizedProfit: Money, marginUsed: Money) {
    guard let position = positions[symbol] else { return (.zero, .zero) }
    guard let instrument = market.terms.catalog[symbol],
      let prices = market.prices(of: symbol, group: settings.group)
    else { throw .staleQuote }
    return (
      try profit(of: position.value(at: prices), instrument, in: market),
      try margin(for: position.marginVolume, instrument, in: market)
    )
  }
}

extension Position {
  /// The volume-weighted opening price of a side, rounded to whole points half to even; nil when nothing is open there.
  public func averagePrice(_ side: Side) -> Price? {
    let (cost, volume) = side == .buy ? (longCost, longVolume) : (shortCost, shortVolume)
    guard volume.hundredths > 0 else { return nil }
    return (try? Ratio(cost, over: Int128(volume.hundredths)).rounded(.halfToEven)).map { Price(points: $0) }
  }
}
