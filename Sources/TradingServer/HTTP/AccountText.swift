import TradingCore

/// An account as clients see it. What depends on prices is left out while one is missing.
struct AccountText: Encodable {
  let accountId, currency, leverage, mode, group, balance: String
  let equity, unrealizedProfit, marginUsed, freeMargin, marginLevelPercent: String?
  let marginCallPercent, stopOutPercent: String
  let negativeBalanceProtection, inMarginCall: Bool
  let openTrades, pendingOrders: Int
  let lastTransactionId: String

  init(_ account: Account, in market: Market) {
    let settings = account.settings
    let figures = try? account.figures(in: market)
    func text(_ money: Money?) -> String? { money?.text(in: settings.currency) }
    accountId = settings.accountId
    currency = settings.currency.code
    leverage = String(settings.leverage)
    mode = settings.mode.rawValue
    group = settings.group
    balance = account.balance.text(in: settings.currency)
    equity = text(figures?.equity)
    unrealizedProfit = text(figures?.unrealizedProfit)
    marginUsed = text(figures?.marginUsed)
    freeMargin = text(figures?.freeMargin)
    marginLevelPercent = figures?.marginLevelPercent.map { String($0) }
    marginCallPercent = String(settings.marginCallPercent)
    stopOutPercent = String(settings.stopOutPercent)
    negativeBalanceProtection = settings.hasNegativeBalanceProtection
    inMarginCall = account.isInMarginCall
    openTrades = account.trades.count
    pendingOrders = account.orders.count
    lastTransactionId = String(account.lastTransactionId)
  }
}

/// A waiting order.
struct PendingOrderText: Encodable {
  let orderId, clientOrderId, symbol, side, type, volume, timeInForce: String
  let price, limitPrice, goodTill, takeProfit, stopLoss, trailingDistance: String?
  /// A stop-limit order whose stop price was reached.
  let triggered: Bool

  init(_ order: PendingOrder, catalog: InstrumentCatalog) {
    let request = order.request
    func text(_ price: Price?) -> String? { price.flatMap { catalog[request.symbol]?.text(of: $0) } }
    orderId = String(order.id)
    clientOrderId = request.clientOrderId
    symbol = request.symbol.name
    side = request.side.rawValue
    type = request.type.rawValue
    volume = request.volume.description
    timeInForce = request.timeInForce.rawValue
    price = text(request.price)
    limitPrice = text(request.limitPrice)
    goodTill = request.goodTill?.description
    takeProfit = text(request.protection.takeProfit)
    stopLoss = text(request.protection.stopLoss)
    trailingDistance = request.protection.trailingDistance.map { String($0) }
    triggered = order.isTriggered
  }
}

/// An open trade.
struct TradeText: Encodable {
  let tradeId, symbol, side, volume, price, openTime: String
  let unrealizedProfit, takeProfit, stopLoss, trailingDistance, trailingStop: String?

  init(_ trade: Trade, of account: Account, in market: Market) {
    let catalog = market.terms.catalog
    func text(_ price: Price?) -> String? { price.flatMap { catalog[trade.symbol]?.text(of: $0) } }
    func level(_ id: TransactionID?) -> String? {
      text(id.flatMap { account.linkedOrders[$0] }.map { Price(points: $0.level) })
    }
    tradeId = String(trade.id)
    symbol = trade.symbol.name
    side = trade.side.rawValue
    volume = trade.volume.description
    price = text(trade.averagePrice) ?? ""
    openTime = trade.openTime.description
    unrealizedProfit = (try? account.unrealizedProfit(of: trade, in: market))?.text(in: account.settings.currency)
    takeProfit = level(trade.takeProfitId)
    stopLoss = level(trade.stopLossId)
    trailingStop = level(trade.trailingStopId)
    if case .trailingStop(let distance, _, _) = trade.trailingStopId.flatMap({ account.linkedOrders[$0] })?.terms
      .trigger
    {
      trailingDistance = String(distance)
    } else {
      trailingDistance = nil
    }
  }
}

/// All trades of a symbol.
struct PositionText: Encodable {
  let symbol, longVolume, shortVolume: String
  let longPrice, shortPrice, unrealizedProfit, marginUsed: String?

  init(_ position: Position, _ symbol: Symbol, of account: Account, in market: Market) {
    let instrument = market.terms.catalog[symbol]
    let figures = try? account.figures(of: symbol, in: market)
    self.symbol = symbol.name
    longVolume = position.longVolume.description
    shortVolume = position.shortVolume.description
    longPrice = position.averagePrice(.buy).flatMap { instrument?.text(of: $0) }
    shortPrice = position.averagePrice(.sell).flatMap { instrument?.text(of: $0) }
    unrealizedProfit = figures?.unrealizedProfit.text(in: account.settings.currency)
    marginUsed = figures?.marginUsed.text(in: account.settings.currency)
  }
}
