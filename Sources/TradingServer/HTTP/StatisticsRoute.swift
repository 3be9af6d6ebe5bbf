import Hummingbird
import TradingCore
import TradingStore

/// Counts, for those who compare what they were told with what is stored.
struct StatisticsRoute: Sendable {
  private struct Statistics: Encodable {
    let replica, startedAt: String
    let acknowledged: Int
    let orders, fills, transactions: Int64
  }

  let reader: LedgerReader
  let placing: OrderPlacing
  let replica: String
  let startedAt = Timestamp.now

  func register(on router: some RouterMethods<TradingContext>) {
    router.get("/api/stats") { _, _ in
      let acknowledged = placing.acknowledged
      let counts = try await reader.counts(deadline: .requestDeadline)
      return try Response.json(
        Statistics(
          replica: replica, startedAt: startedAt.description, acknowledged: acknowledged, orders: counts.orders,
          fills: counts.fills, transactions: counts.transactions))
    }
  }
}
