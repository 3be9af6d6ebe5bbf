extension OrderType {
  /// The type's name in transactions (OANDA v20, TransactionType).
  var transactionName: String {
    switch self {
    case .market: "MARKET_ORDER"
    case .limit: "LIMIT_ORDER"
    case .stop: "STOP_ORDER"
    case .stopLimit: "STOP_LIMIT_ORDER"
    }
  }
}

extension OrderRequest {
  /// Appends every field but the type, which is the line's own, and the account, which is the ledger's.
  func put(in line: inout CanonicalLine) {
    line.put("client", text: clientOrderId)
    line.put("symbol", text: symbol.name)
    line.put("side", side)
    line.put("volume", volume.hundredths)
    line.put("price", price)
    line.put("limit", limitPrice)
    line.put("tif", timeInForce)
    line.put("until", goodTill?.milliseconds)
    line.put("deviation", maximumDeviation)
    if isReduceOnly { line.put("reduceOnly", 1) }
    line.put("takeProfit", protection.takeProfit)
    line.put("stopLoss", protection.stopLoss)
    line.put("trailing", protection.trailingDistance)
    line.put("closes", closingTradeId)
    line.put("closeBy", closeByTradeId)
    line.put("replaces", replacedOrderId)
  }

  init(_ fields: CanonicalFields, type: OrderType, accountId: String) throws(CanonicalLineError) {
    let until = try fields.optionalInteger("until")
    self.init(
      accountId: accountId, clientOrderId: try fields.text("client"), symbol: Symbol(try fields.text("symbol")),
      side: try fields.choice("side"), type: type, volume: try fields.volume("volume"),
      price: try fields.optionalPrice("price"), limitPrice: try fields.optionalPrice("limit"),
      timeInForce: try fields.choice("tif", TimeInForce.self), goodTill: until.map { Timestamp(milliseconds: $0) },
      maximumDeviation: try fields.optionalInteger("deviation"),
      isReduceOnly: try fields.optionalInteger("reduceOnly") == 1,
      protection: TradeProtection(
        takeProfit: try fields.optionalPrice("takeProfit"), stopLoss: try fields.optionalPrice("stopLoss"),
        trailingDistance: try fields.optionalInteger("trailing")),
      closingTradeId: try fields.optionalInteger("closes"), closeByTradeId: try fields.optionalInteger("closeBy"),
      replacedOrderId: try fields.optionalInteger("replaces"))
  }
}
