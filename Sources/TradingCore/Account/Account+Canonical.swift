extension Account {
  /// The whole state as text, one line a thing in a fixed order: equal accounts give equal bytes on every machine.
  public var canonicalState: String {
    var lines: [String] = []
    var head = CanonicalLine("ACCOUNT")
    Transaction.Kind.create(settings).put(in: &head)
    head.put("balance", balance)
    head.put("last", lastTransactionId)
    head.put("inMarginCall", isInMarginCall ? 1 : 0)
    head.put("rollover", lastRollover?.milliseconds)
    lines.append(head.text)
    for (id, order) in orders.sorted(by: { $0.key < $1.key }) {
      var line = CanonicalLine("ORDER", String(id), order.request.type.transactionName)
      line.put("triggered", order.isTriggered ? 1 : 0)
      order.request.put(in: &line)
      lines.append(line.text)
    }
    for (id, trade) in trades.sorted(by: { $0.key < $1.key }) {
      var line = CanonicalLine("TRADE", String(id))
      line.put("symbol", text: trade.symbol.name)
      line.put("side", trade.side)
      line.put("volume", trade.volume.hundredths)
      line.put("cost", text: String(trade.cost))
      line.put("opened", trade.openTime.milliseconds)
      line.put("takeProfit", trade.takeProfitId)
      line.put("stopLoss", trade.stopLossId)
      line.put("trailing", trade.trailingStopId)
      lines.append(line.text)
    }
    for (id, order) in linkedOrders.sorted(by: { $0.key < $1.key }) {
      var line = CanonicalLine("LINKED", String(id), order.terms.trigger.name)
      line.put("trade", order.terms.tradeId)
      line.put("at", order.level)
      order.terms.trigger.put(in: &line)
      lines.append(line.text)
    }
    for (symbol, position) in positions.sorted(by: { $0.key < $1.key }) {
      var line = CanonicalLine("POSITION")
      line.put("symbol", text: symbol.name)
      line.put("long", position.longVolume.hundredths)
      line.put("longCost", text: String(position.longCost))
      line.put("short", position.shortVolume.hundredths)
      line.put("shortCost", text: String(position.shortCost))
      line.put("trades", list: [position.tradeIds])
      lines.append(line.text)
    }
    for (_, answer) in answers.sorted(by: { $0.key < $1.key }) { lines.append(answer.canonicalLine) }
    for (reference, transfer) in transfers.sorted(by: { $0.key < $1.key }) {
      var line = CanonicalLine("TRANSFER")
      line.put("reference", text: reference)
      line.put("amount", transfer.amount)
      line.put("reason", transfer.reason)
      line.put("balance", transfer.balance)
      lines.append(line.text)
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension OrderAnswer {
  /// The answer as one line of text: the same for every repetition of the order.
  public var canonicalLine: String {
    var line = CanonicalLine("ANSWER", String(orderId), String(batchId), String(time.milliseconds))
    line.put("type", text: request.type.transactionName)
    request.put(in: &line)
    switch outcome {
    case .pending: line.put("outcome", text: "PENDING")
    case .filled(let fill):
      line.put("outcome", text: "FILLED")
      Transaction.Kind.orderFill(fill).put(in: &line)
    case .closedBy(let closeBy):
      line.put("outcome", text: "CLOSED_BY")
      Transaction.Kind.tradeCloseBy(closeBy).put(in: &line)
    case .cancelled(let reason): line.put("outcome", text: "CANCELLED_" + reason.rawValue)
    case .rejected(let reason): line.put("outcome", text: "REJECTED_" + reason.rawValue)
    }
    return line.text
  }
}
