/// What the broker buys and sells one instrument at.
public struct Quote: Sendable, Hashable, Codable {
  public let symbol: Symbol
  /// What a client who sells receives.
  public let bid: Price
  /// What a client who buys pays.
  public let ask: Price

  public init(symbol: Symbol, bid: Price, ask: Price) {
    self.symbol = symbol
    self.bid = bid
    self.ask = ask
  }
}

/// The quotes of all instruments at one step of the feed.
///
/// A snapshot is always whole, so a reader that misses one is right again with the next.
public struct PriceSnapshot: Sendable, Hashable, Codable {
  /// Counts the steps of the feed; a higher one is newer.
  public let sequence: Int64
  public let time: Timestamp
  public let quotes: [Quote]

  public init(sequence: Int64, time: Timestamp, quotes: [Quote]) {
    self.sequence = sequence
    self.time = time
    self.quotes = quotes
  }

  public subscript(symbol: Symbol) -> Quote? { quotes.first { $0.symbol == symbol } }
}
