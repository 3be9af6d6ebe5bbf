import FoundationEssentials
import TradingCore

/// What clients send over the WebSocket.
struct ClientMessage: Decodable {
  let type: String
  /// Absent: all symbols.
  let symbols: [Symbol]?
}

/// What the server sends.
enum ServerMessage: Encodable {
  /// All prices of the subscription.
  case snapshot(PriceSnapshot, [PriceText])
  /// The prices that changed.
  case tick(PriceSnapshot, [PriceText])
  case pong
  case error(APIError.Detail)

  private enum Key: CodingKey { case type, sequence, time, prices, error }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    switch self {
    case .snapshot(let snapshot, let prices): try encode(snapshot, prices, as: "snapshot", &container)
    case .tick(let snapshot, let prices): try encode(snapshot, prices, as: "tick", &container)
    case .pong: try container.encode("pong", forKey: .type)
    case .error(let detail):
      try container.encode("error", forKey: .type)
      try container.encode(detail, forKey: .error)
    }
  }

  private func encode(
    _ snapshot: PriceSnapshot, _ prices: [PriceText], as type: String, _ container: inout KeyedEncodingContainer<Key>
  ) throws {
    try container.encode(type, forKey: .type)
    try container.encode(snapshot.sequence, forKey: .sequence)
    try container.encode(snapshot.time.description, forKey: .time)
    try container.encode(prices, forKey: .prices)
  }
}

/// One client's subscription: which symbols it follows, and what it was told last. Pure, so that it is easily tested.
struct TickSubscription {
  private let catalog: InstrumentCatalog
  /// Empty until the client subscribes.
  private var symbols: Set<Symbol> = []
  private var sent: [Symbol: Quote] = [:]
  private var needsSnapshot = false

  init(catalog: InstrumentCatalog) { self.catalog = catalog }

  /// Takes a client's message and returns what to answer at once, besides the prices.
  mutating func receive(_ text: [UInt8]) -> ServerMessage? {
    guard let message = try? JSONDecoder().decode(ClientMessage.self, from: Data(text)) else {
      return Self.error(
        "invalid_message", "the message is not understood", remedy: #"send {"type":"subscribe","symbols":["EURUSD"]}"#)
    }
    if let unknown = message.symbols?.first(where: { catalog[$0] == nil }) {
      return Self.error(
        "unknown_symbol", field: "symbols", "unknown symbol \"\(unknown)\"", remedy: "see GET /api/symbols")
    }
    let named = Set(message.symbols ?? catalog.instruments.map(\.symbol))
    switch message.type {
    case "subscribe":
      symbols.formUnion(named)
      needsSnapshot = true
      return nil
    case "unsubscribe":
      symbols.subtract(named)
      return nil
    case "ping": return .pong
    default:
      return Self.error(
        "unknown_type", field: "type", "unknown type \"\(message.type)\"", remedy: "use subscribe, unsubscribe or ping")
    }
  }

  /// What to tell the client about `snapshot`, nil when nothing that it follows has changed.
  mutating func message(for snapshot: PriceSnapshot) -> ServerMessage? {
    let followed = snapshot.quotes.filter { symbols.contains($0.symbol) }
    let isSnapshot = needsSnapshot
    let news = isSnapshot ? followed : followed.filter { sent[$0.symbol] != $0 }
    guard !news.isEmpty else { return nil }
    needsSnapshot = false
    for quote in news { sent[quote.symbol] = quote }
    let prices = news.compactMap { PriceText($0, catalog: catalog) }
    return isSnapshot ? .snapshot(snapshot, prices) : .tick(snapshot, prices)
  }

  private static func error(_ code: String, field: String? = nil, _ message: String, remedy: String) -> ServerMessage {
    .error(APIError.Detail(code: code, field: field, message: message, remedy: remedy))
  }
}
