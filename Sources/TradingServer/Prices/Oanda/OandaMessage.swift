import FoundationEssentials
import TradingCore

/// A line of the pricing stream (OANDA v20, "Pricing Endpoints").
enum OandaMessage: Sendable, Hashable {
  case heartbeat
  case price(Quote, isTradeable: Bool)
  /// Something that this program has no use for.
  case other

  /// A line that is not what the protocol says.
  struct Malformed: Error {}

  private struct Line: Decodable {
    struct Bucket: Decodable { let price: String }
    let type: String
    let instrument: String?
    let tradeable: Bool?
    let bids: [Bucket]?
    let asks: [Bucket]?
  }

  /// Reads a line. `instruments` are the instruments that were asked for by their OANDA names.
  init(line: some Sequence<UInt8>, instruments: [String: Instrument]) throws(Malformed) {
    guard let line = try? JSONDecoder().decode(Line.self, from: Data(line)) else { throw Malformed() }
    switch line.type {
    case "HEARTBEAT": self = .heartbeat
    case "PRICE":
      guard let name = line.instrument else { throw Malformed() }
      guard let instrument = instruments[name] else {
        self = .other
        return
      }
      // The best price stands first. A halted instrument may have none.
      guard let bid = line.bids?.first?.price, let ask = line.asks?.first?.price else {
        self = .other
        return
      }
      guard let bid = Self.points(bid, instrument.digits, roundingUp: false),
        let ask = Self.points(ask, instrument.digits, roundingUp: true)
      else { throw Malformed() }
      let quote = Quote(symbol: instrument.symbol, bid: Price(points: bid), ask: Price(points: ask))
      self = .price(quote, isTradeable: line.tradeable ?? true)
    default: self = .other
    }
  }

  /// Decimal text as points. Digits beyond the instrument's are rounded so that the spread never shrinks.
  private static func points(_ text: String, _ digits: Int, roundingUp: Bool) -> Int64? {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let fraction = parts.count == 2 ? parts[1] : ""
    guard let whole = parts.first, !whole.isEmpty, whole.count <= 12, fraction.count <= 12,
      (whole + fraction).utf8.allSatisfy({ (48...57).contains($0) })
    else { return nil }
    let kept = fraction.prefix(digits) + String(repeating: "0", count: max(0, digits - fraction.count))
    guard let points = Int64(whole + kept), points > 0 else { return nil }
    let isInexact = fraction.dropFirst(digits).contains { $0 != "0" }
    return isInexact && roundingUp ? points + 1 : points
  }
}

extension Instrument {
  /// EUR_USD for EURUSD.
  var oandaName: String { "\(baseCurrency.code)_\(quoteCurrency.code)" }
}

/// Cuts a stream of bytes into lines.
struct LineSplitter {
  /// No line of the protocol is nearly as long; what is longer is dropped.
  static let limit = 1 << 16

  private var rest: [UInt8] = []
  private var isSkipping = false

  /// The lines that end in `bytes`, without their ends; empty ones are left out.
  mutating func lines(in bytes: some Sequence<UInt8>) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
        if !rest.isEmpty, !isSkipping { lines.append(rest) }
        rest.removeAll(keepingCapacity: true)
        isSkipping = false
      } else if rest.count < Self.limit {
        rest.append(byte)
      } else {
        isSkipping = true
      }
    }
    return lines
  }
}
