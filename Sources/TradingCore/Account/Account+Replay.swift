/// A ledger that cannot be what an account wrote.
public enum ReplayError: Error, Hashable, Sendable {
  /// The ledger does not start with CREATE.
  case notCreated
  /// The ids have a gap or repeat; `expected` is the next one.
  case outOfOrder(expected: TransactionID, found: TransactionID)
  /// The transaction names an order or a trade that is not there.
  case unknownReference(transaction: TransactionID)
  /// The balance it states is not the one before plus what it books.
  case balanceMismatch(transaction: TransactionID)
}

extension Account {
  /// Rebuilds an account from its whole ledger.
  public init(replaying ledger: some Sequence<Transaction>) throws(ReplayError) {
    var account: Account?
    for transaction in ledger {
      if account == nil {
        guard transaction.id == 1, case .create(let settings) = transaction.kind else { throw .notCreated }
        account = Account(created: settings)
      } else {
        try account?.apply(transaction)
      }
    }
    guard let account else { throw .notCreated }
    self = account
  }

  /// Takes over the ledger's next transaction, written by this or another replica.
  public mutating func apply(_ transaction: Transaction) throws(ReplayError) {
    guard transaction.id == lastTransactionId + 1 else {
      throw .outOfOrder(expected: lastTransactionId + 1, found: transaction.id)
    }
    guard refersToWhatIsThere(transaction.kind) else { throw .unknownReference(transaction: transaction.id) }
    if let (booked, stated) = Self.booking(transaction.kind) {
      guard (try? balance.adding(booked)) == stated else { throw .balanceMismatch(transaction: transaction.id) }
    }
    fold(transaction)
  }

  private func refersToWhatIsThere(_ kind: Transaction.Kind) -> Bool {
    switch kind {
    case .create: false
    case .stopLimitTrigger(let id): orders[id] != nil
    case .orderCancel(let id, _): orders[id] != nil || linkedOrders[id] != nil
    case .trailingStopMove(let id, _): linkedOrders[id]?.moveTrigger != nil
    case .linkedOrderCreate(let terms, _): trades[terms.tradeId] != nil
    case .tradeCloseBy(let closeBy):
      has(closeBy.tradeId, closeBy.volume) && has(closeBy.oppositeTradeId, closeBy.volume)
        && orders[closeBy.orderId] != nil
    case .orderFill(let fill):
      (orders[fill.orderId] != nil || linkedOrders[fill.orderId] != nil)
        && fill.closures.allSatisfy { has($0.tradeId, $0.volume) }
        && (fill.increasedTradeId.map { trades[$0]?.side == fill.side } ?? true)
    case .transferFunds, .orderCreate, .orderReject, .dailyFinancing, .marginCallEnter, .marginCallExit: true
    }
  }

  private func has(_ tradeId: TransactionID, _ volume: Volume) -> Bool {
    (trades[tradeId]?.volume).map { $0 >= volume } ?? false
  }

  /// What the transaction books and the balance that it states; nil when it books nothing.
  private static func booking(_ kind: Transaction.Kind) -> (booked: Money, stated: Money)? {
    switch kind {
    case .transferFunds(let transfer): (transfer.amount, transfer.balance)
    case .orderFill(let fill): (fill.profit, fill.balance)
    case .tradeCloseBy(let closeBy): (closeBy.profit, closeBy.balance)
    case .dailyFinancing(let financing): (financing.total, financing.balance)
    default: nil
    }
  }
}
