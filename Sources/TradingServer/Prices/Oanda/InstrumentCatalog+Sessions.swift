import TradingCore

extension InstrumentCatalog {
  /// The same instruments, currencies and metals in the week of the spot market only: for a feed of the real one, where the
  /// simulated one never closes.
  var inForexWeek: InstrumentCatalog {
    InstrumentCatalog(
      instruments.map { instrument in
        instrument.baseCurrency == Currency("BTC") ? instrument : instrument.trading(in: .forexWeek)
      })
  }
}

extension Instrument {
  fileprivate func trading(in sessions: TradingSessions) -> Instrument {
    Instrument(
      symbol: symbol, title: title, digits: digits, contractSize: contractSize, minimumVolume: minimumVolume,
      maximumVolume: maximumVolume, volumeStep: volumeStep, baseCurrency: baseCurrency, quoteCurrency: quoteCurrency,
      marginCurrency: marginCurrency, marginRateBasisPoints: marginRateBasisPoints, sessions: sessions, swap: swap,
      trailingStep: trailingStep, spread: spread, referencePrice: referencePrice, simulatedMove: simulatedMove)
  }
}
