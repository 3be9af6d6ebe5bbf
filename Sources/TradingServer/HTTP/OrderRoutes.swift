import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import Synchronization
import TradingCore
import TradingStore

/// Places, replaces, cancels and finds orders.
final class OrderRoutes: Sendable {
  static let bodyLimit = JSONBody.limit
  private static let protectionFields: Set = ["takeProfit", "stopLoss", "trailingDistance"]
  private static let fields = protectionFields.union([
    "accountId", "clientOrderId", "symbol", "side", "type", "volume", "price", "limitPrice", "timeInForce", "goodTill",
    "maximumDeviation", "reduceOnly",
  ])

  private let catalog: InstrumentCatalog
  private let desk: TradingDesk
  private let reader: LedgerReader
  private let placing: OrderPlacing

  init(catalog: InstrumentCatalog, desk: TradingDesk, reader: LedgerReader, placing: OrderPlacing) {
    self.catalog = catalog
    self.desk = desk
    self.reader = reader
    self.placing = placing
  }

  func register(on router: some RouterMethods<TradingContext>) {
    router.post("/api/orders") { request, context in
      try await self.placing.place(try await self.order(request, context), context)
    }
    router.get("/api/orders") { request, context in try await self.list(request, context) }
    router.get("/api/orders/:clientOrderId") { request, context in try await self.find(request, context) }
    router.put("/api/orders/:clientOrderId") { request, context in try await self.replace(request, context) }
    router.delete("/api/orders/:clientOrderId") { request, context in try await self.cancel(request, context) }
    router.get("/api/pendingOrders") { request, context in try await self.pending(request, context) }
  }

  private func order(_ request: Request, _ context: TradingContext) async throws -> OrderRequest {
    let body = try await JSONBody.read(request, known: Self.fields)
    var draft = OrderDraft()
    // First, because the account decides whether the rest is any of the client's business.
    draft.accountId = try context.accountId(named: try body.text("accountId"))
    draft.clientOrderId = try body.text("clientOrderId")
    draft.symbol = try body.text("symbol")
    draft.side = try body.text("side")
    draft.type = try body.text("type")
    draft.volume = try body.text("volume")
    draft.price = try body.text("price")
    draft.limitPrice = try body.text("limitPrice")
    draft.timeInForce = try body.text("timeInForce")
    draft.goodTill = try body.text("goodTill")
    draft.maximumDeviation = try body.text("maximumDeviation")
    draft.isReduceOnly = try body.boolean("reduceOnly", default: false)
    draft.takeProfit = try body.text("takeProfit")
    draft.stopLoss = try body.text("stopLoss")
    draft.trailingDistance = try body.text("trailingDistance")
    return try draft.validated(against: catalog)
  }

  /// A new order in the place of a pending one, in one step (OANDA v20, PUT /orders/{orderSpecifier}).
  private func replace(_ request: Request, _ context: TradingContext) async throws -> Response {
    var order = try await order(request, context)
    order.replacedOrderId = try await receipt(of: order.accountId, context).orderId
    return try await placing.place(order, context)
  }

  private func cancel(_ request: Request, _ context: TradingContext) async throws -> Response {
    let account = try context.accountId(request)
    let order = try await receipt(of: account, context).orderId
    let now = Timestamp.now
    let transactions = try await desk.perform(on: account, deadline: .requestDeadline) {
      account, _ throws(CommandError) in try account.cancel(orderId: order, at: now)
    }
    return try await placing.list(transactions, of: account)
  }

  private func find(_ request: Request, _ context: TradingContext) async throws -> Response {
    .json(bytes: try await receipt(of: try context.accountId(request), context).json.utf8)
  }

  private func receipt(of account: String, _ context: TradingContext) async throws -> StoredReceipt {
    let id = try OrderDraft.identifier(try context.parameters.require("clientOrderId"), field: "clientOrderId")
    let stored = try await reader.receipt(accountId: account, clientOrderId: id, deadline: .requestDeadline)
    guard let stored else {
      throw APIError(
        .notFound, "unknown_order", field: "clientOrderId", "account \(account) has no order \(id)",
        remedy: "check the clientOrderId and the accountId")
    }
    return try StoredReceipt(stored.receipt)
  }

  private func list(_ request: Request, _ context: TradingContext) async throws -> Response {
    let limit = try request.number("limit", default: 50, in: 1...1_000)
    let receipts = try await reader.receipts(
      accountId: try context.accountId(request), limit: Int(limit), deadline: .requestDeadline)
    // The answers are stored as JSON and are listed byte for byte.
    return .json(bytes: "{\"orders\":[\(receipts.joined(separator: ","))]}".utf8)
  }

  private func pending(_ request: Request, _ context: TradingContext) async throws -> Response {
    struct List: Encodable { let orders: [PendingOrderText] }
    let account = try await desk.account(try context.accountId(request), deadline: .requestDeadline)
    let orders = account.orders.values.sorted { $0.id < $1.id }
    return try .json(List(orders: orders.map { PendingOrderText($0, catalog: catalog) }))
  }
}

/// What an order's stored answer says, as far as later requests need it.
struct StoredReceipt {
  let json: String
  let orderId: TransactionID
  let symbol: Symbol
  let side: Side
  let volume: String

  private struct Fields: Decodable {
    let orderId: String
    let symbol: Symbol
    let side: Side
    let volume: String
  }

  init(_ json: String) throws {
    let fields = try JSONDecoder().decode(Fields.self, from: Data(json.utf8))
    guard let id = TransactionID(fields.orderId) else { throw APIError.internalError }
    self.json = json
    orderId = id
    symbol = fields.symbol
    side = fields.side
    volume = fields.volume
  }
}
