/// The instruments that the broker offers, in the order in which they are listed.
public struct InstrumentCatalog: Sendable {
  public let instruments: [Instrument]
  private let bySymbol: [Symbol: Instrument]

  public init(_ instruments: [Instrument]) {
    self.instruments = instruments
    self.bySymbol = Dictionary(instruments.map { ($0.symbol, $0) }) { first, _ in first }
  }

  public subscript(symbol: Symbol) -> Instrument? { bySymbol[symbol] }

  /// The seven majors, gold, crosses, silver and bitcoin, with the digits and lot sizes of the common retail platforms, the
  /// margins that ESMA's product intervention of 2018 asks of retail clients (3.33 % for pairs of the six main currencies,
  /// 5 % for gold and other pairs, 10 % for other commodities, 50 % for crypto), sample swaps, and no closed hours, as the
  /// simulated feed has none.
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
    currencyPair(
      "EURGBP", "Euro / British Pound", digits: 5, spread: 15, reference: 85_300, move: 5, swap: (-560, 180)),
    currencyPair(
      "EURJPY", "Euro / Japanese Yen", digits: 3, spread: 20, reference: 162_045, move: 14, swap: (780, -1_690)),
    currencyPair(
      "GBPJPY", "British Pound / Japanese Yen", digits: 3, spread: 28, reference: 189_973, move: 18,
      swap: (1_420, -2_640)),
    currencyPair(
      "EURCHF", "Euro / Swiss Franc", digits: 5, spread: 19, reference: 95_589, move: 5, swap: (340, -760)),
    currencyPair(
      "AUDJPY", "Australian Dollar / Japanese Yen", digits: 3, spread: 22, reference: 98_422, move: 10,
      swap: (520, -1_080)),
    currencyPair(
      "CADJPY", "Canadian Dollar / Japanese Yen", digits: 3, spread: 24, reference: 109_494, move: 11,
      swap: (610, -1_240)),
    currencyPair(
      "EURAUD", "Euro / Australian Dollar", digits: 5, spread: 26, reference: 164_643, move: 13, swap: (-840, 290)),
    currencyPair(
      "EURCAD", "Euro / Canadian Dollar", digits: 5, spread: 25, reference: 147_994, move: 11, swap: (-650, 170)),
    currencyPair(
      "GBPCHF", "British Pound / Swiss Franc", digits: 5, spread: 28, reference: 112_063, move: 8, swap: (590, -1_180)),
    currencyPair(
      "NZDJPY", "New Zealand Dollar / Japanese Yen", digits: 3, spread: 26, reference: 90_655, move: 10,
      swap: (540, -1_120)),
    Instrument(
      symbol: Symbol("XAGUSD"), title: "Silver / US Dollar", digits: 3, contractSize: 5_000,
      maximumVolume: Volume(hundredths: 2_500), marginRateBasisPoints: 1_000,
      swap: SwapRates(longHundredths: -380, shortHundredths: 150), spread: 25,
      referencePrice: Price(points: 28_500), simulatedMove: 9),
    Instrument(
      symbol: Symbol("BTCUSD"), title: "Bitcoin / US Dollar", digits: 2, contractSize: 1,
      maximumVolume: Volume(hundredths: 1_000), marginRateBasisPoints: 5_000,
      swap: SwapRates(longHundredths: -175_000, shortHundredths: -52_000), spread: 2_400,
      referencePrice: Price(points: 6_400_000), simulatedMove: 900),
  ])

  private static func currencyPair(
    _ name: String, _ title: String, digits: Int, spread: Int64, reference: Int64, move: Int64,
    swap: (long: Int64, short: Int64)
  ) -> Instrument {
    Instrument(
      symbol: Symbol(name), title: title, digits: digits, contractSize: 100_000,
      maximumVolume: Volume(hundredths: 10_000),
      marginRateBasisPoints: name.contains("AUD") || name.contains("NZD") ? 500 : 333,
      swap: SwapRates(longHundredths: swap.long, shortHundredths: swap.short), spread: spread,
      referencePrice: Price(points: reference),
      simulatedMove: move)
  }
}
