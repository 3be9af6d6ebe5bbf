extension Account {
  /// How far every quote that the account's worth depends on may move, in parts per billion of itself, before the margin
  /// level could cross the margin-call or the stop-out level. 0 means that every tick has to be looked at.
  ///
  /// A bound, so that a dealer with many accounts evaluates only those that a tick may concern. With d the relative move of
  /// each price, at most a tenth, a rate through at most two quotes moves by less than 2.4 d (1/(1-d) is below 1 + 1.12 d,
  /// and that squared below 1 + 2.4 d). A symbol's profit v at a conversion rate r, with trades worth n in all, then moves by
  /// less than d r (1.24 n + 2.4 v), its margin u by less than 2.5 d u; rounding adds a unit each.
  func marginTolerance(in market: Market) -> Int64 {
    do {
      let figures = try figures(in: market)
      if figures.isBelow(percent: settings.stopOutPercent) { return 0 }
      var spread: Int128 = 0
      for (symbol, position) in positions {
        guard let instrument = market.terms.catalog[symbol],
          let prices = market.prices(of: symbol, group: settings.group)
        else { return 0 }
        let volume = Int128(position.longVolume.hundredths) + Int128(position.shortVolume.hundredths)
        let value = position.value(at: prices)
        // As debts, for those are converted at the larger rate.
        let worth = try profit(of: -Int128(prices.ask) * volume, instrument, in: market)
        let profit = try profit(of: value < 0 ? value : -value, instrument, in: market)
        spread += 124 * (1 - Int128(worth.minorUnits)) + 240 * (1 - Int128(profit.minorUnits))
      }
      var tolerance: Int128 = 100_000_000
      for percent in [settings.marginCallPercent, settings.stopOutPercent] {
        let used = Int128(percent) * Int128(figures.marginUsed.minorUnits)
        let distance = (100 * Int128(figures.equity.minorUnits) - used).magnitude
        let rounding = 2 * Int128(positions.count) * (100 + Int128(percent)) + 1
        let slack = Int128(distance) - rounding
        if slack <= 0 { return 0 }
        let (scaled, overflow) = slack.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return 0 }
        tolerance = min(tolerance, scaled / (spread + used * 5 / 2 + 1))
      }
      return Int64(tolerance)
    } catch {
      return 0
    }
  }
}
