/// An open trade; in a netting account the position of a symbol.
public struct Trade: Sendable, Hashable {
  /// The transaction that opened it.
  public let id: TransactionID
  public let symbol: Symbol
  public let side: Side
  public internal(set) var volume: Volume
  /// Points times hundredths of a lot, summed over all fills: exact where an average price would be rounded.
  public internal(set) var cost: Int128
  public let openTime: Timestamp
  public internal(set) var takeProfitId: TransactionID?
  public internal(set) var stopLossId: TransactionID?
  public internal(set) var trailingStopId: TransactionID?

  /// The volume-weighted opening price, rounded to whole points half to even. For display; profits use `cost`.
  public var averagePrice: Price {
    let points = try? Ratio(cost, over: Int128(max(1, volume.hundredths))).rounded(.halfToEven)
    return Price(points: points ?? 0)
  }

  /// The orders that close it, ascending.
  var linkedIds: [TransactionID] { [takeProfitId, stopLossId, trailingStopId].compactMap { $0 }.sorted() }

  /// The part of the cost that `closed` of the volume carries, half to even; what is left keeps the rest, so that no
  /// fraction of a point is lost over many partial closes.
  func costShare(of closed: Volume) throws(AmountOverflow) -> Int128 {
    if closed >= volume { return cost }
    let product = try cost.multiplied(byChecked: Int128(closed.hundredths))
    return Int128(try Ratio(product, over: Int128(volume.hundredths)).rounded(.halfToEven))
  }

  /// Points times hundredths that closing `closed` at `price` earns.
  func value(closing closed: Volume, at price: Int64) throws(AmountOverflow) -> Int128 {
    let proceeds = Int128(price) * Int128(closed.hundredths)
    let share = try costShare(of: closed)
    return side == .buy ? proceeds - share : share - proceeds
  }
}

/// All trades of one symbol, summed, so that a tick needs no walk over them.
public struct Position: Sendable, Hashable {
  public internal(set) var longVolume = Volume(hundredths: 0)
  public internal(set) var shortVolume = Volume(hundredths: 0)
  /// Points times hundredths of a lot.
  public internal(set) var longCost: Int128 = 0
  public internal(set) var shortCost: Int128 = 0
  /// Ascending, so oldest first.
  public internal(set) var tradeIds: [TransactionID] = []

  mutating func add(_ side: Side, volume: Int64, cost: Int128) {
    if side == .buy {
      longVolume = Volume(hundredths: longVolume.hundredths + volume)
      longCost += cost
    } else {
      shortVolume = Volume(hundredths: shortVolume.hundredths + volume)
      shortCost += cost
    }
  }

  /// Points times hundredths that closing everything at `prices` would earn.
  func value(at prices: DealtPrices) -> Int128 {
    Int128(prices.bid) * Int128(longVolume.hundredths) - longCost + shortCost
      - Int128(prices.ask) * Int128(shortVolume.hundredths)
  }

  /// Margin is asked for the larger side only: two opposite trades carry no more risk than the larger one (OANDA v20
  /// hedging accounts; MetaTrader 5's "calculate using larger leg").
  var marginVolume: Int64 { max(longVolume.hundredths, shortVolume.hundredths) }
}
