extension Transaction.Kind {
  init(_ fields: CanonicalFields, name: String, accountId: String) throws(CanonicalLineError) {
    for type in OrderType.allCases where name.hasPrefix(type.transactionName) {
      let request = try OrderRequest(fields, type: type, accountId: accountId)
      if name == type.transactionName {
        self = .orderCreate(request, try fields.choice("reason"))
        return
      }
      if name == type.transactionName + "_REJECT" {
        self = .orderReject(request, try fields.choice("reason"))
        return
      }
    }
    switch name {
    case "CREATE": self = .create(try AccountSettings(fields))
    case "TRANSFER_FUNDS":
      self = .transferFunds(
        FundTransfer(
          amount: try fields.money("amount"), reason: try fields.choice("reason"),
          reference: try fields.text("reference"), balance: try fields.money("balance")))
    case "STOP_LIMIT_TRIGGER": self = .stopLimitTrigger(orderId: try fields.integer("order"))
    case "ORDER_FILL": self = .orderFill(try OrderFill(fields))
    case "TRADE_CLOSE_BY":
      self = .tradeCloseBy(
        TradeCloseBy(
          orderId: try fields.integer("order"), tradeId: try fields.integer("trade"),
          oppositeTradeId: try fields.integer("opposite"), volume: try fields.volume("volume"),
          profit: try fields.money("profit"), balance: try fields.money("balance")))
    case "ORDER_CANCEL": self = .orderCancel(orderId: try fields.integer("order"), try fields.choice("reason"))
    case "TAKE_PROFIT_ORDER", "STOP_LOSS_ORDER", "TRAILING_STOP_LOSS_ORDER":
      self = .linkedOrderCreate(
        LinkedOrderTerms(
          tradeId: try fields.integer("trade"), trigger: try LinkedOrderTerms.Trigger(fields, name: name)),
        try fields.choice("reason"))
    case "TRAILING_STOP_MOVE":
      self = .trailingStopMove(orderId: try fields.integer("order"), level: try fields.integer("level"))
    case "DAILY_FINANCING": self = .dailyFinancing(try DailyFinancing(fields))
    case "MARGIN_CALL_ENTER":
      self = .marginCallEnter(equity: try fields.money("equity"), marginUsed: try fields.money("marginUsed"))
    case "MARGIN_CALL_EXIT":
      self = .marginCallExit(equity: try fields.money("equity"), marginUsed: try fields.money("marginUsed"))
    default: throw CanonicalLineError(field: "type")
    }
  }
}

extension LinkedOrderTerms.Trigger {
  init(_ fields: CanonicalFields, name: String) throws(CanonicalLineError) {
    switch name {
    case "TAKE_PROFIT_ORDER": self = .takeProfit(price: try fields.integer("price"))
    case "STOP_LOSS_ORDER": self = .stopLoss(price: try fields.integer("price"))
    case "TRAILING_STOP_LOSS_ORDER":
      self = .trailingStop(
        distance: try fields.integer("distance"), level: try fields.integer("level"), step: try fields.integer("step"))
    default: throw CanonicalLineError(field: "type")
    }
  }
}

extension AccountSettings {
  init(_ fields: CanonicalFields) throws(CanonicalLineError) {
    self.init(
      accountId: try fields.text("account"), currency: Currency(try fields.text("currency")),
      leverage: try fields.integer("leverage"), mode: try fields.choice("mode"), group: try fields.text("group"),
      marginCallPercent: try fields.integer("marginCall"), stopOutPercent: try fields.integer("stopOut"),
      hasNegativeBalanceProtection: try fields.integer("protected") == 1)
  }
}

extension OrderFill {
  fileprivate init(_ fields: CanonicalFields) throws(CanonicalLineError) {
    self.init(
      orderId: try fields.integer("order"), symbol: Symbol(try fields.text("symbol")),
      side: try fields.choice("side"), price: try fields.price("price"), reason: try fields.choice("reason"),
      closures: try fields.list("closed", width: 3).map {
        Closure(tradeId: $0[0], volume: Volume(hundredths: $0[1]), profit: Money(minorUnits: $0[2]))
      },
      openedVolume: try fields.volume("opened"), increasedTradeId: try fields.optionalInteger("increased"),
      profit: try fields.money("profit"), balance: try fields.money("balance"))
  }
}

extension DailyFinancing {
  fileprivate init(_ fields: CanonicalFields) throws(CanonicalLineError) {
    self.init(
      rollover: Timestamp(milliseconds: try fields.integer("rollover")), nights: try fields.integer("nights"),
      items: try fields.list("items", width: 2).map {
        Item(tradeId: $0[0], amount: Money(minorUnits: $0[1]))
      },
      total: try fields.money("total"), balance: try fields.money("balance"))
  }
}
