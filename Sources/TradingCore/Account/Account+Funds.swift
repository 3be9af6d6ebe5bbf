extension Account {
  /// Deposits or withdraws. The same reference moves money once; repeated, it leads to no transaction. An empty reference
  /// is never recognised again.
  ///
  /// - Throws: `conflict(field: "amount")` for another amount under a known reference; `insufficientFunds` when a
  ///   withdrawal would take more than the free margin or the balance; `quoteMissing`, `amountOverflow`.
  public mutating func transfer(
    _ amount: Money, reason: FundTransfer.Reason = .clientFunding, reference: String, in market: Market,
    at time: Timestamp
  ) throws(CommandError) -> [Transaction] {
    if let known = transfers[reference] {
      guard known.amount == amount else { throw .conflict(field: "amount") }
      guard known.reason == reason else { throw .conflict(field: "reason") }
      return []
    }
    guard let after = try? balance.adding(amount) else { throw .amountOverflow }
    if amount < .zero {
      guard after >= .zero else { throw .insufficientFunds }
      if !positions.isEmpty {
        let figures: AccountFigures
        do { figures = try self.figures(in: market, balance: after, with: nil) } catch { throw CommandError(error) }
        guard figures.freeMargin >= .zero else { throw .insufficientFunds }
      }
    }
    var batch = Batch(at: time)
    let transfer = FundTransfer(amount: amount, reason: reason, reference: reference, balance: after)
    post(.transferFunds(transfer), in: &batch)
    settleMargin(in: market, &batch)
    return batch.transactions
  }

  /// Books the swaps of every trade that was open at `rollover`, in the order of their ids.
  ///
  /// A trade's swap is its volume times the contract times the rate of its side, three nights' worth on the instrument's
  /// triple day, converted and rounded like a profit and booked to the balance at once, as OANDA does. A rollover that is
  /// not after the last one leads to nothing, so it is safe to repeat.
  ///
  /// - Throws: `quoteMissing` or `amountOverflow`; nothing is booked then.
  public mutating func rollover(
    _ rollover: Timestamp, in market: Market, at time: Timestamp
  ) throws(CommandError) -> [Transaction] {
    if let lastRollover, rollover <= lastRollover { return [] }
    var items: [DailyFinancing.Item] = []
    var total = Money.zero
    var most: Int64 = 0
    for trade in trades.values.sorted(by: { $0.id < $1.id }) where trade.openTime < rollover {
      guard let instrument = market.terms.catalog[trade.symbol] else { continue }
      let nights = instrument.swap.nights(on: rollover.weekday)
      let rate = trade.side == .buy ? instrument.swap.longHundredths : instrument.swap.shortHundredths
      if nights == 0 || rate == 0 { continue }
      most = max(most, nights)
      let amount: Money
      do throws(CancelReason) {
        amount = try swap(Int128(rate) * Int128(nights) * Int128(trade.volume.hundredths), instrument, in: market)
      } catch {
        throw CommandError(error)
      }
      guard let sum = try? total.adding(amount) else { throw .amountOverflow }
      total = sum
      items.append(DailyFinancing.Item(tradeId: trade.id, amount: amount))
    }
    if items.isEmpty { return [] }
    guard let after = try? balance.adding(total) else { throw .amountOverflow }
    var batch = Batch(at: time)
    let financing = DailyFinancing(rollover: rollover, nights: most, items: items, total: total, balance: after)
    post(.dailyFinancing(financing), in: &batch)
    settleMargin(in: market, &batch)
    return batch.transactions
  }

  /// Hundredths of a point times hundredths of a lot as money of the account.
  private func swap(_ value: Int128, _ instrument: Instrument, in market: Market) throws(CancelReason) -> Money {
    do {
      guard
        let rate = try market.rate(from: instrument.quoteCurrency, to: settings.currency, value >= 0 ? .gain : .cost)
      else { throw CancelReason.conversionUnavailable }
      let amount = Ratio(
        try value.multiplied(byChecked: Int128(instrument.contractSize)),
        over: 10_000 * PowerOfTen.of(instrument.digits))
      return Money(minorUnits: try amount.multiplied(by: rate).rounded(.halfToEven))
    } catch let reason as CancelReason {
      throw reason
    } catch {
      throw .amountOverflow
    }
  }
}
