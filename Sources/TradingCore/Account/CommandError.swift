/// Why a command changed nothing. An order that breaks a rule is not an error but a rejection, which is in the ledger.
public enum CommandError: Error, Hashable, Sendable {
  /// The client order id or the transfer's reference was used for something else; `field` is the first that differs.
  case conflict(field: String)
  /// An order without a client order id could not be told from its repetition.
  case clientOrderIdMissing
  /// The order belongs to another account.
  case wrongAccount
  case orderDoesntExist(TransactionID)
  case tradeDoesntExist(TransactionID)
  /// A take profit, stop loss or trailing distance that is out of range or already on the wrong side of the market.
  case protectionInvalid(field: String)
  /// The withdrawal exceeds the free margin or the balance.
  case insufficientFunds
  /// A quote that is needed is missing; send the command again when there is one.
  case quoteMissing
  /// The amounts cannot be represented.
  case amountOverflow

  init(_ reason: CancelReason) { self = reason == .amountOverflow ? .amountOverflow : .quoteMissing }
}

/// What placing an order led to.
public struct OrderDecision: Sendable, Hashable {
  public let answer: OrderAnswer
  /// To be appended to the ledger; empty when the client order id was answered before.
  public let transactions: [Transaction]

  public var isRepeated: Bool { transactions.isEmpty }
}
