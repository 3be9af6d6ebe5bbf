/// One account's state: the fold of its transactions.
///
/// A command or a tick goes in, transactions come out, and nothing else changes the state: whatever is stored can be
/// replayed to identical bytes (`canonicalState`). The clock and the quotes are arguments.
public struct Account: Sendable {
  public private(set) var settings: AccountSettings
  /// Deposits and everything booked since; open trades are not in it.
  public private(set) var balance = Money.zero
  public private(set) var lastTransactionId: TransactionID = 0
  /// Waiting orders by id.
  public private(set) var orders: [TransactionID: PendingOrder] = [:]
  /// Take profits, stop losses and trailing stops by id.
  public private(set) var linkedOrders: [TransactionID: LinkedOrder] = [:]
  /// Open trades by id.
  public private(set) var trades: [TransactionID: Trade] = [:]
  public private(set) var positions: [Symbol: Position] = [:]
  public private(set) var isInMarginCall = false
  /// The last rollover that was charged.
  public private(set) var lastRollover: Timestamp?
  /// Every answer given since the account was made or its answers were forgotten, by client order id.
  public private(set) var answers: [String: OrderAnswer] = [:]
  /// Every transfer made under a reference.
  public private(set) var transfers: [String: FundTransfer] = [:]

  private(set) var books: [Symbol: TriggerBook] = [:]
  /// Times in milliseconds at which orders expire.
  private(set) var expiries = TriggerLevels()

  /// Opens an account; the CREATE transaction is the first of its ledger.
  public static func open(_ settings: AccountSettings, at time: Timestamp) -> (account: Account, created: Transaction) {
    let created = Transaction(id: 1, batchId: 1, time: time, kind: .create(settings))
    return (Account(created: settings), created)
  }

  init(created settings: AccountSettings) {
    self.settings = settings
    lastTransactionId = 1
  }
}

// MARK: - The fold

extension Account {
  /// Changes the state by one transaction. The only place where state changes.
  mutating func fold(_ transaction: Transaction) {
    let id = transaction.id
    lastTransactionId = id
    switch transaction.kind {
    case .create(let settings): self.settings = settings
    case .transferFunds(let transfer):
      balance = transfer.balance
      if !transfer.reference.isEmpty { transfers[transfer.reference] = transfer }
    case .orderCreate(let request, _):
      let order = PendingOrder(id: id, request: request)
      orders[id] = order
      index(order)
      answer(request, transaction, .pending)
    case .orderReject(let request, let reason): answer(request, transaction, .rejected(reason))
    case .stopLimitTrigger(let orderId): triggerStopLimit(orderId)
    case .orderFill(let fill):
      settle(fill.orderId, transaction, .filled(fill))
      removeLinked(fill.orderId)
      fold(fill, transaction)
    case .tradeCloseBy(let closeBy):
      settle(closeBy.orderId, transaction, .closedBy(closeBy))
      reduce(closeBy.tradeId, by: closeBy.volume)
      reduce(closeBy.oppositeTradeId, by: closeBy.volume)
      balance = closeBy.balance
    case .orderCancel(let orderId, let reason):
      settle(orderId, transaction, .cancelled(reason))
      removeLinked(orderId)
    case .linkedOrderCreate(let terms, _): addLinked(terms, id: id)
    case .trailingStopMove(let orderId, let level): moveTrailingStop(orderId, to: level)
    case .dailyFinancing(let financing):
      lastRollover = financing.rollover
      balance = financing.balance
    case .marginCallEnter: isInMarginCall = true
    case .marginCallExit: isInMarginCall = false
    }
  }

  private mutating func index(_ order: PendingOrder) {
    if let trigger = order.trigger {
      books[order.request.symbol, default: TriggerBook()].insert(trigger, id: order.id)
    }
    if let until = order.request.goodTill { expiries.insert(TriggerLevel(key: until.milliseconds, id: order.id)) }
  }

  private mutating func fold(_ fill: OrderFill, _ transaction: Transaction) {
    for closure in fill.closures { reduce(closure.tradeId, by: closure.volume) }
    balance = fill.balance
    let opened = fill.openedVolume.hundredths
    guard opened > 0 else { return }
    let cost = Int128(fill.price.points) * Int128(opened)
    if let tradeId = fill.increasedTradeId, var trade = trades[tradeId] {
      trade.volume = Volume(hundredths: trade.volume.hundredths + opened)
      trade.cost += cost
      trades[tradeId] = trade
    } else {
      trades[transaction.id] = Trade(
        id: transaction.id, symbol: fill.symbol, side: fill.side, volume: fill.openedVolume, cost: cost,
        openTime: transaction.time)
      positions[fill.symbol, default: Position()].tradeIds.append(transaction.id)
    }
    positions[fill.symbol]?.add(fill.side, volume: opened, cost: cost)
  }

  private mutating func reduce(_ tradeId: TransactionID, by volume: Volume) {
    // The share was computed before the transaction was posted, so it fits.
    guard var trade = trades[tradeId], let share = try? trade.costShare(of: volume) else { return }
    positions[trade.symbol]?.add(trade.side, volume: -volume.hundredths, cost: -share)
    if volume < trade.volume {
      trade.volume = Volume(hundredths: trade.volume.hundredths - volume.hundredths)
      trade.cost -= share
      trades[tradeId] = trade
      return
    }
    trades[tradeId] = nil
    positions[trade.symbol]?.tradeIds.removeAll { $0 == tradeId }
    if positions[trade.symbol]?.tradeIds.isEmpty == true { positions[trade.symbol] = nil }
  }

  private mutating func answer(_ request: OrderRequest, _ transaction: Transaction, _ outcome: OrderOutcome) {
    guard !request.clientOrderId.isEmpty else { return }
    answers[request.clientOrderId] = OrderAnswer(
      request: request, orderId: transaction.id, batchId: transaction.batchId, time: transaction.time, outcome: outcome)
  }

  /// Takes a client's order off the books; the answer is final with the batch that gave it.
  private mutating func settle(_ orderId: TransactionID, _ transaction: Transaction, _ outcome: OrderOutcome) {
    guard let order = orders.removeValue(forKey: orderId) else { return }
    if let trigger = order.trigger { removeTrigger(trigger, of: order.request.symbol, id: orderId) }
    if let until = order.request.goodTill { expiries.remove(TriggerLevel(key: until.milliseconds, id: orderId)) }
    let client = order.request.clientOrderId
    if answers[client]?.orderId == orderId, answers[client]?.batchId == transaction.batchId {
      answers[client]?.outcome = outcome
    }
  }

  private mutating func triggerStopLimit(_ orderId: TransactionID) {
    guard var order = orders[orderId] else { return }
    if let trigger = order.trigger { removeTrigger(trigger, of: order.request.symbol, id: orderId) }
    order.isTriggered = true
    if let trigger = order.trigger { books[order.request.symbol, default: TriggerBook()].insert(trigger, id: orderId) }
    orders[orderId] = order
  }

  private mutating func removeTrigger(_ trigger: Trigger, of symbol: Symbol, id: TransactionID) {
    books[symbol]?.remove(trigger, id: id)
    if books[symbol]?.isEmpty == true { books[symbol] = nil }
  }
}

// MARK: - Linked orders

extension Account {
  private mutating func addLinked(_ terms: LinkedOrderTerms, id: TransactionID) {
    guard let trade = trades[terms.tradeId] else { return }
    let level: Int64
    switch terms.trigger {
    case .takeProfit(let price):
      level = price
      trades[terms.tradeId]?.takeProfitId = id
    case .stopLoss(let price):
      level = price
      trades[terms.tradeId]?.stopLossId = id
    case .trailingStop(_, let start, _):
      level = start
      trades[terms.tradeId]?.trailingStopId = id
    }
    let order = LinkedOrder(id: id, terms: terms, symbol: trade.symbol, tradeSide: trade.side, level: level)
    linkedOrders[id] = order
    insertTriggers(of: order)
  }

  private mutating func removeLinked(_ id: TransactionID) {
    guard let order = linkedOrders.removeValue(forKey: id) else { return }
    removeTriggers(of: order)
    let tradeId = order.terms.tradeId
    switch order.terms.trigger {
    case .takeProfit: trades[tradeId]?.takeProfitId = nil
    case .stopLoss: trades[tradeId]?.stopLossId = nil
    case .trailingStop: trades[tradeId]?.trailingStopId = nil
    }
  }

  private mutating func moveTrailingStop(_ id: TransactionID, to level: Int64) {
    guard var order = linkedOrders[id] else { return }
    removeTriggers(of: order)
    order.level = level
    linkedOrders[id] = order
    insertTriggers(of: order)
  }

  private mutating func insertTriggers(of order: LinkedOrder) {
    books[order.symbol, default: TriggerBook()].insert(order.trigger, id: order.id)
    if let move = order.moveTrigger { books[order.symbol]?.insert(move, id: order.id) }
  }

  private mutating func removeTriggers(of order: LinkedOrder) {
    removeTrigger(order.trigger, of: order.symbol, id: order.id)
    if let move = order.moveTrigger { removeTrigger(move, of: order.symbol, id: order.id) }
  }
}

// MARK: - Snapshots

extension Account {
  /// Drops the answers, for a keeper that stores them elsewhere and looks client order ids up before `place`. Without
  /// this an account would grow with every order for ever.
  public mutating func forgetAnswers() { answers = [:] }

  mutating func restoreHead(
    balance: Money, lastTransactionId: TransactionID, isInMarginCall: Bool, lastRollover: Timestamp?
  ) {
    self.balance = balance
    self.lastTransactionId = lastTransactionId
    self.isInMarginCall = isInMarginCall
    self.lastRollover = lastRollover
  }

  mutating func restore(order: PendingOrder) {
    orders[order.id] = order
    index(order)
  }

  /// The trades of a symbol have to come in the order of their ids.
  mutating func restore(trade: Trade) {
    trades[trade.id] = trade
    positions[trade.symbol, default: Position()].tradeIds.append(trade.id)
    positions[trade.symbol]?.add(trade.side, volume: trade.volume.hundredths, cost: trade.cost)
  }

  /// Nothing happens when the trade is not there.
  mutating func restore(linkedId id: TransactionID, terms: LinkedOrderTerms, level: Int64) {
    guard let trade = trades[terms.tradeId] else { return }
    let order = LinkedOrder(id: id, terms: terms, symbol: trade.symbol, tradeSide: trade.side, level: level)
    linkedOrders[id] = order
    insertTriggers(of: order)
  }

  mutating func restore(transfer: FundTransfer) { transfers[transfer.reference] = transfer }
}
