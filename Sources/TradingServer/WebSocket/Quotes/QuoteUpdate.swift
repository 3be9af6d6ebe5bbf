import NIOCore
import TradingCore

/// Prices that changed, each written as JSON once for all who follow it.
struct QuoteUpdate: Sendable {
  /// The feed's count.
  private(set) var sequence: Int64
  /// When the feed made the newest of them.
  private(set) var time: Timestamp
  /// `{"symbol":…,"bid":…,"ask":…}` by the instrument's place in the catalog; nil where nothing changed.
  private(set) var quotes: [ByteBuffer?]

  /// Everything in `snapshot` that `last` did not show.
  ///
  /// - Parameter group: whose prices it shows; nil for the dealer's own.
  init(_ snapshot: PriceSnapshot, after last: PriceSnapshot?, terms: DealerTerms, group: String? = nil) {
    sequence = snapshot.sequence
    time = snapshot.time
    let known = Dictionary((last?.quotes ?? []).map { ($0.symbol, $0) }) { $1 }
    let new = Dictionary(snapshot.quotes.map { ($0.symbol, $0) }) { $1 }
    quotes = terms.catalog.instruments.map { instrument in
      guard let quote = new[instrument.symbol], known[instrument.symbol] != quote else { return nil }
      guard let group else { return Self.json(instrument, bid: quote.bid, ask: quote.ask) }
      let dealt = terms.prices(of: quote.symbol, bid: quote.bid, ask: quote.ask, group: group)
      return Self.json(instrument, bid: Price(points: dealt.bid), ask: Price(points: dealt.ask))
    }
  }

  var isEmpty: Bool { quotes.allSatisfy { $0 == nil } }

  /// Takes over what `newer` shows.
  mutating func merge(_ newer: QuoteUpdate) {
    sequence = newer.sequence
    time = newer.time
    for (place, quote) in newer.quotes.enumerated() where quote != nil { quotes[place] = quote }
  }

  private static func json(_ instrument: Instrument, bid: Price, ask: Price) -> ByteBuffer {
    // Symbols and decimal text need no escaping.
    ByteBuffer(
      string: "{\"symbol\":\"\(instrument.symbol.name)\",\"bid\":\"\(instrument.text(of: bid))\","
        + "\"ask\":\"\(instrument.text(of: ask))\"}")
  }
}
