import TradingCore

extension NaiveBroker {
  func tick(_ symbol: String, bid: Int64, ask: Int64, at time: Int64) {
    quotes[symbol] = Quote(bid: bid, ask: ask, time: time)
    start(time)
    while let late = orders.filter({ ($0.request?.goodTill?.milliseconds ?? Int64.max) <= now })
      .min(by: { (until($0), $0.id) < (until($1), $1.id) })
    {
      drop(late.id, "TIME_IN_FORCE_EXPIRED")
    }
    if isShut(symbol) == nil {
      var tried: Set<Int64> = []
      while let next = orders.filter({ self.symbol(of: $0) == symbol && !tried.contains($0.id) && wants($0.id) })
        .min(by: { $0.id < $1.id })
      {
        if !fire(next.id) { tried.insert(next.id) }
      }
    }
    afterwards()
  }

  private func until(_ order: Order) -> Int64 { order.request?.goodTill?.milliseconds ?? Int64.max }

  func symbol(of order: Order) -> String? {
    order.request?.symbol.name ?? deals.first { $0.id == order.tradeId }?.symbol
  }

  /// Whether the prices of the moment ask for something to be done about the order.
  func wants(_ id: Int64) -> Bool {
    guard let order = orders.first(where: { $0.id == id }), let symbol = symbol(of: order), let p = prices(symbol)
    else { return false }
    if let request = order.request {
      let isBuy = request.side == .buy
      let price = request.price?.points ?? 0
      switch request.type {
      case .market: return false
      case .limit: return isBuy ? p.ask <= price : p.bid >= price
      case .stop: return isBuy ? p.ask >= price : p.bid <= price
      case .stopLimit:
        guard order.reached else { return isBuy ? p.ask >= price : p.bid <= price }
        let limit = request.limitPrice?.points ?? 0
        return isBuy ? p.ask <= limit : p.bid >= limit
      }
    }
    return closes(order, p) || follows(order, p)
  }

  private func isLong(_ order: Order) -> Bool { deals.first { $0.id == order.tradeId }?.isLong ?? true }

  private func closes(_ order: Order, _ p: (bid: Int64, ask: Int64)) -> Bool {
    if order.kind == "TAKE_PROFIT_ORDER" { return isLong(order) ? p.bid >= order.price : p.ask <= order.price }
    return isLong(order) ? p.bid <= order.price : p.ask >= order.price
  }

  private func follows(_ order: Order, _ p: (bid: Int64, ask: Int64)) -> Bool {
    guard order.kind == "TRAILING_STOP_LOSS_ORDER" else { return false }
    return isLong(order)
      ? p.bid - order.distance >= order.price + order.step : p.ask + order.distance <= order.price - order.step
  }

  @discardableResult func fire(_ id: Int64) -> Bool {
    guard let index = orders.firstIndex(where: { $0.id == id }), let symbol = symbol(of: orders[index]),
      let p = prices(symbol)
    else { return false }
    let order = orders[index]
    if let request = order.request {
      if request.type == .stopLimit, !order.reached {
        write("STOP_LIMIT_TRIGGER", "order=\(id)")
        orders[index].reached = true
        if !wants(id) { return true }
      }
      let reasons: [OrderType: String] = [.limit: "LIMIT_ORDER", .stop: "STOP_ORDER", .stopLimit: "STOP_LIMIT_ORDER"]
      fill(id, request, reasons[request.type] ?? "")
      return true
    }
    guard let deal = deals.first(where: { $0.id == order.tradeId }) else { return false }
    if closes(order, p) {
      let price = deal.isLong ? p.bid : p.ask
      guard let profit = try? result(deal, deal.volume, at: price) else { return false }
      record(id, deal.symbol, !deal.isLong, price, order.kind, [(deal.id, deal.volume, profit)], 0, nil)
      return true
    }
    let level = deal.isLong ? p.bid - order.distance : p.ask + order.distance
    orders[index].price = level
    write("TRAILING_STOP_MOVE", "order=\(id) level=\(level)")
    return true
  }

  func fill(_ id: Int64, _ request: OrderRequest, _ reason: String) {
    let symbol = request.symbol.name
    let isBuy = request.side == .buy
    guard let p = prices(symbol) else { return }
    let price = isBuy ? p.ask : p.bid
    do throws(Refused) {
      var left = request.volume.hundredths
      var closing: [(Deal, Int64)] = []
      let others = deals.filter { $0.symbol == symbol && $0.isLong != isBuy }.sorted { $0.id < $1.id }
      if let target = request.closingTradeId {
        if let deal = deals.first(where: { $0.id == target }) { closing = [(deal, min(left, deal.volume))] }
        left = 0
      } else if request.isReduceOnly || settings.mode == .netting {
        for deal in others where left > 0 {
          closing.append((deal, min(left, deal.volume)))
          left -= min(left, deal.volume)
        }
      }
      if request.isReduceOnly {
        if closing.isEmpty { throw Refused(reason: "NO_POSITION_TO_REDUCE") }
        if left > 0 && request.timeInForce == .fillOrKill { throw Refused(reason: "VOLUME_EXCEEDS_POSITION") }
        left = 0
      }
      if left > 0 {
        let back = isBuy ? p.bid : p.ask
        if let target = request.protection.takeProfit?.points, isBuy ? target <= back : target >= back {
          throw Refused(reason: "LOSING_TAKE_PROFIT")
        }
        if let stop = request.protection.stopLoss?.points, isBuy ? stop >= back : stop <= back {
          throw Refused(reason: "STOP_LOSS_ON_FILL_LOSS")
        }
      }
      var closed: [(Int64, Int64, Int64)] = []
      for (deal, volume) in closing { closed.append((deal.id, volume, try result(deal, volume, at: price))) }
      let same = deals.first { $0.symbol == symbol && $0.isLong == isBuy }
      let grown = settings.mode == .netting && left > 0 && closing.isEmpty ? same?.id : nil
      if left > 0 {
        // What the account would be: play it through on copies.
        var imagined = deals
        for (deal, volume) in closing {
          guard let index = imagined.firstIndex(where: { $0.id == deal.id }) else { continue }
          imagined[index].cost -= share(deal, volume)
          imagined[index].volume -= volume
        }
        imagined.removeAll { $0.volume == 0 }
        imagined.append(
          Deal(
            id: -1, symbol: symbol, isLong: isBuy, volume: left, cost: Int128(price) * Int128(left), opened: now))
        let worth = try worth(imagined, balance + closed.reduce(0) { $0 + $1.2 })
        if worth.equity - worth.used < 0 { throw Refused(reason: "INSUFFICIENT_MARGIN") }
      }
      let fillId = record(id, symbol, isBuy, price, reason, closed, left, grown)
      if left > 0, let deal = deals.first(where: { $0.id == grown ?? fillId }) {
        if grown != nil {
          for old in orders.filter({ $0.request == nil && $0.tradeId == deal.id }).map(\.id).sorted() {
            drop(old, "CLIENT_REQUEST_REPLACED")
          }
        }
        if let target = request.protection.takeProfit { link(deal, "TAKE_PROFIT_ORDER", target.points, "ON_FILL") }
        if let stop = request.protection.stopLoss { link(deal, "STOP_LOSS_ORDER", stop.points, "ON_FILL") }
        if let points = request.protection.trailingDistance {
          link(deal, "TRAILING_STOP_LOSS_ORDER", points, "ON_FILL")
        }
      }
    } catch {
      drop(id, error.reason)
    }
  }

  @discardableResult private func record(
    _ id: Int64, _ symbol: String, _ isBuy: Bool, _ price: Int64, _ reason: String,
    _ closed: [(Int64, Int64, Int64)], _ opened: Int64, _ grown: Int64?
  ) -> Int64 {
    let profit = closed.reduce(0) { $0 + $1.2 }
    balance += profit
    finish(id, "FILLED")
    orders.removeAll { $0.id == id }
    let list = closed.map { "\($0.0):\($0.1):\($0.2)" }.joined(separator: ",")
    let fillId = write(
      "ORDER_FILL",
      "order=\(id) symbol=\(symbol) side=\(isBuy ? "buy" : "sell") price=\(price) reason=\(reason)"
        + (closed.isEmpty ? "" : " closed=\(list)") + " opened=\(opened)"
        + (grown.map { " increased=\($0)" } ?? "") + " profit=\(profit) balance=\(balance)")
    for (tradeId, volume, _) in closed { reduce(tradeId, volume) }
    if opened > 0 {
      let cost = Int128(price) * Int128(opened)
      if let index = deals.firstIndex(where: { $0.id == grown }) {
        deals[index].volume += opened
        deals[index].cost += cost
      } else {
        deals.append(Deal(id: fillId, symbol: symbol, isLong: isBuy, volume: opened, cost: cost, opened: now))
      }
    }
    dropLinked(ofClosed: closed.map(\.0))
    return fillId
  }

  func reduce(_ tradeId: Int64, _ volume: Int64) {
    guard let index = deals.firstIndex(where: { $0.id == tradeId }) else { return }
    deals[index].cost -= share(deals[index], volume)
    deals[index].volume -= volume
    if deals[index].volume == 0 { deals.remove(at: index) }
  }

  func dropLinked(ofClosed tradeIds: [Int64]) {
    for tradeId in tradeIds where !deals.contains(where: { $0.id == tradeId }) {
      for id in orders.filter({ $0.request == nil && $0.tradeId == tradeId }).map(\.id).sorted() {
        drop(id, "LINKED_TRADE_CLOSED")
      }
    }
  }

  func link(_ deal: Deal, _ kind: String, _ value: Int64, _ reason: String) {
    guard let p = prices(deal.symbol), let instrument = instrument(deal.symbol) else { return }
    var order = Order(id: 0, request: nil, tradeId: deal.id, kind: kind, price: value)
    var fields = "price=\(value)"
    if kind == "TRAILING_STOP_LOSS_ORDER" {
      order.distance = value
      order.step = max(1, instrument.trailingStep)
      order.price = deal.isLong ? p.bid - value : p.ask + value
      fields = "distance=\(value) level=\(order.price) step=\(order.step)"
    }
    order.id = write(kind, "trade=\(deal.id) reason=\(reason) \(fields)")
    orders.append(order)
  }

  func drop(_ id: Int64, _ reason: String) {
    finish(id, "CANCELLED_\(reason)")
    orders.removeAll { $0.id == id }
    write("ORDER_CANCEL", "order=\(id) reason=\(reason)")
  }

  func finish(_ id: Int64, _ outcome: String) {
    if let index = answers.firstIndex(where: { $0.orderId == id && $0.batch == batch }) {
      answers[index].outcome = outcome
    }
    orders.removeAll { $0.id == id }
  }

  /// Margin call, stop-out, negative balance.
  func afterwards() {
    func level() -> (equity: Int64, used: Int64)? { try? worth(deals, balance) }
    func isBelow(_ worth: (equity: Int64, used: Int64), _ percent: Int64) -> Bool {
      worth.used > 0 && Fraction(Int128(worth.equity), Int128(worth.used)) < Fraction(Int128(percent), 100)
    }
    if var worth = level() {
      if !isCalled, isBelow(worth, settings.marginCallPercent) {
        isCalled = true
        write("MARGIN_CALL_ENTER", "equity=\(worth.equity) marginUsed=\(worth.used)")
      }
      while isBelow(worth, settings.stopOutPercent) {
        var candidates: [(profit: Int64, deal: Deal)] = []
        for deal in deals where isShut(deal.symbol) == nil {
          guard let p = prices(deal.symbol),
            let profit = try? result(deal, deal.volume, at: deal.isLong ? p.bid : p.ask)
          else { continue }
          candidates.append((profit, deal))
        }
        guard let worst = candidates.min(by: { ($0.profit, $0.deal.id) < ($1.profit, $1.deal.id) })?.deal else { break }
        let request = OrderRequest(
          accountId: settings.accountId, clientOrderId: "", symbol: Symbol(worst.symbol),
          side: worst.isLong ? .sell : .buy, type: .market, volume: Volume(hundredths: worst.volume),
          closingTradeId: worst.id)
        let id = write("MARKET_ORDER", "reason=MARGIN_CLOSEOUT \(text(request))")
        orders.append(Order(id: id, request: request))
        fill(id, request, "MARKET_ORDER_MARGIN_CLOSEOUT")
        guard let next = level() else { break }
        worth = next
      }
      if isCalled, !isBelow(worth, settings.marginCallPercent) {
        isCalled = false
        write("MARGIN_CALL_EXIT", "equity=\(worth.equity) marginUsed=\(worth.used)")
      }
    }
    if settings.hasNegativeBalanceProtection, deals.isEmpty, balance < 0 {
      let amount = -balance
      balance = 0
      write("TRANSFER_FUNDS", "amount=\(amount) reason=NEGATIVE_BALANCE_PROTECTION reference= balance=0")
    }
  }
}
