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

/// What can be traded, in which steps and on which terms.
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
  /// What one lot is counted in: EUR of EURUSD, XAU of XAUUSD.
  public let baseCurrency: Currency
  /// What the price and so the profit is counted in.
  public let quoteCurrency: Currency
  /// What the margin is counted in before it is converted: the base currency of a currency pair.
  public let marginCurrency: Currency
  /// The least margin in ten-thousandths of the position: 333 is 3.33 %. The account's leverage may ask for more.
  public let marginRateBasisPoints: Int64
  public let sessions: TradingSessions
  public let swap: SwapRates
  /// A trailing stop follows the price in steps of at least so many points, so that the ledger records moves that matter.
  public let trailingStep: Int64
  /// Ask minus bid, in points.
  public let spread: Int64
  /// Where the simulated price starts and what it is drawn back to.
  public let referencePrice: Price
  /// The most that the simulated price moves in one step, in points.
  public let simulatedMove: Int64

  /// Currencies that are not given are read from a symbol of six letters: EURUSD is EUR in USD.
  public init(
    symbol: Symbol, title: String, digits: Int, contractSize: Int64, minimumVolume: Volume = Volume(hundredths: 1),
    maximumVolume: Volume, volumeStep: Volume = Volume(hundredths: 1), baseCurrency: Currency? = nil,
    quoteCurrency: Currency? = nil, marginCurrency: Currency? = nil, marginRateBasisPoints: Int64 = 333,
    sessions: TradingSessions = .always, swap: SwapRates = .none, trailingStep: Int64 = 1, spread: Int64,
    referencePrice: Price, simulatedMove: Int64
  ) {
    self.symbol = symbol
    self.title = title
    self.digits = digits
    self.contractSize = contractSize
    self.minimumVolume = minimumVolume
    self.maximumVolume = maximumVolume
    self.volumeStep = volumeStep
    let base = baseCurrency ?? Currency(String(symbol.name.prefix(3)))
    self.baseCurrency = base
    self.quoteCurrency = quoteCurrency ?? Currency(String(symbol.name.dropFirst(3)))
    self.marginCurrency = marginCurrency ?? base
    self.marginRateBasisPoints = marginRateBasisPoints
    self.sessions = sessions
    self.swap = swap
    self.trailingStep = trailingStep
    self.spread = spread
    self.referencePrice = referencePrice
    self.simulatedMove = simulatedMove
  }

  /// The price as decimal text with all of the instrument's digits.
  public func text(of price: Price) -> String { DecimalText.format(price.points, fractionDigits: digits) }
}
