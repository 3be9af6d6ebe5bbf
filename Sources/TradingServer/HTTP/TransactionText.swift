import TradingCore

/// A ledger transaction as clients receive it: ids and amounts are decimal text, fields that do not apply are left out.
struct TransactionText: Encodable {
  private var fields: [(String, Field)] = []

  private enum Field {
    case text(String)
    case flag(Bool)
    case list([[String: String]])
  }
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ text: String) { stringValue = text }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    for (name, field) in fields {
      switch field {
      case .text(let text): try container.encode(text, forKey: Key(name))
      case .flag(let flag): try container.encode(flag, forKey: Key(name))
      case .list(let list): try container.encode(list, forKey: Key(name))
      }
    }
  }

  /// - Parameters:
  ///   - currency: the account's.
  init(_ transaction: Transaction, accountId: String, currency: Currency, catalog: InstrumentCatalog) {
    put("accountId", accountId)
    put("id", String(transaction.id))
    put("batchId", String(transaction.batchId))
    put("time", transaction.time.description)
    put("type", transaction.kind.name)
    func text(_ money: Money) -> String { money.text(in: currency) }
    switch transaction.kind {
    case .create(let settings): put(settings)
    case .transferFunds(let transfer):
      put("amount", text(transfer.amount))
      put("reason", transfer.reason.rawValue)
      put("reference", transfer.reference.isEmpty ? nil : transfer.reference)
      put("balance", text(transfer.balance))
    case .orderCreate(let request, let reason):
      put("reason", reason.rawValue)
      put(request, catalog)
    case .orderReject(let request, let reason):
      put("reason", reason.rawValue)
      put(request, catalog)
    case .stopLimitTrigger(let orderId): put("orderId", String(orderId))
    case .orderFill(let fill): put(fill, currency, catalog)
    case .tradeCloseBy(let closeBy):
      put("orderId", String(closeBy.orderId))
      put("tradeId", String(closeBy.tradeId))
      put("oppositeTradeId", String(closeBy.oppositeTradeId))
      put("volume", closeBy.volume.description)
      put("profit", text(closeBy.profit))
      put("balance", text(closeBy.balance))
    case .orderCancel(let orderId, let reason):
      put("orderId", String(orderId))
      put("reason", reason.rawValue)
    case .linkedOrderCreate(let terms, let reason):
      put("tradeId", String(terms.tradeId))
      put("reason", reason.rawValue)
      switch terms.trigger {
      // The trade's symbol stands in an earlier transaction, so these are points.
      case .takeProfit(let points), .stopLoss(let points): put("points", String(points))
      case .trailingStop(let distance, let level, _):
        put("trailingDistance", String(distance))
        put("points", String(level))
      }
    case .trailingStopMove(let orderId, let level):
      put("orderId", String(orderId))
      put("points", String(level))
    case .dailyFinancing(let financing):
      put("rollover", financing.rollover.description)
      put("nights", String(financing.nights))
      fields.append(
        ("items", .list(financing.items.map { ["tradeId": String($0.tradeId), "amount": text($0.amount)] })))
      put("total", text(financing.total))
      put("balance", text(financing.balance))
    case .marginCallEnter(let equity, let used), .marginCallExit(let equity, let used):
      put("equity", text(equity))
      put("marginUsed", text(used))
    }
  }

  private mutating func put(_ name: String, _ value: String?) {
    if let value { fields.append((name, .text(value))) }
  }

  private mutating func put(_ settings: AccountSettings) {
    put("currency", settings.currency.code)
    put("leverage", String(settings.leverage))
    put("mode", settings.mode.rawValue)
    put("group", settings.group)
    put("marginCallPercent", String(settings.marginCallPercent))
    put("stopOutPercent", String(settings.stopOutPercent))
    fields.append(("negativeBalanceProtection", .flag(settings.hasNegativeBalanceProtection)))
  }

  private mutating func put(_ request: OrderRequest, _ catalog: InstrumentCatalog) {
    let digits = catalog[request.symbol]?.digits ?? 0
    func text(_ price: Price?) -> String? { price.map { DecimalText.format($0.points, fractionDigits: digits) } }
    put("clientOrderId", request.clientOrderId.isEmpty ? nil : request.clientOrderId)
    put("symbol", request.symbol.name)
    put("side", request.side.rawValue)
    put("volume", request.volume.description)
    put("price", text(request.price))
    put("limitPrice", text(request.limitPrice))
    put("timeInForce", request.timeInForce.rawValue)
    put("goodTill", request.goodTill?.description)
    put("maximumDeviation", request.maximumDeviation.map { String($0) })
    if request.isReduceOnly { fields.append(("reduceOnly", .flag(true))) }
    put("takeProfit", text(request.protection.takeProfit))
    put("stopLoss", text(request.protection.stopLoss))
    put("trailingDistance", request.protection.trailingDistance.map { String($0) })
    put("closingTradeId", request.closingTradeId.map { String($0) })
    put("closeByTradeId", request.closeByTradeId.map { String($0) })
    put("replacedOrderId", request.replacedOrderId.map { String($0) })
  }

  private mutating func put(_ fill: OrderFill, _ currency: Currency, _ catalog: InstrumentCatalog) {
    put("orderId", String(fill.orderId))
    put("symbol", fill.symbol.name)
    put("side", fill.side.rawValue)
    put("price", DecimalText.format(fill.price.points, fractionDigits: catalog[fill.symbol]?.digits ?? 0))
    put("reason", fill.reason.rawValue)
    put("volume", fill.volume.description)
    put("openedVolume", fill.openedVolume.description)
    put("increasedTradeId", fill.increasedTradeId.map { String($0) })
    fields.append(
      (
        "closures",
        .list(
          fill.closures.map {
            [
              "tradeId": String($0.tradeId), "volume": $0.volume.description, "profit": $0.profit.text(in: currency),
            ]
          })
      ))
    put("profit", fill.profit.text(in: currency))
    put("balance", fill.balance.text(in: currency))
  }
}
