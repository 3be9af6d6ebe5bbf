import HTTPTypes
import Hummingbird
import TradingCore

/// What can be traded, and at which prices.
struct PriceRoutes: Sendable {
  let catalog: InstrumentCatalog
  let board: MarketBoard
  let brokerName: String
  let feed: PriceFeedKind

  func register(on router: some RouterMethods<TradingContext>) {
    router.get("/api/symbols") { _, _ in try self.symbols() }
    router.get("/api/prices") { request, _ in try self.prices(request) }
  }

  private func symbols() throws -> Response {
    struct Item: Encodable {
      let symbol, title: String
      let digits: Int
      let contractSize, minVolume, maxVolume, volumeStep: String
      let bid, ask: String?
    }
    struct List: Encodable {
      let broker: String
      let symbols: [Item]
      let time: String?
    }
    let latest = board.latest
    let items = catalog.instruments.map { instrument in
      let quote = latest?[instrument.symbol]
      return Item(
        symbol: instrument.symbol.name, title: instrument.title, digits: instrument.digits,
        contractSize: String(instrument.contractSize), minVolume: instrument.minimumVolume.description,
        maxVolume: instrument.maximumVolume.description, volumeStep: instrument.volumeStep.description,
        bid: quote.map { instrument.text(of: $0.bid) }, ask: quote.map { instrument.text(of: $0.ask) })
    }
    return try .json(List(broker: brokerName, symbols: items, time: latest?.time.description))
  }

  private func prices(_ request: Request) throws -> Response {
    struct List: Encodable {
      let feed: String
      /// Whether all replicas show these prices.
      let shared: Bool
      let sequence: Int64
      let time: String
      let prices: [PriceText]
    }
    guard let latest = board.latest else {
      throw APIError(
        .serviceUnavailable, "price_unavailable", "there are no prices yet", remedy: "ask again in a moment")
    }
    var wanted: Set<Symbol>?
    if let text = request.uri.queryParameters["symbols"] {
      let symbols = text.split(separator: ",").map { Symbol(String($0)) }
      if let unknown = symbols.first(where: { catalog[$0] == nil }) {
        throw APIError(
          .unprocessableContent, "unknown_symbol", field: "symbols", "unknown symbol \"\(unknown)\"",
          remedy: "see /api/symbols")
      }
      wanted = Set(symbols)
    }
    let isShared = if case .shared = board.source { true } else { false }
    let quotes = latest.quotes.filter { wanted?.contains($0.symbol) ?? true }
    return try .json(
      List(
        feed: feed.rawValue, shared: isShared, sequence: latest.sequence, time: latest.time.description,
        prices: quotes.compactMap { PriceText($0, catalog: catalog) }))
  }
}

/// A quote as decimal text.
struct PriceText: Encodable {
  let symbol, bid, ask: String

  init?(_ quote: Quote, catalog: InstrumentCatalog) {
    guard let instrument = catalog[quote.symbol] else { return nil }
    symbol = quote.symbol.name
    bid = instrument.text(of: quote.bid)
    ask = instrument.text(of: quote.ask)
  }
}
