/// The transactions of one command or tick while they are made.
struct Batch {
  let time: Timestamp
  private(set) var transactions: [Transaction] = []

  init(at time: Timestamp) { self.time = time }

  fileprivate mutating func append(_ transaction: Transaction) { transactions.append(transaction) }
}

extension Account {
  /// Writes a transaction and changes the state by it. Everything that may fail has been computed before.
  @discardableResult
  mutating func post(_ kind: Transaction.Kind, in batch: inout Batch) -> TransactionID {
    let id = lastTransactionId + 1
    let transaction = Transaction(
      id: id, batchId: batch.transactions.first?.id ?? id, time: batch.time, kind: kind)
    batch.append(transaction)
    fold(transaction)
    return id
  }
}
