/// An order that waits: a client's pending order, or a market order between its creation and its fill.
public struct PendingOrder: Sendable, Hashable {
  public let id: TransactionID
  public let request: OrderRequest
  /// A stop-limit order whose stop price was reached.
  public internal(set) var isTriggered = false

  /// What it waits for; nil for a market order.
  var trigger: Trigger? {
    let isBuy = request.side == .buy
    switch request.type {
    case .market: return nil
    case .stopLimit where isTriggered: return request.limitPrice.map { Self.limit($0, isBuy: isBuy) }
    case .limit: return request.price.map { Self.limit($0, isBuy: isBuy) }
    case .stop, .stopLimit:
      return request.price.map { Trigger(condition: isBuy ? .askAtOrAbove : .bidAtOrBelow, points: $0.points) }
    }
  }

  private static func limit(_ price: Price, isBuy: Bool) -> Trigger {
    Trigger(condition: isBuy ? .askAtOrBelow : .bidAtOrAbove, points: price.points)
  }
}

/// A take profit, stop loss or trailing stop of an open trade.
public struct LinkedOrder: Sendable, Hashable {
  public let id: TransactionID
  public let terms: LinkedOrderTerms
  public let symbol: Symbol
  /// The side of the trade that it closes.
  public let tradeSide: Side
  /// Where it triggers, in points; a trailing stop's moves.
  public internal(set) var level: Int64

  var fillReason: FillReason {
    switch terms.trigger {
    case .takeProfit: .takeProfitOrder
    case .stopLoss: .stopLossOrder
    case .trailingStop: .trailingStopLossOrder
    }
  }

  /// What closes the trade. Bought trades are closed at the bid, sold ones at the ask.
  var trigger: Trigger {
    let isLong = tradeSide == .buy
    if case .takeProfit = terms.trigger {
      return Trigger(condition: isLong ? .bidAtOrAbove : .askAtOrBelow, points: level)
    }
    return Trigger(condition: isLong ? .bidAtOrBelow : .askAtOrAbove, points: level)
  }

  /// The price at which a trailing stop follows; nil for the others.
  var moveTrigger: Trigger? {
    guard case .trailingStop(let distance, _, let step) = terms.trigger else { return nil }
    return tradeSide == .buy
      ? Trigger(condition: .bidAtOrAbove, points: level + distance + step)
      : Trigger(condition: .askAtOrBelow, points: level - distance - step)
  }
}

/// What became of an order by the end of the command that placed it. A later fill or cancellation is in the ledger.
public enum OrderOutcome: Sendable, Hashable {
  case pending
  case filled(OrderFill)
  case closedBy(TradeCloseBy)
  case cancelled(CancelReason)
  case rejected(RejectReason)
}

/// The answer to a client order id, the same every time that it is asked for.
public struct OrderAnswer: Sendable, Hashable {
  public let request: OrderRequest
  /// The transaction that created or rejected the order.
  public let orderId: TransactionID
  public let batchId: TransactionID
  public let time: Timestamp
  public internal(set) var outcome: OrderOutcome
}
