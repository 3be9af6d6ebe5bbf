import FoundationEssentials
import NIOCore
import NIOWebSocket
import TradingCore
import TradingStore

/// A transaction as it is sent to everyone who follows its account.
struct TransactionMessage: Sendable {
  let id: TransactionID
  /// Nil where the account's currency is not known here yet; the ledger is read then.
  let frame: ByteBuffer?
}

/// Writes the messages about accounts.
struct AccountMessages: Sendable {
  let catalog: InstrumentCatalog

  /// The account with everything up to its `lastTransactionId`.
  func account(_ account: Account, in market: Market) -> ByteBuffer {
    struct Message: Encodable {
      let type = "account"
      let account: AccountText
      let trades: [TradeText]
      let orders: [PendingOrderText]
    }
    return frame(
      Message(
        account: AccountText(account, in: market),
        trades: account.trades.values.sorted { $0.id < $1.id }.map { TradeText($0, of: account, in: market) },
        orders: account.orders.values.sorted { $0.id < $1.id }.map { PendingOrderText($0, catalog: catalog) }))
  }

  func transaction(_ transaction: Transaction, of accountId: String, in currency: Currency) -> TransactionMessage {
    struct Message: Encodable {
      let type = "transaction"
      let transaction: TransactionText
    }
    let text = TransactionText(transaction, accountId: accountId, currency: currency, catalog: catalog)
    return TransactionMessage(id: transaction.id, frame: frame(Message(transaction: text)))
  }

  private func frame(_ message: some Encodable) -> ByteBuffer {
    // Nothing in these messages can fail to be encoded.
    .frame(.text, ByteBuffer(bytes: (try? encodeJSON(message)) ?? Data()))
  }
}
