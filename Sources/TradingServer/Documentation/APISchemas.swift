import TradingCore
import TradingStore

/// The shapes that requests and answers have.
enum APISchemas {
  private typealias S = APISchema

  static let all: [String: JSONValue] = [
    "Error": S.object([
      "error": S.object(
        ["code": S.string, "message": S.string, "remedy": S.text("what to do about it")],
        optional: ["field": S.text("the field or parameter that is wrong")])
    ]),
    "Health": S.object(["status": S.string]),
    "Readiness": S.object([
      "status": S.string, "database": part, "prices": part, "reasons": S.list(of: S.string),
    ]),
    "Login": S.object(["login": S.identifier, "password": S.string]),
    "Refresh": S.object(["refreshToken": S.string]),
    "Session": S.object([
      "accessToken": S.string, "tokenType": S.string, "expiresIn": S.integer, "refreshToken": S.string,
      "refreshExpiresIn": S.integer, "role": S.choice(Role.self), "accounts": S.list(of: S.identifier),
    ]),
    "Symbols": S.object(["broker": S.string, "symbols": S.list(of: symbol)], optional: ["time": S.time]),
    "Prices": S.object([
      "feed": S.string, "shared": S.flag, "sequence": S.integer, "time": S.time,
      "prices": S.list(of: S.object(["symbol": S.string, "bid": S.amount, "ask": S.amount])),
    ]),
    "Candles": S.object([
      "symbol": S.string, "granularity": S.choice(CandleGranularity.self),
      "candles": S.list(
        of: S.object([
          "time": S.time, "open": S.amount, "high": S.amount, "low": S.amount, "close": S.amount, "volume": S.integer,
        ])),
    ]),
    "Order": S.object(
      orderRequest.required, optional: orderRequest.optional.merging(["accountId": S.identifier]) { $1 }),
    "Receipt": receipt,
    "Receipts": S.object(["orders": S.list(of: S.reference("Receipt"))]),
    "PendingOrders": S.object(["orders": S.list(of: pendingOrder)]),
    "Account": account,
    "Accounts": S.object(["accounts": S.list(of: S.reference("Account"))]),
    "Trades": S.object(["trades": S.list(of: trade)]),
    "Positions": S.object(["positions": S.list(of: position)]),
    "Close": S.object(
      ["clientOrderId": S.identifier],
      optional: ["accountId": S.identifier, "volume": S.amount, "closeByTradeId": S.transactionId]),
    "Protection": S.object(
      [:],
      optional: [
        "accountId": S.identifier, "takeProfit": S.amount, "stopLoss": S.amount, "trailingDistance": S.points,
      ]),
    "Transaction": transaction,
    "Transactions": S.object(
      ["transactions": S.list(of: S.reference("Transaction"))], optional: ["lastTransactionId": S.transactionId]),
    "Statistics": S.object([
      "replica": S.string, "startedAt": S.time, "acknowledged": S.integer, "orders": S.integer, "fills": S.integer,
      "transactions": S.integer,
    ]),
  ].merging(admin) { $1 }

  private static let part = S.object(["status": S.string], optional: ["detail": S.string])

  private static let symbol = S.object(
    [
      "symbol": S.string, "title": S.string, "digits": S.integer, "contractSize": S.amount, "minVolume": S.amount,
      "maxVolume": S.amount, "volumeStep": S.amount,
    ], optional: ["bid": S.amount, "ask": S.amount])

  private static let protection = [
    "takeProfit": S.amount, "stopLoss": S.amount, "trailingDistance": S.points,
  ]

  private static let orderRequest: (required: [String: JSONValue], optional: [String: JSONValue]) = (
    ["clientOrderId": S.identifier, "symbol": S.string, "side": S.choice(Side.self), "volume": S.amount],
    [
      "type": S.choice(OrderType.self), "price": S.amount, "limitPrice": S.amount,
      "timeInForce": S.choice(TimeInForce.self), "goodTill": S.time, "maximumDeviation": S.points, "reduceOnly": S.flag,
    ].merging(protection) { $1 }
  )

  private static let receipt = S.object(
    [
      "accountId": S.identifier, "clientOrderId": S.identifier, "orderId": S.transactionId,
      "side": S.choice(Side.self), "status": S.choice(OrderStatus.self), "symbol": S.string, "time": S.time,
      "timeInForce": S.choice(TimeInForce.self), "transactionId": S.transactionId, "type": S.choice(OrderType.self),
      "volume": S.amount,
    ],
    optional: [
      "price": S.amount, "limitPrice": S.amount, "goodTill": S.time, "profit": S.amount,
      "reason": S.text("why it was cancelled or rejected"), "tradeId": S.transactionId,
    ].merging(protection) { $1 })

  private static let pendingOrder = S.object(
    [
      "orderId": S.transactionId, "clientOrderId": S.identifier, "symbol": S.string, "side": S.choice(Side.self),
      "type": S.choice(OrderType.self), "volume": S.amount, "timeInForce": S.choice(TimeInForce.self),
      "triggered": S.flag,
    ], optional: ["price": S.amount, "limitPrice": S.amount, "goodTill": S.time].merging(protection) { $1 })

  private static let account = S.object(
    [
      "accountId": S.identifier, "currency": S.string, "leverage": S.amount, "mode": S.choice(PositionMode.self),
      "group": S.string, "balance": S.amount, "marginCallPercent": S.amount, "stopOutPercent": S.amount,
      "negativeBalanceProtection": S.flag, "inMarginCall": S.flag, "openTrades": S.integer,
      "pendingOrders": S.integer, "lastTransactionId": S.transactionId,
    ],
    optional: [
      "equity": S.amount, "unrealizedProfit": S.amount, "marginUsed": S.amount, "freeMargin": S.amount,
      "marginLevelPercent": S.amount,
    ])

  private static let trade = S.object(
    [
      "tradeId": S.transactionId, "symbol": S.string, "side": S.choice(Side.self), "volume": S.amount,
      "price": S.amount, "openTime": S.time,
    ], optional: ["unrealizedProfit": S.amount, "trailingStop": S.amount].merging(protection) { $1 })

  private static let position = S.object(
    ["symbol": S.string, "longVolume": S.amount, "shortVolume": S.amount],
    optional: [
      "longPrice": S.amount, "shortPrice": S.amount, "unrealizedProfit": S.amount, "marginUsed": S.amount,
    ])

  /// Which of the other fields there are depends on the type.
  private static let transaction: JSONValue = [
    "type": "object",
    "properties": [
      "accountId": S.identifier, "id": S.transactionId, "batchId": S.transactionId, "time": S.time,
      "type": S.text("CREATE, TRANSFER_FUNDS, MARKET_ORDER, ORDER_FILL and so on, as in OANDA's v20 API"),
    ],
    "required": ["accountId", "id", "batchId", "time", "type"],
    "additionalProperties": true,
  ]

  private static let markups = S.map(to: S.points)

  private static let admin: [String: JSONValue] = [
    "AccountIds": S.object(["accounts": S.list(of: S.identifier)]),
    "NewAccount": S.object(
      ["accountId": S.identifier],
      optional: [
        "password": S.text("8 to 72 bytes"), "currency": S.string, "leverage": S.amount,
        "mode": S.choice(PositionMode.self), "group": S.string, "marginCallPercent": S.amount,
        "stopOutPercent": S.amount, "negativeBalanceProtection": S.flag,
      ]),
    "Password": S.object(["password": S.text("8 to 72 bytes")]),
    "Funding": S.object(["amount": S.amount, "reference": S.identifier], optional: ["reason": S.string]),
    "Funded": S.object([
      "accountId": S.identifier, "amount": S.amount, "balance": S.amount, "reason": S.string,
      "reference": S.identifier,
    ]),
    "Markups": markups,
    "Group": S.object(["name": S.string, "markups": markups]),
    "Groups": S.object(["groups": S.list(of: S.reference("Group"))]),
    "SymbolTerms": S.object([
      "symbols": S.list(
        of: S.object([
          "symbol": S.string, "title": S.string, "digits": S.integer, "contractSize": S.amount, "minVolume": S.amount,
          "maxVolume": S.amount, "volumeStep": S.amount, "baseCurrency": S.string, "quoteCurrency": S.string,
          "marginCurrency": S.string, "marginRateBasisPoints": S.amount, "swapLongHundredths": S.amount,
          "swapShortHundredths": S.amount, "trailingStep": S.amount, "spread": S.amount,
        ]))
    ]),
    "Exposure": S.object([
      "exposure": S.list(
        of: S.object([
          "symbol": S.string, "longVolume": S.amount, "shortVolume": S.amount, "netVolume": S.amount,
          "accounts": S.integer,
        ]))
    ]),
    "Feed": S.object(
      [
        "feed": S.string, "source": S.string, "isLeader": S.flag,
        "quotes": S.list(of: S.object(["symbol": S.string], optional: ["ageMilliseconds": S.integer])),
      ], optional: ["sequence": S.integer, "time": S.time, "problem": S.string]),
  ]
}
