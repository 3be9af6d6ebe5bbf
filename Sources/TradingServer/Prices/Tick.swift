public import TradingCore

/// One step of the price feed: the quotes that differ from the step before.
public struct Tick: Sendable, Hashable {
  /// The feed's step; a higher one is newer, on every replica.
  public let sequence: Int64
  /// When the feed made it, later than the tick before it.
  public let time: Timestamp
  /// In the catalog's order; empty when the feed vouched for all quotes again without changing one.
  public let quotes: [Quote]
  /// Whether all replicas show it; false for what one of them makes while Redis is away.
  public let isShared: Bool

  public init(sequence: Int64, time: Timestamp, quotes: [Quote], isShared: Bool = true) {
    self.sequence = sequence
    self.time = time
    self.quotes = quotes
    self.isShared = isShared
  }
}

/// A tick, and the market as it was with it.
public struct MarketMoment: Sendable {
  public let tick: Tick
  public let market: Market
}
