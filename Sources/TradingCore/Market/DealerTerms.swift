/// What the dealer offers and to whom: fixed while a shard runs.
public struct DealerTerms: Sendable {
  public let catalog: InstrumentCatalog
  /// Milliseconds after which a quote is no longer traded on.
  public let maximumQuoteAge: Int64
  /// Points that a group's clients pay on each side of the dealer's quote: taken off the bid and put on the ask.
  public let markups: [String: [Symbol: Int64]]
  public let conversions: ConversionTable

  public init(catalog: InstrumentCatalog, maximumQuoteAge: Int64 = 10_000, markups: [String: [Symbol: Int64]] = [:]) {
    self.catalog = catalog
    self.maximumQuoteAge = maximumQuoteAge
    self.markups = markups
    self.conversions = ConversionTable(catalog)
  }

  /// Points on each side for `group`, 0 when nothing is agreed.
  public func markup(for symbol: Symbol, group: String) -> Int64 {
    markups.isEmpty ? 0 : min(max(0, markups[group]?[symbol] ?? 0), Price.valid.upperBound)
  }

  /// The prices that `group` deals at when these are the dealer's own. A markup never pushes the bid below one point.
  public func prices(of symbol: Symbol, bid: Price, ask: Price, group: String) -> DealtPrices {
    let markup = markup(for: symbol, group: group)
    return DealtPrices(bid: max(1, bid.points - markup), ask: ask.points + markup)
  }
}

/// Why a tick was not taken over.
public enum QuoteError: Error, Hashable, Sendable {
  case instrumentUnknown(Symbol)
  /// The bid is not below or equal to the ask, or a price is outside of `Price.valid`.
  case invalid(Symbol)
  /// Older than the quote that is there.
  case outOfOrder(Symbol)
}

/// The newest quotes, shared by all accounts of a shard. Not part of an account's state: what quotes lead to is in the
/// ledger, so the books can be rebuilt without them.
public struct Market: Sendable {
  /// A quote and the time at which it was made.
  public struct Entry: Sendable, Hashable {
    public let bid: Price
    public let ask: Price
    public let time: Timestamp
  }

  public let terms: DealerTerms
  private var entries: [Symbol: Entry] = [:]

  public init(terms: DealerTerms) { self.terms = terms }

  /// Takes a new quote over.
  public mutating func update(_ quote: Quote, at time: Timestamp) throws(QuoteError) {
    guard terms.catalog[quote.symbol] != nil else { throw .instrumentUnknown(quote.symbol) }
    guard quote.bid.isValid, quote.ask.isValid, quote.bid <= quote.ask else { throw .invalid(quote.symbol) }
    if let last = entries[quote.symbol], last.time > time { throw .outOfOrder(quote.symbol) }
    entries[quote.symbol] = Entry(bid: quote.bid, ask: quote.ask, time: time)
  }

  /// The dealer's own quote.
  public subscript(symbol: Symbol) -> Entry? { entries[symbol] }

  /// The prices that `group` deals at.
  public func prices(of symbol: Symbol, group: String) -> DealtPrices? {
    entries[symbol].map { terms.prices(of: symbol, bid: $0.bid, ask: $0.ask, group: group) }
  }

  /// Why nothing can be traded in `instrument` at `time`; nil when it can.
  public func obstacle(to instrument: Instrument, at time: Timestamp) -> CancelReason? {
    guard instrument.sessions.isOpen(at: time) else { return .marketHalted }
    guard let entry = entries[instrument.symbol],
      time.milliseconds - entry.time.milliseconds <= terms.maximumQuoteAge
    else { return .staleQuote }
    return nil
  }

  /// How many minor units of `to` one unit of `from` is, at the dealer's own last quotes; nil when one is missing.
  func rate(from: Currency, to: Currency, _ use: ConversionUse) throws(AmountOverflow) -> Ratio? {
    guard let path = terms.conversions.path(from: from, to: to) else { return nil }
    var rate = Ratio(PowerOfTen.of(to.digits))
    for step in path {
      guard let entry = entries[step.symbol] else { return nil }
      let scale = PowerOfTen.of(step.digits)
      let isBid = (use == .gain) != step.isInverse
      let price = Int128(isBid ? entry.bid.points : entry.ask.points)
      rate = try rate.multiplied(by: step.isInverse ? Ratio(scale, over: price) : Ratio(price, over: scale))
    }
    return rate
  }
}

/// Bid and ask after the group's markup, in points.
public struct DealtPrices: Sendable, Hashable {
  /// What a seller receives.
  public let bid: Int64
  /// What a buyer pays.
  public let ask: Int64

  /// The price at which `side` is filled.
  public func fill(_ side: Side) -> Int64 { side == .buy ? ask : bid }
}
