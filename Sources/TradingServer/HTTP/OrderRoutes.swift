import HTTPTypes
import Hummingbird
import Logging
import Synchronization
import TradingCore
import TradingStore

/// Places, finds and counts orders.
final class OrderRoutes: Sendable {
  static let bodyLimit = JSONBody.limit
  /// Long enough for a planned switch of the database primary, short enough for a client that waits.
  static let deadline: Duration = .seconds(10)

  private let catalog: InstrumentCatalog
  private let desk: TradingDesk
  private let reader: LedgerReader
  private let metrics: TradingMetrics
  private let replica: String
  private let startedAt = Timestamp.now
  private let acknowledged = Atomic<Int>(0)

  init(
    catalog: InstrumentCatalog, desk: TradingDesk, reader: LedgerReader, metrics: TradingMetrics, replica: String
  ) {
    self.catalog = catalog
    self.desk = desk
    self.reader = reader
    self.metrics = metrics
    self.replica = replica
  }

  func register(on router: some RouterMethods<TradingContext>) {
    router.post("/api/orders") { request, context in try await self.place(request, context) }
    router.get("/api/orders/:clientOrderId") { request, context in try await self.find(request, context) }
    router.get("/api/orders") { request, _ in try await self.list(request) }
    router.get("/api/stats") { _, _ in try await self.stats() }
  }

  private func place(_ request: Request, _ context: some RequestContext) async throws -> Response {
    let start = ContinuousClock.now
    var request = request
    let body = try await request.collectBody(upTo: Self.bodyLimit)
    let order = try OrderBody.draft(from: body).validated(against: catalog)
    let placement = try await desk.place(order, deadline: start + Self.deadline)
    if placement.isNew {
      acknowledged.add(1, ordering: .relaxed)
      metrics.orderPlaced(symbol: order.symbol, type: order.type, after: start.duration(to: .now))
      context.logger.info(
        "order placed",
        metadata: [
          "account_id": "\(order.accountId)", "client_order_id": "\(order.clientOrderId)", "symbol": "\(order.symbol)",
          "side": "\(order.side)", "volume": "\(order.volume)",
        ])
    }
    // An order that could not be filled is stored like any other, and its answer is repeated like any other.
    if placement.status == .cancelled || placement.status == .rejected {
      return .json(bytes: placement.receipt.utf8, status: .unprocessableContent)
    }
    return .json(bytes: placement.receipt.utf8, status: placement.isNew ? .created : .ok)
  }

  private func find(_ request: Request, _ context: some RequestContext) async throws -> Response {
    let id = try OrderDraft.identifier(try context.parameters.require("clientOrderId"), field: "clientOrderId")
    let account = try accountId(request)
    let stored = try await reader.receipt(
      accountId: account, clientOrderId: id, deadline: .now + Self.deadline)
    guard let receipt = stored?.receipt else {
      throw APIError(
        .notFound, "unknown_order", field: "clientOrderId", "account \(account) has no order \(id)",
        remedy: "check the clientOrderId and the accountId")
    }
    return .json(bytes: receipt.utf8)
  }

  private func list(_ request: Request) async throws -> Response {
    var limit = 50
    if let text = request.uri.queryParameters["limit"] {
      guard let number = Int(text), (1...1_000).contains(number) else {
        throw APIError.malformed(field: "limit", "\"\(text)\" is not usable", remedy: "use a number from 1 to 1000")
      }
      limit = number
    }
    let receipts = try await reader.receipts(
      accountId: try accountId(request), limit: limit, deadline: .now + Self.deadline)
    // The answers are stored as JSON and are listed byte for byte.
    return .json(bytes: "{\"orders\":[\(receipts.joined(separator: ","))]}".utf8)
  }

  private func accountId(_ request: Request) throws -> String {
    let text = request.uri.queryParameters["accountId"].map { String($0) } ?? OrderDraft.defaultAccountId
    return try OrderDraft.identifier(text, field: "accountId")
  }

  private func stats() async throws -> Response {
    struct Stats: Encodable {
      let replica: String
      let startedAt: String
      /// Orders that this replica has placed and acknowledged since it started.
      let acknowledged: Int
      let orders: Int64
      let fills: Int64
      let transactions: Int64
    }
    let acknowledged = acknowledged.load(ordering: .relaxed)
    let counts = try await reader.counts(deadline: .now + Self.deadline)
    return try .json(
      Stats(
        replica: replica, startedAt: startedAt.description, acknowledged: acknowledged, orders: counts.orders,
        fills: counts.fills, transactions: counts.transactions))
  }
}
