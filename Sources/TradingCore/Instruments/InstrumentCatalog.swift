/// The instruments that the broker offers, in the order in which they are listed.
public struct InstrumentCatalog: Sendable {
  public let instruments: [Instrument]
  private let bySymbol: [Symbol: Instrument]

  public init(_ instruments: [Instrument]) {
    self.instruments = instruments
    self.bySymbol = Dictionary(instruments.map { ($0.symbol, $0) }) { first, _ in first }
  }

  public subscript(symbol: Symbol) -> Instrument? { bySymbol[symbol] }

  /// The seven majors and gold, with the digits and lot sizes of the common retail platforms, the margins that ESMA's
  /// product intervention of 2018 asks of retail clients (3.33 % for majors, 5 % for
  /// gold and other pairs), sample swaps, and no closed hours, as the simulated feed has none.
  public static let standard = InstrumentCatalog([
    currencyPair("EURUSD", "Euro / US Dollar", digits: 5, spread: 12, reference: 108_500, move: 8, swap: (-720, 310)),
    currencyPair(
      "GBPUSD", "British Pound / US Dollar", digits: 5, spread: 16, reference: 127_200, move: 10, swap: (-310, -150)),
    currencyPair(
      "USDJPY", "US Dollar / Japanese Yen", digits: 3, spread: 14, reference: 149_350, move: 11, swap: (950, -1980)),
    currencyPair(
      "USDCHF", "US Dollar / Swiss Franc", digits: 5, spread: 15, reference: 88_100, move: 7, swap: (560, -1120)),
    currencyPair(
      "AUDUSD", "Australian Dollar / US Dollar", digits: 5, spread: 13, reference: 65_900, move: 6, swap: (-260, -90)),
    currencyPair(
      "USDCAD", "US Dollar / Canadian Dollar", digits: 5, spread: 18, reference: 136_400, move: 8, swap: (120, -640)),
    currencyPair(
      "NZDUSD", "New Zealand Dollar / US Dollar", digits: 5, spread: 17, reference: 60_700, move: 6, swap: (-140, -170)),
    Instrument(
      symbol: Symbol("XAUUSD"), title: "Gold / US Dollar", digits: 2, contractSize: 100,
      maximumVolume: Volume(hundredths: 5_000), marginRateBasisPoints: 500,
      swap: SwapRates(longHundredths: -3_200, shortHundredths: 1_500), spread: 30,
      referencePrice: Price(points: 235_000), simulatedMove: 25),
  ])

  private static func currencyPair(
    _ name: String, _ title: String, digits: Int, spread: Int64, reference: Int64, move: Int64,
    swap: (long: Int64, short: Int64)
  ) -> Instrument {
    Instrument(
      symbol: Symbol(name), title: title, digits: digits, contractSize: 100_000,
      maximumVolume: Volume(hundredths: 10_000),
      marginRateBasisPoints: ["AUDUSD", "NZDUSD"].contains(name) ? 500 : 333,
      swap: SwapRates(longHundredths: swap.long, shortHundredths: swap.short), spread: spread,
      referencePrice: Price(points: reference),
      simulatedMove: move)
  }
}
