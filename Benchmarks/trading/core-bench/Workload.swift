import TradingCore

/// Resting orders around a price, and a random walk of quotes through them. The same seed gives the same work to everyone.
struct Workload {
  static let symbol = Symbol("EURUSD")
  static let start = Timestamp(milliseconds: 1_795_038_000_000)

  let orders: [(accountId: String, request: OrderRequest)]
  let quotes: [Quote]
  let accountIds: [String]
  private var state: UInt64

  /// - Parameter nearest: points between the market and the first order. The walk stays within that, so that nothing fires,
  ///   or goes beyond and fires some.
  init(seed: UInt64, orders count: Int, accounts: Int, ticks: Int, nearest: Int64, step: Int64, reach: Int64) {
    state = seed
    accountIds = (0..<accounts).map { "account-\($0)" }
    var made: [(accountId: String, request: OrderRequest)] = []
    made.reserveCapacity(count)
    let middle: Int64 = 108_500
    for index in 0..<count {
      let kind = Self.random(&state) % 4
      let distance = nearest + Int64(Self.random(&state) % 20_000)
      let side: Side = kind < 2 ? .buy : .sell
      let type: OrderType = kind % 2 == 0 ? .limit : .stop
      let isBelow = (side == .buy) == (type == .limit)
      made.append(
        (
          accountIds[index % accounts],
          OrderRequest(
            accountId: accountIds[index % accounts], clientOrderId: "order-\(index)", symbol: Self.symbol, side: side,
            type: type, volume: Volume(hundredths: 1),
            price: Price(points: isBelow ? middle - distance : middle + distance))
        ))
    }
    orders = made
    var walk: [Quote] = []
    walk.reserveCapacity(ticks)
    var price = middle
    for _ in 0..<ticks {
      price += Int64(Self.random(&state) % UInt64(2 * step + 1)) - step
      price = min(max(price, middle - reach), middle + reach)
      walk.append(Quote(symbol: Self.symbol, bid: Price(points: price - 5), ask: Price(points: price + 5)))
    }
    quotes = walk
  }

  /// SplitMix64 (Steele, Lea, Flood 2014).
  private static func random(_ state: inout UInt64) -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
