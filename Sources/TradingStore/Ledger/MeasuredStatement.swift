package import TradingCore

/// What the desk sends to the database for one order, for benchmarks that send the same by other means.
package enum MeasuredStatement {
  /// Why there is nothing to measure.
  package struct NoOrder: Error {}

  /// A group with a single command in it.
  ///
  /// - Parameters:
  ///   - transactions: what placing the order led to.
  ///   - digits: of prices of the order's symbol.
  ///   - expected: the account's last transaction before.
  package static func group(
    of transactions: [Transaction], settings: AccountSettings, digits: Int, expected: TransactionID
  ) throws(NoOrder) -> (sql: String, parameters: [String?]) {
    guard let order = transactions.first, let last = transactions.last,
      let receipt = OrderReceipt(order, in: transactions, of: settings, digits: digits)
    else { throw NoOrder() }
    let row = GroupStatement.Row(
      accountId: settings.accountId, expected: expected, revision: 0, last: last.id, isActive: true, fence: nil,
      transactions: transactions, orders: [receipt])
    return (GroupStatement.statement.sql, GroupStatement([row], token: 1).parameters)
  }
}
