import TradingCore

/// What a tick costs without sorted books: every waiting order is looked at. The same rules for what a price triggers as in
/// the tests' naive broker, which scans its list on every tick too; margin and the ledger are left out, in its favour.
struct NaiveBook {
  private struct Waiting {
    let id: Int64
    let isBuy: Bool
    let isLimit: Bool
    let price: Int64
  }

  private var orders: [Waiting] = []

  mutating func add(_ request: OrderRequest, id: Int64) {
    guard let price = request.price?.points else { return }
    orders.append(Waiting(id: id, isBuy: request.side == .buy, isLimit: request.type == .limit, price: price))
  }

  /// Takes out what the prices trigger and gives their ids, oldest first.
  mutating func tick(bid: Int64, ask: Int64) -> [Int64] {
    func isMet(_ order: Waiting) -> Bool {
      switch (order.isBuy, order.isLimit) {
      case (true, true): ask <= order.price
      case (true, false): ask >= order.price
      case (false, true): bid >= order.price
      case (false, false): bid <= order.price
      }
    }
    var fired: [Int64] = []
    for order in orders where isMet(order) { fired.append(order.id) }
    if fired.isEmpty { return fired }
    let gone = Set(fired)
    orders.removeAll { gone.contains($0.id) }
    return fired.sorted()
  }
}
