import HTTPTypes
import Hummingbird
import TradingCore
import TradingStore

/// What a client has: accounts with their figures, trades and positions; and what may be done to trades.
struct AccountRoutes: Sendable {
  private struct TradeList: Encodable { let trades: [TradeText] }
  private struct PositionList: Encodable { let positions: [PositionText] }

  let board: MarketBoard
  let desk: TradingDesk
  let reader: LedgerReader
  let placing: OrderPlacing

  func register(on router: some RouterMethods<TradingContext>) {
    router.get("/api/accounts") { _, context in try await list(context) }
    router.get("/api/accounts/:accountId") { _, context in
      let id = try context.accountId(named: try context.parameters.require("accountId"))
      return try Response.json(AccountText(try await account(id), in: board.market))
    }
    router.get("/api/trades") { request, context in
      let (account, market) = (try await account(try context.accountId(request)), board.market)
      let trades = account.trades.values.sorted { $0.id < $1.id }
      return try Response.json(TradeList(trades: trades.map { TradeText($0, of: account, in: market) }))
    }
    router.get("/api/positions") { request, context in
      let (account, market) = (try await account(try context.accountId(request)), board.market)
      let positions = account.positions.sorted { $0.key < $1.key }
      return try Response.json(
        PositionList(positions: positions.map { PositionText($0.value, $0.key, of: account, in: market) }))
    }
    router.post("/api/trades/:tradeId/close") { request, context in try await close(request, context) }
    router.put("/api/trades/:tradeId/protection") { request, context in try await protect(request, context) }
  }

  private func account(_ id: String) async throws -> Account {
    try await desk.account(id, deadline: .requestDeadline)
  }

  private func list(_ context: TradingContext) async throws -> Response {
    struct List: Encodable { let accounts: [AccountText] }
    var accounts: [AccountText] = []
    for id in (try context.client().accounts ?? []).sorted() {
      accounts.append(AccountText(try await account(id), in: board.market))
    }
    return try .json(List(accounts: accounts))
  }

  /// A market order that closes one trade, whole or in part, or by an opposite one. It has a client order id like any other
  /// order, so it can be sent again safely.
  private func close(_ request: Request, _ context: TradingContext) async throws -> Response {
    let body = try await JSONBody.read(request, known: ["accountId", "clientOrderId", "volume", "closeByTradeId"])
    let accountId = try context.accountId(named: try body.text("accountId"))
    let clientOrderId = try OrderDraft.identifier(try body.requiredText("clientOrderId"), field: "clientOrderId")
    let tradeId = try context.transactionId("tradeId")
    let other = try body.text("closeByTradeId")
    if let other, (TransactionID(other) ?? 0) < 1 {
      throw APIError.malformed(
        field: "closeByTradeId", "\"\(shortened(other))\" is not an id", remedy: "use the id of the opposite trade")
    }
    // A repeated request finds its trade closed; then the first answer tells what the trade was.
    let (symbol, side, whole): (Symbol, Side, Volume)
    if let trade = try await account(accountId).trades[tradeId] {
      (symbol, side, whole) = (trade.symbol, trade.side.opposite, trade.volume)
    } else if let stored = try await reader.receipt(
      accountId: accountId, clientOrderId: clientOrderId, deadline: .requestDeadline)
    {
      let receipt = try StoredReceipt(stored.receipt)
      (symbol, side, whole) = (receipt.symbol, receipt.side, try Volume(parsing: receipt.volume))
    } else {
      throw APIError(CommandError.tradeDoesntExist(tradeId))
    }
    guard let instrument = board.market.terms.catalog[symbol] else { throw APIError.internalError }
    let volume = try body.text("volume").map { text throws(OrderValidationError) in
      try OrderDraft.volume(text, of: instrument)
    }
    return try await placing.place(
      OrderRequest(
        accountId: accountId, clientOrderId: clientOrderId, symbol: symbol, side: side, type: .market,
        volume: volume ?? whole, closingTradeId: tradeId, closeByTradeId: other.flatMap { TransactionID($0) }),
      context)
  }

  /// Sets take profit, stop loss and trailing stop; what is left out is taken away. Sent again, it changes nothing.
  private func protect(_ request: Request, _ context: TradingContext) async throws -> Response {
    let body = try await JSONBody.read(request, known: ["accountId", "takeProfit", "stopLoss", "trailingDistance"])
    let accountId = try context.accountId(named: try body.text("accountId"))
    let tradeId = try context.transactionId("tradeId")
    guard let symbol = try await account(accountId).trades[tradeId]?.symbol,
      let instrument = board.market.terms.catalog[symbol]
    else { throw APIError(CommandError.tradeDoesntExist(tradeId)) }
    var draft = OrderDraft()
    draft.takeProfit = try body.text("takeProfit")
    draft.stopLoss = try body.text("stopLoss")
    draft.trailingDistance = try body.text("trailingDistance")
    let (protection, now) = (try draft.protection(of: instrument), Timestamp.now)
    let transactions = try await desk.perform(on: accountId, deadline: .requestDeadline) {
      account, market throws(CommandError) in
      try account.modify(tradeId: tradeId, protection: protection, in: market, at: now)
    }
    return try await placing.list(transactions, of: accountId)
  }
}
