import TradingCore

extension NaiveBroker {
  /// The answer as "orderId outcome", or "conflict field".
  func place(_ request: OrderRequest, at time: Int64) -> String {
    if let known = answers.first(where: { $0.request.clientOrderId == request.clientOrderId }) {
      if let field = request.fieldDiffering(from: known.request) { return "conflict \(field)" }
      return "\(known.orderId) \(known.outcome)"
    }
    start(time)
    if let reason = broken(request) {
      let id = write(name(request.type) + "_REJECT", "reason=\(reason) \(text(request))")
      answers.append(Answer(request: request, orderId: id, batch: batch, outcome: "REJECTED_\(reason)"))
      return "\(id) REJECTED_\(reason)"
    }
    if let old = request.replacedOrderId { drop(old, "CLIENT_REQUEST_REPLACED") }
    let why =
      request.closingTradeId != nil ? "TRADE_CLOSE" : request.replacedOrderId != nil ? "REPLACEMENT" : "CLIENT_ORDER"
    let id = write(name(request.type), "reason=\(why) \(text(request))")
    orders.append(Order(id: id, request: request))
    answers.append(Answer(request: request, orderId: id, batch: batch, outcome: "PENDING"))
    begin(id, request)
    afterwards()
    return "\(id) \(answers.last?.outcome ?? "")"
  }

  private func begin(_ id: Int64, _ request: OrderRequest) {
    let symbol = request.symbol.name
    if let one = deals.first(where: { $0.id == request.closingTradeId }),
      let other = deals.first(where: { $0.id == request.closeByTradeId })
    {
      let volume = min(request.volume.hundredths, other.volume)
      let (long, short) = one.isLong ? (one, other) : (other, one)
      do throws(Refused) {
        let profit = try money(Fraction(share(short, volume) - share(long, volume)), symbol)
        balance += profit
        finish(id, "CLOSED_BY")
        write(
          "TRADE_CLOSE_BY",
          "order=\(id) trade=\(one.id) opposite=\(other.id) volume=\(volume) profit=\(profit) balance=\(balance)")
        reduce(one.id, volume)
        reduce(other.id, volume)
        dropLinked(ofClosed: [one.id, other.id])
      } catch {
        drop(id, error.reason)
      }
      return
    }
    let atOnce = request.timeInForce == .fillOrKill || request.timeInForce == .immediateOrCancel
    if let reason = isShut(symbol) {
      if atOnce { drop(id, reason) }
      return
    }
    guard let prices = prices(symbol) else { return }
    if request.type == .market {
      if let limit = request.maximumDeviation, let seen = request.price?.points {
        if (request.side == .buy && prices.ask > seen + limit) || (request.side == .sell && prices.bid < seen - limit) {
          drop(id, "BOUNDS_VIOLATION")
          return
        }
      }
      fill(id, request, request.closingTradeId == nil ? "MARKET_ORDER" : "MARKET_ORDER_TRADE_CLOSE")
    } else if wants(id) {
      fire(id)
    } else if atOnce {
      drop(id, "TIME_IN_FORCE_EXPIRED")
    }
  }

  func cancel(_ id: Int64, at time: Int64) -> Bool {
    guard orders.contains(where: { $0.id == id }) else { return false }
    start(time)
    drop(id, "CLIENT_REQUEST")
    return true
  }

  func modify(_ tradeId: Int64, _ wish: TradeProtection, at time: Int64) -> Bool {
    guard let deal = deals.first(where: { $0.id == tradeId }), let prices = prices(deal.symbol) else { return false }
    func current(_ kind: String) -> Order? { orders.first { $0.tradeId == tradeId && $0.kind == kind } }
    let close = deal.isLong ? prices.bid : prices.ask
    let isBad: (Int64, Bool) -> Bool = { price, above in
      !(1...1_000_000_000).contains(price) || (above ? price <= close : price >= close)
    }
    let (profit, loss, trail) = (
      current("TAKE_PROFIT_ORDER"), current("STOP_LOSS_ORDER"), current("TRAILING_STOP_LOSS_ORDER")
    )
    if let price = wish.takeProfit?.points, price != profit?.price, isBad(price, deal.isLong) { return false }
    if let price = wish.stopLoss?.points, price != loss?.price, isBad(price, !deal.isLong) { return false }
    start(time)
    func set(_ kind: String, _ old: Order?, _ oldValue: Int64?, _ newValue: Int64?) {
      if oldValue == newValue { return }
      if let old { drop(old.id, newValue == nil ? "CLIENT_REQUEST" : "CLIENT_REQUEST_REPLACED") }
      if let newValue { link(deal, kind, newValue, old == nil ? "CLIENT_ORDER" : "REPLACEMENT") }
    }
    set("TAKE_PROFIT_ORDER", profit, profit?.price, wish.takeProfit?.points)
    set("STOP_LOSS_ORDER", loss, loss?.price, wish.stopLoss?.points)
    set("TRAILING_STOP_LOSS_ORDER", trail, trail?.distance, wish.trailingDistance)
    return true
  }

  func transfer(_ amount: Int64, _ reference: String, at time: Int64) -> Bool {
    if let known = references.first(where: { $0.reference == reference }) { return known.amount == amount }
    if amount < 0 {
      if balance + amount < 0 { return false }
      if !deals.isEmpty {
        guard let worth = try? worth(deals, balance + amount), worth.equity - worth.used >= 0 else { return false }
      }
    }
    start(time)
    balance += amount
    references.append((reference, amount))
    write("TRANSFER_FUNDS", "amount=\(amount) reason=CLIENT_FUNDING reference=\(reference) balance=\(balance)")
    afterwards()
    return true
  }

  func rollover(_ moment: Int64, at time: Int64) -> Bool {
    if moment <= lastRollover { return true }
    let day = (((moment / 86_400_000) + 4) % 7 + 7) % 7
    var items: [(Int64, Int64)] = []
    var most: Int64 = 0
    for deal in deals.sorted(by: { $0.id < $1.id }) where deal.opened < moment {
      guard let instrument = instrument(deal.symbol) else { continue }
      let nights: Int64 = day == 0 || day == 6 ? 0 : day == Int64(instrument.swap.tripleDay.rawValue) ? 3 : 1
      let rate = deal.isLong ? instrument.swap.longHundredths : instrument.swap.shortHundredths
      if nights * rate == 0 { continue }
      most = max(most, nights)
      guard let amount = try? money(Fraction(Int128(rate * nights * deal.volume), 100), deal.symbol) else {
        return false
      }
      items.append((deal.id, amount))
    }
    if items.isEmpty { return true }
    start(time)
    lastRollover = moment
    let total = items.reduce(0) { $0 + $1.1 }
    balance += total
    let list = items.map { "\($0.0):\($0.1)" }.joined(separator: ",")
    write(
      "DAILY_FINANCING", "rollover=\(moment) nights=\(most) items=\(list) total=\(total) balance=\(balance)")
    afterwards()
    return true
  }

  // MARK: - Rules of a request

  private func broken(_ r: OrderRequest) -> String? {
    guard let instrument = instrument(r.symbol.name) else { return "INSTRUMENT_UNKNOWN" }
    let volume = r.volume.hundredths
    let least = r.closingTradeId == nil ? instrument.minimumVolume.hundredths : 1
    if volume < max(1, least) { return "VOLUME_MINIMUM_NOT_MET" }
    if r.closingTradeId == nil, volume > instrument.maximumVolume.hundredths { return "VOLUME_LIMIT_EXCEEDED" }
    if volume % instrument.volumeStep.hundredths != 0 { return "VOLUME_PRECISION_EXCEEDED" }
    let valid: (Int64) -> Bool = { $0 >= 1 && $0 <= 1_000_000_000 }
    if let price = r.price?.points, !valid(price) { return "PRICE_INVALID" }
    if r.type != .market && r.price == nil { return "PRICE_MISSING" }
    if r.type == .stopLimit && r.limitPrice == nil { return "LIMIT_PRICE_MISSING" }
    if let limit = r.limitPrice?.points, r.type != .stopLimit || !valid(limit) { return "LIMIT_PRICE_INVALID" }
    if let deviation = r.maximumDeviation, r.type != .market || r.price == nil || deviation < 0 {
      return "PRICE_BOUND_INVALID"
    }
    let isAtOnce = r.timeInForce == .fillOrKill || r.timeInForce == .immediateOrCancel
    if r.type == .market && !isAtOnce { return "TIME_IN_FORCE_INVALID" }
    if (r.type == .stop || r.type == .stopLimit) && isAtOnce { return "TIME_IN_FORCE_INVALID" }
    if r.timeInForce != .goodTillDate && r.goodTill != nil { return "TIME_IN_FORCE_INVALID" }
    if r.timeInForce == .goodTillDate {
      guard let until = r.goodTill else { return "TIME_IN_FORCE_GTD_TIMESTAMP_MISSING" }
      if until.milliseconds <= now { return "TIME_IN_FORCE_GTD_TIMESTAMP_IN_PAST" }
    }
    if let price = r.protection.takeProfit?.points, !valid(price) { return "TAKE_PROFIT_ON_FILL_PRICE_INVALID" }
    if let price = r.protection.stopLoss?.points, !valid(price) { return "STOP_LOSS_ON_FILL_PRICE_INVALID" }
    if let points = r.protection.trailingDistance, !valid(points) {
      return "TRAILING_STOP_LOSS_ON_FILL_PRICE_DISTANCE_INVALID"
    }
    if r.closingTradeId == nil && r.closeByTradeId != nil { return "TRADE_IDENTIFIER_INCONSISTENCY" }
    if r.closingTradeId != nil {
      if r.type != .market || r.isReduceOnly || r.protection != .none || r.replacedOrderId != nil {
        return "TRADE_IDENTIFIER_INCONSISTENCY"
      }
    }
    if let old = r.replacedOrderId {
      if !orders.contains(where: { $0.id == old && $0.request?.symbol == r.symbol }) { return "ORDER_DOESNT_EXIST" }
    }
    if let id = r.closingTradeId {
      guard let deal = deals.first(where: { $0.id == id }) else { return "TRADE_DOESNT_EXIST" }
      if deal.symbol != r.symbol.name || deal.isLong == (r.side == .buy) { return "TRADE_IDENTIFIER_INCONSISTENCY" }
      if volume > deal.volume { return "CLOSE_TRADE_VOLUME_EXCEEDS_TRADE_SIZE" }
      if let by = r.closeByTradeId {
        if settings.mode == .netting { return "CLOSE_BY_NOT_ALLOWED" }
        guard let other = deals.first(where: { $0.id == by }) else { return "TRADE_DOESNT_EXIST" }
        if other.symbol != deal.symbol || other.isLong == deal.isLong { return "TRADE_IDENTIFIER_INCONSISTENCY" }
      }
    }
    return nil
  }

  func name(_ type: OrderType) -> String {
    [.market: "MARKET_ORDER", .limit: "LIMIT_ORDER", .stop: "STOP_ORDER", .stopLimit: "STOP_LIMIT_ORDER"][type] ?? ""
  }

  func text(_ r: OrderRequest) -> String {
    var parts = [
      "client=\(r.clientOrderId)", "symbol=\(r.symbol.name)", "side=\(r.side.rawValue)",
      "volume=\(r.volume.hundredths)",
    ]
    func add(_ key: String, _ value: Int64?) { if let value { parts.append("\(key)=\(value)") } }
    add("price", r.price?.points)
    add("limit", r.limitPrice?.points)
    parts.append("tif=\(r.timeInForce.rawValue)")
    add("until", r.goodTill?.milliseconds)
    add("deviation", r.maximumDeviation)
    add("reduceOnly", r.isReduceOnly ? 1 : nil)
    add("takeProfit", r.protection.takeProfit?.points)
    add("stopLoss", r.protection.stopLoss?.points)
    add("trailing", r.protection.trailingDistance)
    add("closes", r.closingTradeId)
    add("closeBy", r.closeByTradeId)
    add("replaces", r.replacedOrderId)
    return parts.joined(separator: " ")
  }
}
