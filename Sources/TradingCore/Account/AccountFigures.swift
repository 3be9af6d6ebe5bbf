/// What an account is worth at given quotes, in its own currency.
public struct AccountFigures: Sendable, Hashable {
  public let balance: Money
  /// What closing every trade now would add to the balance; computed for each symbol and rounded once, half to even.
  public let unrealizedProfit: Money
  /// Balance and unrealized profit.
  public let equity: Money
  /// Rounded up for each symbol.
  public let marginUsed: Money
  /// Equity that is not bound by open trades.
  public let freeMargin: Money

  /// Equity in percent of the margin used, rounded down; nil when none is used (MetaTrader 5, ACCOUNT_MARGIN_LEVEL).
  public var marginLevelPercent: Int64? {
    guard marginUsed.minorUnits > 0 else { return nil }
    let scaled = Int128(equity.minorUnits) * 100
    let (quotient, remainder) = scaled.quotientAndRemainder(dividingBy: Int128(marginUsed.minorUnits))
    return Int64(clamping: remainder < 0 ? quotient - 1 : quotient)
  }

  /// Whether the margin level is below `percent`. Never so when no margin is used.
  public func isBelow(percent: Int64) -> Bool {
    marginUsed.minorUnits > 0
      && Int128(equity.minorUnits) * 100 < Int128(percent) * Int128(marginUsed.minorUnits)
  }
}

extension Account {
  /// The account at the market's last quotes, however old.
  ///
  /// - Throws: `staleQuote` or `conversionUnavailable` when a quote is missing, `amountOverflow`.
  public func figures(in market: Market) throws(CancelReason) -> AccountFigures {
    try figures(in: market, balance: balance, with: nil)
  }

  /// The figures that the account would have with another balance and another position in one symbol.
  func figures(
    in market: Market, balance: Money, with change: (symbol: Symbol, position: Position)?
  ) throws(CancelReason) -> AccountFigures {
    var (profit, margin) = (Int128(0), Int128(0))
    var failure: CancelReason?
    func add(_ symbol: Symbol, _ position: Position) {
      do throws(CancelReason) {
        let value = try figures(of: position, symbol, in: market)
        profit += Int128(value.profit.minorUnits)
        margin += Int128(value.margin.minorUnits)
      } catch {
        // Positions come in no particular order; the reason that is given must not depend on it.
        failure = failure.map { $0.rawValue < error.rawValue ? $0 : error } ?? error
      }
    }
    for (symbol, position) in positions where symbol != change?.symbol { add(symbol, position) }
    if let change { add(change.symbol, change.position) }
    if let failure { throw failure }
    let equity = Int128(balance.minorUnits) + profit
    guard let profit = Int64(exactly: profit), let margin = Int64(exactly: margin), let equity = Int64(exactly: equity),
      let free = Int64(exactly: Int128(equity) - Int128(margin))
    else { throw .amountOverflow }
    return AccountFigures(
      balance: balance, unrealizedProfit: Money(minorUnits: profit), equity: Money(minorUnits: equity),
      marginUsed: Money(minorUnits: margin), freeMargin: Money(minorUnits: free))
  }

  private func figures(
    of position: Position, _ symbol: Symbol, in market: Market
  ) throws(CancelReason) -> (profit: Money, margin: Money) {
    guard let instrument = market.terms.catalog[symbol],
      let prices = market.prices(of: symbol, group: settings.group)
    else { throw .staleQuote }
    return (
      try profit(of: position.value(at: prices), instrument, in: market),
      try margin(for: position.marginVolume, instrument, in: market)
    )
  }

  /// Points times hundredths of a lot as money of the account: times the contract, converted by the dealer's quotes at the
  /// bid for a gain and at the ask for a loss, rounded half to even.
  func profit(of value: Int128, _ instrument: Instrument, in market: Market) throws(CancelReason) -> Money {
    do {
      guard
        let rate = try market.rate(
          from: instrument.quoteCurrency, to: settings.currency, value >= 0 ? .gain : .cost)
      else { throw CancelReason.conversionUnavailable }
      let amount = Ratio(
        try value.multiplied(byChecked: Int128(instrument.contractSize)),
        over: 100 * PowerOfTen.of(instrument.digits))
      return Money(minorUnits: try amount.multiplied(by: rate).rounded(.halfToEven))
    } catch let reason as CancelReason {
      throw reason
    } catch {
      throw .amountOverflow
    }
  }

  /// Margin for `volume` hundredths of a lot: its size in the margin currency times the larger of the instrument's rate and
  /// 1/leverage (OANDA v20, marginRate), at the quotes of the moment, rounded up.
  func margin(for volume: Int64, _ instrument: Instrument, in market: Market) throws(CancelReason) -> Money {
    do {
      guard let rate = try market.rate(from: instrument.marginCurrency, to: settings.currency, .cost) else {
        throw CancelReason.conversionUnavailable
      }
      let isInstruments = Int128(instrument.marginRateBasisPoints) * Int128(settings.leverage) >= 10_000
      let share =
        isInstruments
        ? Ratio(Int128(instrument.marginRateBasisPoints), over: 10_000) : Ratio(1, over: Int128(settings.leverage))
      let size = Ratio(Int128(volume) * Int128(instrument.contractSize), over: 100)
      return Money(minorUnits: try size.multiplied(by: share).multiplied(by: rate).rounded(.awayFromZero))
    } catch let reason as CancelReason {
      throw reason
    } catch {
      throw .amountOverflow
    }
  }
}
