/// The name of a tradable instrument, such as EURUSD.
public struct Symbol: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
  /// Upper-case letters and digits.
  public let name: String

  public init(_ name: String) { self.name = name }

  public init(from decoder: any Decoder) throws { name = try decoder.singleValueContainer().decode(String.self) }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }

  public var description: String { name }

  public static func < (left: Symbol, right: Symbol) -> Bool { left.name < right.name }
}

/// What can be traded and in which steps.
public struct Instrument: Sendable, Hashable {
  public let symbol: Symbol
  /// For people.
  public let title: String
  /// Decimal digits of a price; one point is 10^-digits of the quote currency.
  public let digits: Int
  /// Units of the base currency (or ounces) in one lot.
  public let contractSize: Int64
  public let minimumVolume: Volume
  public let maximumVolume: Volume
  /// Every volume is a multiple of this.
  public let volumeStep: Volume
  /// Ask minus bid, in points.
  public let spread: Int64
  /// Where the simulated price starts and what it is drawn back to.
  public let referencePrice: Price
  /// The most that the simulated price moves in one step, in points.
  public let simulatedMove: Int64

  public init(
    symbol: Symbol, title: String, digits: Int, contractSize: Int64, maximumVolume: Volume, spread: Int64,
    referencePrice: Price, simulatedMove: Int64
  ) {
    self.symbol = symbol
    self.title = title
    self.digits = digits
    self.contractSize = contractSize
    self.minimumVolume = Volume(hundredths: 1)
    self.maximumVolume = maximumVolume
    self.volumeStep = Volume(hundredths: 1)
    self.spread = spread
    self.referencePrice = referencePrice
    self.simulatedMove = simulatedMove
  }

  /// The price as decimal text with all of the instrument's digits.
  public func text(of price: Price) -> String { DecimalText.format(price.points, fractionDigits: digits) }
}

/// The instruments that the broker offers, in the order in which they are listed.
public struct InstrumentCatalog: Sendable {
  public let instruments: [Instrument]
  private let bySymbol: [Symbol: Instrument]

  public init(_ instruments: [Instrument]) {
    self.instruments = instruments
    self.bySymbol = Dictionary(instruments.map { ($0.symbol, $0) }) { first, _ in first }
  }

  public subscript(symbol: Symbol) -> Instrument? { bySymbol[symbol] }

  /// The seven majors and gold, with the digits and lot sizes of the common retail platforms.
  public static let standard = InstrumentCatalog([
    currencyPair("EURUSD", "Euro / US Dollar", digits: 5, spread: 12, reference: 108_500, move: 8),
    currencyPair("GBPUSD", "British Pound / US Dollar", digits: 5, spread: 16, reference: 127_200, move: 10),
    currencyPair("USDJPY", "US Dollar / Japanese Yen", digits: 3, spread: 14, reference: 149_350, move: 11),
    currencyPair("USDCHF", "US Dollar / Swiss Franc", digits: 5, spread: 15, reference: 88_100, move: 7),
    currencyPair("AUDUSD", "Australian Dollar / US Dollar", digits: 5, spread: 13, reference: 65_900, move: 6),
    currencyPair("USDCAD", "US Dollar / Canadian Dollar", digits: 5, spread: 18, reference: 136_400, move: 8),
    currencyPair("NZDUSD", "New Zealand Dollar / US Dollar", digits: 5, spread: 17, reference: 60_700, move: 6),
    Instrument(
      symbol: Symbol("XAUUSD"), title: "Gold / US Dollar", digits: 2, contractSize: 100,
      maximumVolume: Volume(hundredths: 5_000), spread: 30, referencePrice: Price(points: 235_000), simulatedMove: 25),
  ])

  private static func currencyPair(
    _ name: String, _ title: String, digits: Int, spread: Int64, reference: Int64, move: Int64
  ) -> Instrument {
    Instrument(
      symbol: Symbol(name), title: title, digits: digits, contractSize: 100_000,
      maximumVolume: Volume(hundredths: 10_000), spread: spread, referencePrice: Price(points: reference),
      simulatedMove: move)
  }
}
