import HTTPTypes
import Hummingbird
import Logging
import Synchronization
import TradingCore
import TradingStore
import Tracing

/// Hands orders to the desk and tells what became of them.
final class OrderPlacing: Sendable {
  private let catalog: InstrumentCatalog
  private let desk: TradingDesk
  private let metrics: TradingMetrics
  private let count = Atomic<Int>(0)

  init(catalog: InstrumentCatalog, desk: TradingDesk, metrics: TradingMetrics) {
    self.catalog = catalog
    self.desk = desk
    self.metrics = metrics
  }

  /// Orders that this replica has placed and acknowledged since it started.
  var acknowledged: Int { count.load(ordering: .relaxed) }

  /// 201 for a new order, 200 for one that was placed before, and 422 for one that the ledger refused; the body is the
  /// stored answer, the same every time.
  func place(_ order: OrderRequest, _ context: TradingContext) async throws -> Response {
    let start = ContinuousClock.now
    let placement = try await withSpan("place order", ofKind: .client) { span in
      span.attributes["rtx.account_id"] = order.accountId
      span.attributes["rtx.client_order_id"] = order.clientOrderId
      let placement = try await desk.place(order, deadline: start + .seconds(10))
      span.attributes["rtx.order_status"] = placement.status.rawValue
      return placement
    }
    let isRefused = placement.status == .cancelled || placement.status == .rejected
    if placement.isNew {
      count.add(1, ordering: .relaxed)
      metrics.orderPlaced(symbol: order.symbol, type: order.type, after: start.duration(to: .now))
      context.logger.info(
        "order placed",
        metadata: [
          "account_id": "\(order.accountId)", "client_order_id": "\(order.clientOrderId)", "symbol": "\(order.symbol)",
          "side": "\(order.side)", "volume": "\(order.volume)", "status": "\(placement.status.rawValue)",
        ])
    }
    return .json(
      bytes: placement.receipt.utf8, status: isRefused ? .unprocessableContent : placement.isNew ? .created : .ok)
  }

  /// What a command on an account led to.
  func list(_ transactions: [Transaction], of accountId: String) async throws -> Response {
    struct List: Encodable { let transactions: [TransactionText] }
    let currency = try await desk.account(accountId, deadline: .requestDeadline).settings.currency
    return try .json(
      List(
        transactions: transactions.map {
          TransactionText($0, accountId: accountId, currency: currency, catalog: catalog)
        }))
  }
}
