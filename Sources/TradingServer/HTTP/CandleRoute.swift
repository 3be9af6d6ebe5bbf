import HTTPTypes
import Hummingbird
import TradingCore
import TradingStore

/// Charts: the bids of past spans of time.
struct CandleRoute: Sendable {
  private struct Item: Encodable {
    let time, open, high, low, close: String
    let volume: Int64
  }
  private struct List: Encodable {
    let symbol, granularity: String
    let candles: [Item]
  }

  let catalog: InstrumentCatalog
  let reader: CandleReader

  func register(on router: some RouterMethods<TradingContext>) {
    router.get("/api/candles/:symbol") { request, context in
      try await candles(request, try context.parameters.require("symbol"))
    }
  }

  private func candles(_ request: Request, _ name: String) async throws -> Response {
    guard let instrument = catalog[Symbol(name)] else {
      throw APIError(
        .unprocessableContent, "unknown_symbol", field: "symbol", "unknown symbol \"\(shortened(name))\"",
        remedy: "see /api/symbols")
    }
    let text = request.uri.queryParameters["granularity"].map { String($0) } ?? CandleGranularity.M1.rawValue
    guard let granularity = CandleGranularity(rawValue: text) else {
      throw APIError.malformed(
        field: "granularity", "\"\(shortened(text))\" is not a granularity",
        remedy: "use one of \(CandleGranularity.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let count = try request.number("count", default: 500, in: 1...5_000)
    let candles = try await reader.candles(
      symbol: instrument.symbol, granularity: granularity, from: try Self.time(request, "from"),
      to: try Self.time(request, "to"), count: Int(count), deadline: .requestDeadline)
    return try .json(
      List(
        symbol: instrument.symbol.name, granularity: granularity.rawValue,
        candles: candles.map {
          Item(
            time: $0.time.description, open: instrument.text(of: $0.open), high: instrument.text(of: $0.high),
            low: instrument.text(of: $0.low), close: instrument.text(of: $0.close), volume: $0.volume)
        }))
  }

  private static func time(_ request: Request, _ name: String) throws(APIError) -> Timestamp? {
    guard let text = request.uri.queryParameters[Substring(name)] else { return nil }
    guard let time = Timestamp(parsing: String(text)) else {
      throw .malformed(
        field: name, "\"\(shortened(String(text)))\" is not a time",
        remedy: "write it as in RFC 3339, such as 2030-01-31T12:00:00Z")
    }
    return time
  }
}
