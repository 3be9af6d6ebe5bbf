import TradingCore

/// A second implementation of the rules, written to be obviously right: everything is a list, every tick scans all of it,
/// all arithmetic is rational, the ledger is text. It shares the request types with the real one and none of its code.
final class NaiveBroker {
  struct Quote { var bid, ask, time: Int64 }
  struct Order {
    var id: Int64
    var request: OrderRequest?
    var reached = false
    // A linked order's.
    var tradeId: Int64 = 0
    var kind = ""
    var price: Int64 = 0
    var distance: Int64 = 0
    var step: Int64 = 0
  }
  struct Deal {
    var id: Int64
    var symbol: String
    var isLong: Bool
    var volume: Int64
    var cost: Int128
    var opened: Int64
  }
  struct Answer {
    var request: OrderRequest
    var orderId: Int64
    var batch: Int64
    var outcome: String
  }
  struct Refused: Error { var reason: String }

  let settings: AccountSettings
  let terms: DealerTerms
  var quotes: [String: Quote] = [:]
  var ledger: [String] = []
  var orders: [Order] = []
  var deals: [Deal] = []
  var balance: Int64 = 0
  var answers: [Answer] = []
  var references: [(reference: String, amount: Int64)] = []
  var isCalled = false
  var lastRollover = Int64.min
  var now: Int64
  var batch: Int64 = 0

  init(_ settings: AccountSettings, _ terms: DealerTerms, at time: Int64) {
    self.settings = settings
    self.terms = terms
    now = time
    start(time)
    write(
      "CREATE",
      "account=\(settings.accountId) currency=\(settings.currency.code) leverage=\(settings.leverage) "
        + "mode=\(settings.mode.rawValue) group=\(settings.group) marginCall=\(settings.marginCallPercent) "
        + "stopOut=\(settings.stopOutPercent) protected=\(settings.hasNegativeBalanceProtection ? 1 : 0)")
  }

  func start(_ time: Int64) {
    now = time
    batch = Int64(ledger.count) + 1
  }

  @discardableResult func write(_ type: String, _ fields: String) -> Int64 {
    let id = Int64(ledger.count) + 1
    ledger.append("\(id) \(batch) \(now) \(type) \(fields)")
    return id
  }

  func instrument(_ symbol: String) -> Instrument? { terms.catalog.instruments.first { $0.symbol.name == symbol } }

  // MARK: - Prices and money

  func prices(_ symbol: String) -> (bid: Int64, ask: Int64)? {
    guard let quote = quotes[symbol] else { return nil }
    let markup = terms.markups[settings.group]?[Symbol(symbol)] ?? 0
    return (max(1, quote.bid - markup), quote.ask + markup)
  }

  func isShut(_ symbol: String) -> String? {
    guard let instrument = instrument(symbol) else { return "MARKET_HALTED" }
    // 1970-01-04 was a Sunday.
    let week: Int64 = 7 * 24 * 60 * 60 * 1000
    let sinceSunday = (((now - 3 * 86_400_000) % week) + week) % week
    if !instrument.sessions.ranges.contains(where: {
      sinceSunday >= Int64($0.lowerBound) * 60_000 && sinceSunday < Int64($0.upperBound) * 60_000
    }) {
      return "MARKET_HALTED"
    }
    guard let quote = quotes[symbol], now - quote.time <= terms.maximumQuoteAge else { return "STALE_QUOTE" }
    return nil
  }

  func ten(_ exponent: Int) -> Fraction { Fraction((0..<exponent).reduce(Int128(1)) { value, _ in value * 10 }) }

  private func oneStep(_ from: String, _ to: String, gain: Bool) -> Fraction?? {
    for instrument in terms.catalog.instruments
    where instrument.baseCurrency.code == from && instrument.quoteCurrency.code == to {
      guard let quote = quotes[instrument.symbol.name] else { return .some(nil) }
      return Fraction(Int128(gain ? quote.bid : quote.ask)) / ten(instrument.digits)
    }
    for instrument in terms.catalog.instruments
    where instrument.baseCurrency.code == to && instrument.quoteCurrency.code == from {
      guard let quote = quotes[instrument.symbol.name] else { return .some(nil) }
      return ten(instrument.digits) / Fraction(Int128(gain ? quote.ask : quote.bid))
    }
    return nil
  }

  /// Units of the account's currency for one unit of `from`.
  func rate(_ from: String, gain: Bool) throws(Refused) -> Fraction {
    let to = settings.currency.code
    if from == to { return Fraction(1) }
    if let single = oneStep(from, to, gain: gain) {
      guard let single else { throw Refused(reason: "CONVERSION_RATE_UNAVAILABLE") }
      return single
    }
    for pivot in ["USD", "EUR"] where pivot != from && pivot != to {
      if let first = oneStep(from, pivot, gain: gain), let second = oneStep(pivot, to, gain: gain) {
        guard let first, let second else { throw Refused(reason: "CONVERSION_RATE_UNAVAILABLE") }
        return first * second
      }
    }
    throw Refused(reason: "CONVERSION_RATE_UNAVAILABLE")
  }

  /// Point-hundredths of a lot as minor units.
  func money(_ value: Fraction, _ symbol: String) throws(Refused) -> Int64 {
    guard let instrument = instrument(symbol) else { throw Refused(reason: "MARKET_HALTED") }
    let rate = try rate(instrument.quoteCurrency.code, gain: !(value < Fraction(0)))
    let units = value * Fraction(Int128(instrument.contractSize), 100) / ten(instrument.digits)
    return Int64((units * rate * ten(settings.currency.digits)).bankers)
  }

  func share(_ deal: Deal, _ volume: Int64) -> Int128 {
    Fraction(deal.cost * Int128(volume), Int128(deal.volume)).bankers
  }

  func result(_ deal: Deal, _ volume: Int64, at price: Int64) throws(Refused) -> Int64 {
    let difference = Int128(price) * Int128(volume) - share(deal, volume)
    return try money(Fraction(deal.isLong ? difference : -difference), deal.symbol)
  }

  /// Equity and margin of the account if these were its trades and its balance.
  func worth(_ deals: [Deal], _ balance: Int64) throws(Refused) -> (equity: Int64, used: Int64) {
    var (equity, used) = (balance, Int64(0))
    for symbol in Set(deals.map(\.symbol)) {
      guard let instrument = instrument(symbol), let prices = prices(symbol) else {
        throw Refused(reason: "STALE_QUOTE")
      }
      var value = Fraction(0)
      var (long, short) = (Int64(0), Int64(0))
      for deal in deals where deal.symbol == symbol {
        if deal.isLong {
          value = value + Fraction(Int128(prices.bid) * Int128(deal.volume) - deal.cost)
          long += deal.volume
        } else {
          value = value + Fraction(deal.cost - Int128(prices.ask) * Int128(deal.volume))
          short += deal.volume
        }
      }
      equity += try money(value, symbol)
      let byInstrument = Fraction(Int128(instrument.marginRateBasisPoints), 10_000)
      let byLeverage = Fraction(1, Int128(settings.leverage))
      let share = byInstrument < byLeverage ? byLeverage : byInstrument
      let size = Fraction(Int128(max(long, short)) * Int128(instrument.contractSize), 100)
      let margin =
        size * share * (try rate(instrument.marginCurrency.code, gain: false)) * ten(settings.currency.digits)
      used += Int64(margin.ceiling)
    }
    return (equity, used)
  }
}
