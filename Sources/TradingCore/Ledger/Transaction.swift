/// The number of a transaction within its account: 1, 2, 3 without gaps. An order and a trade have the id of the
/// transaction that created them, as in OANDA's v20 API.
public typealias TransactionID = Int64

/// One entry of an account's append-only ledger.
///
/// The kinds are modelled on OANDA v20's TransactionType. The state of an account is the fold of its transactions and of
/// nothing else.
public struct Transaction: Sendable, Hashable {
  public let id: TransactionID
  /// The id of the first transaction that the same command or tick led to.
  public let batchId: TransactionID
  public let time: Timestamp
  public let kind: Kind

  public init(id: TransactionID, batchId: TransactionID, time: Timestamp, kind: Kind) {
    self.id = id
    self.batchId = batchId
    self.time = time
    self.kind = kind
  }

  /// What happened.
  public enum Kind: Sendable, Hashable {
    /// CREATE: always the first.
    case create(AccountSettings)
    /// TRANSFER_FUNDS: a deposit, a withdrawal or an adjustment.
    case transferFunds(FundTransfer)
    /// MARKET_ORDER, LIMIT_ORDER, STOP_ORDER, STOP_LIMIT_ORDER.
    case orderCreate(OrderRequest, OrderCreateReason)
    /// MARKET_ORDER_REJECT and so on. It stands in the ledger so that a retry gets the same answer.
    case orderReject(OrderRequest, RejectReason)
    /// STOP_LIMIT_TRIGGER: the stop price was reached and the order is a limit order from now on. (Not OANDA's, which has
    /// no stop-limit orders.)
    case stopLimitTrigger(orderId: TransactionID)
    /// ORDER_FILL.
    case orderFill(OrderFill)
    /// TRADE_CLOSE_BY: two opposite trades close each other (MetaTrader 5's close by).
    case tradeCloseBy(TradeCloseBy)
    /// ORDER_CANCEL.
    case orderCancel(orderId: TransactionID, CancelReason)
    /// TAKE_PROFIT_ORDER, STOP_LOSS_ORDER, TRAILING_STOP_LOSS_ORDER: an order that closes its trade.
    case linkedOrderCreate(LinkedOrderTerms, OrderCreateReason)
    /// TRAILING_STOP_MOVE: the trailing stop followed the price. In the ledger, so that a replica that takes over knows
    /// how far it had come.
    case trailingStopMove(orderId: TransactionID, level: Int64)
    /// DAILY_FINANCING: the swaps of one rollover.
    case dailyFinancing(DailyFinancing)
    /// MARGIN_CALL_ENTER: the margin level fell below the account's margin-call level.
    case marginCallEnter(equity: Money, marginUsed: Money)
    /// MARGIN_CALL_EXIT: it is back at the level or above, or no margin is used any more.
    case marginCallExit(equity: Money, marginUsed: Money)
  }
}

/// Money moved to or from the account.
public struct FundTransfer: Sendable, Hashable {
  /// Why (OANDA v20, FundingReason).
  public enum Reason: String, Sendable, Hashable, CaseIterable {
    case clientFunding = "CLIENT_FUNDING"
    case adjustment = "ADJUSTMENT"
    /// The dealer takes over what the client lost beyond the deposit.
    case negativeBalanceProtection = "NEGATIVE_BALANCE_PROTECTION"
  }
  /// Negative for a withdrawal.
  public let amount: Money
  public let reason: Reason
  /// The funder's own id. The same one moves money once.
  public let reference: String
  /// The account's balance afterwards.
  public let balance: Money
}

/// An execution: what it closed, what it opened, and what that earned.
public struct OrderFill: Sendable, Hashable {
  /// One trade that was closed, whole or in part.
  public struct Closure: Sendable, Hashable {
    public let tradeId: TransactionID
    public let volume: Volume
    /// In the account's currency.
    public let profit: Money
  }
  public let orderId: TransactionID
  public let symbol: Symbol
  public let side: Side
  /// The dealer's price including the group's markup.
  public let price: Price
  public let reason: FillReason
  public let closures: [Closure]
  /// What was opened: a new trade with this transaction's id, or more of `increasedTradeId`.
  public let openedVolume: Volume
  /// The position of a netting account that grew.
  public let increasedTradeId: TransactionID?
  /// The sum of the closures' profits.
  public let profit: Money
  /// The account's balance afterwards.
  public let balance: Money

  /// Everything that was dealt: closed and opened.
  public var volume: Volume {
    Volume(hundredths: closures.reduce(openedVolume.hundredths) { $0 + $1.volume.hundredths })
  }
}

/// Two opposite trades of a symbol that closed each other at their own opening prices.
public struct TradeCloseBy: Sendable, Hashable {
  public let orderId: TransactionID
  public let tradeId: TransactionID
  public let oppositeTradeId: TransactionID
  public let volume: Volume
  public let profit: Money
  public let balance: Money
}

/// An order that closes the trade it belongs to, always whole.
public struct LinkedOrderTerms: Sendable, Hashable {
  /// When it closes. Prices in points.
  public enum Trigger: Sendable, Hashable {
    case takeProfit(price: Int64)
    case stopLoss(price: Int64)
    /// `level` is where it starts; it moves when the market is `step` points better than the last move.
    case trailingStop(distance: Int64, level: Int64, step: Int64)
  }
  public let tradeId: TransactionID
  public let trigger: Trigger
}

/// The swaps that one rollover booked.
public struct DailyFinancing: Sendable, Hashable {
  /// One trade's swap.
  public struct Item: Sendable, Hashable {
    public let tradeId: TransactionID
    /// Negative when the client pays.
    public let amount: Money
  }
  /// The moment that the trades were held over.
  public let rollover: Timestamp
  public let nights: Int64
  public let items: [Item]
  public let total: Money
  public let balance: Money
}
