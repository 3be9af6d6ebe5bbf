extension Transaction {
  /// The transaction as one line of text without a line feed: id, batch, milliseconds, type, then `key=value` in a fixed
  /// order. Volumes are hundredths of a lot, prices points, money minor units.
  public var canonicalLine: String {
    var line = CanonicalLine(String(id), String(batchId), String(time.milliseconds), kind.name)
    kind.put(in: &line)
    return line.text
  }

  /// Reads a `canonicalLine` of the account `accountId`.
  public init(canonicalLine: some StringProtocol, accountId: String) throws(CanonicalLineError) {
    let fields = CanonicalFields(canonicalLine)
    guard fields.words.count == 4 else { throw CanonicalLineError(field: "words") }
    self.init(
      id: try fields.word(0, "id"), batchId: try fields.word(1, "batch"),
      time: Timestamp(milliseconds: try fields.word(2, "time")),
      kind: try Kind(fields, name: String(fields.words[3]), accountId: accountId))
  }
}

extension Transaction.Kind {
  /// The transaction type's name.
  public var name: String {
    switch self {
    case .create: "CREATE"
    case .transferFunds: "TRANSFER_FUNDS"
    case .orderCreate(let request, _): request.type.transactionName
    case .orderReject(let request, _): request.type.transactionName + "_REJECT"
    case .stopLimitTrigger: "STOP_LIMIT_TRIGGER"
    case .orderFill: "ORDER_FILL"
    case .tradeCloseBy: "TRADE_CLOSE_BY"
    case .orderCancel: "ORDER_CANCEL"
    case .linkedOrderCreate(let terms, _): terms.trigger.name
    case .trailingStopMove: "TRAILING_STOP_MOVE"
    case .dailyFinancing: "DAILY_FINANCING"
    case .marginCallEnter: "MARGIN_CALL_ENTER"
    case .marginCallExit: "MARGIN_CALL_EXIT"
    }
  }

  func put(in line: inout CanonicalLine) {
    switch self {
    case .create(let settings):
      line.put("account", text: settings.accountId)
      line.put("currency", text: settings.currency.code)
      line.put("leverage", settings.leverage)
      line.put("mode", settings.mode)
      line.put("group", text: settings.group)
      line.put("marginCall", settings.marginCallPercent)
      line.put("stopOut", settings.stopOutPercent)
      line.put("protected", settings.hasNegativeBalanceProtection ? 1 : 0)
    case .transferFunds(let transfer):
      line.put("amount", transfer.amount)
      line.put("reason", transfer.reason)
      line.put("reference", text: transfer.reference)
      line.put("balance", transfer.balance)
    case .orderCreate(let request, let reason):
      line.put("reason", reason)
      request.put(in: &line)
    case .orderReject(let request, let reason):
      line.put("reason", reason)
      request.put(in: &line)
    case .stopLimitTrigger(let orderId): line.put("order", orderId)
    case .orderFill(let fill): fill.put(in: &line)
    case .tradeCloseBy(let closeBy):
      line.put("order", closeBy.orderId)
      line.put("trade", closeBy.tradeId)
      line.put("opposite", closeBy.oppositeTradeId)
      line.put("volume", closeBy.volume.hundredths)
      line.put("profit", closeBy.profit)
      line.put("balance", closeBy.balance)
    case .orderCancel(let orderId, let reason):
      line.put("order", orderId)
      line.put("reason", reason)
    case .linkedOrderCreate(let terms, let reason):
      line.put("trade", terms.tradeId)
      line.put("reason", reason)
      terms.trigger.put(in: &line)
    case .trailingStopMove(let orderId, let level):
      line.put("order", orderId)
      line.put("level", level)
    case .dailyFinancing(let financing):
      line.put("rollover", financing.rollover.milliseconds)
      line.put("nights", financing.nights)
      line.put("items", list: financing.items.map { [$0.tradeId, $0.amount.minorUnits] })
      line.put("total", financing.total)
      line.put("balance", financing.balance)
    case .marginCallEnter(let equity, let used), .marginCallExit(let equity, let used):
      line.put("equity", equity)
      line.put("marginUsed", used)
    }
  }
}

extension OrderFill {
  fileprivate func put(in line: inout CanonicalLine) {
    line.put("order", orderId)
    line.put("symbol", text: symbol.name)
    line.put("side", side)
    line.put("price", price)
    line.put("reason", reason)
    line.put("closed", list: closures.map { [$0.tradeId, $0.volume.hundredths, $0.profit.minorUnits] })
    line.put("opened", openedVolume.hundredths)
    line.put("increased", increasedTradeId)
    line.put("profit", profit)
    line.put("balance", balance)
  }
}

extension LinkedOrderTerms.Trigger {
  /// The order type's name (OANDA v20, TransactionType).
  public var name: String {
    switch self {
    case .takeProfit: "TAKE_PROFIT_ORDER"
    case .stopLoss: "STOP_LOSS_ORDER"
    case .trailingStop: "TRAILING_STOP_LOSS_ORDER"
    }
  }

  func put(in line: inout CanonicalLine) {
    switch self {
    case .takeProfit(let price), .stopLoss(let price): line.put("price", price)
    case .trailingStop(let distance, let level, let step):
      line.put("distance", distance)
      line.put("level", level)
      line.put("step", step)
    }
  }
}
