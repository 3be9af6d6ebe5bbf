/// Which way the client trades.
public enum Side: String, Sendable, Hashable, Codable, CaseIterable {
  case buy, sell

  /// The side that closes what this one opened.
  public var opposite: Side { self == .buy ? .sell : .buy }
}

/// When the order is to be executed.
public enum OrderType: String, Sendable, Hashable, Codable, CaseIterable {
  /// At the dealer's price of the moment.
  case market
  /// At the given price or a better one.
  case limit
  /// At the market, once the market has moved to the given price or beyond it.
  case stop
  /// As a limit order, once the market has moved to the stop price (MetaTrader 5's ORDER_TYPE_BUY_STOP_LIMIT).
  case stopLimit
}

/// How long an order may wait to be filled (OANDA v20, TimeInForce).
public enum TimeInForce: String, Sendable, Hashable, Codable, CaseIterable {
  case goodTillCancelled = "GTC"
  case goodTillDate = "GTD"
  /// Filled at once as far as possible; what is left is cancelled.
  case immediateOrCancel = "IOC"
  /// Filled at once and whole, or cancelled.
  case fillOrKill = "FOK"
}

/// Prices at which a trade is to be closed; nil means none.
public struct TradeProtection: Sendable, Hashable {
  public var takeProfit: Price?
  public var stopLoss: Price?
  /// Points that the trailing stop keeps behind the best price since it was set.
  public var trailingDistance: Int64?

  public init(takeProfit: Price? = nil, stopLoss: Price? = nil, trailingDistance: Int64? = nil) {
    self.takeProfit = takeProfit
    self.stopLoss = stopLoss
    self.trailingDistance = trailingDistance
  }

  public static let none = TradeProtection()
}

/// What a client asks for with one client order id: to open, to close, to close by another trade, or to replace.
public struct OrderRequest: Sendable, Hashable {
  public let accountId: String
  /// Chosen by the client, unique within the account. The same id always gets the same answer.
  public let clientOrderId: String
  public let symbol: Symbol
  public let side: Side
  public let type: OrderType
  public let volume: Volume
  /// The limit price of a limit order, the stop price of a stop or stop-limit order, and for a market order with a
  /// `maximumDeviation` the price that the client saw.
  public var price: Price?
  /// The limit price of a stop-limit order.
  public var limitPrice: Price?
  public var timeInForce: TimeInForce
  /// When a `goodTillDate` order is cancelled.
  public var goodTill: Timestamp?
  /// Points by which the fill of a market order may be worse than `price` (MetaTrader 5's deviation).
  public var maximumDeviation: Int64?
  /// Closes what is open on the other side and never opens (OANDA v20, OrderPositionFill REDUCE_ONLY).
  public var isReduceOnly: Bool
  /// Put on the trade that the order opens.
  public var protection: TradeProtection
  /// The trade that a market order closes, whole or in part.
  public var closingTradeId: TransactionID?
  /// With `closingTradeId`: the opposite trade that it is closed by, without a spread (MetaTrader 5's close by).
  public var closeByTradeId: TransactionID?
  /// The pending order that this one takes the place of.
  public var replacedOrderId: TransactionID?

  /// - Parameter timeInForce: fill or kill for a market order and good till cancelled for others when nil, as with OANDA.
  public init(
    accountId: String, clientOrderId: String, symbol: Symbol, side: Side, type: OrderType, volume: Volume,
    price: Price? = nil, limitPrice: Price? = nil, timeInForce: TimeInForce? = nil, goodTill: Timestamp? = nil,
    maximumDeviation: Int64? = nil, isReduceOnly: Bool = false, protection: TradeProtection = .none,
    closingTradeId: TransactionID? = nil, closeByTradeId: TransactionID? = nil, replacedOrderId: TransactionID? = nil
  ) {
    self.accountId = accountId
    self.clientOrderId = clientOrderId
    self.symbol = symbol
    self.side = side
    self.type = type
    self.volume = volume
    self.price = price
    self.limitPrice = limitPrice
    self.timeInForce = timeInForce ?? (type == .market ? .fillOrKill : .goodTillCancelled)
    self.goodTill = goodTill
    self.maximumDeviation = maximumDeviation
    self.isReduceOnly = isReduceOnly
    self.protection = protection
    self.closingTradeId = closingTradeId
    self.closeByTradeId = closeByTradeId
    self.replacedOrderId = replacedOrderId
  }

  /// The first field in which `other` asks for something else under the same client order id, by its JSON name.
  public func fieldDiffering(from other: OrderRequest) -> String? {
    if self == other { return nil }
    if symbol != other.symbol { return "symbol" }
    if side != other.side { return "side" }
    if type != other.type { return "type" }
    if volume != other.volume { return "volume" }
    if price != other.price { return "price" }
    if limitPrice != other.limitPrice { return "limitPrice" }
    if timeInForce != other.timeInForce { return "timeInForce" }
    if goodTill != other.goodTill { return "goodTill" }
    if maximumDeviation != other.maximumDeviation { return "maximumDeviation" }
    if isReduceOnly != other.isReduceOnly { return "reduceOnly" }
    if protection.takeProfit != other.protection.takeProfit { return "takeProfit" }
    if protection.stopLoss != other.protection.stopLoss { return "stopLoss" }
    if protection.trailingDistance != other.protection.trailingDistance { return "trailingDistance" }
    if closingTradeId != other.closingTradeId { return "closingTradeId" }
    if closeByTradeId != other.closeByTradeId { return "closeByTradeId" }
    return replacedOrderId != other.replacedOrderId ? "replacedOrderId" : nil
  }
}
