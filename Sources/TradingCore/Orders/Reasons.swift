/// Why an order was refused before it was created. The names are those of OANDA v20's TransactionRejectReason where it has
/// one; those of volumes say VOLUME where OANDA says UNITS.
public enum RejectReason: String, Error, Sendable, Hashable, CaseIterable {
  case instrumentUnknown = "INSTRUMENT_UNKNOWN"
  case volumeMinimumNotMet = "VOLUME_MINIMUM_NOT_MET"
  case volumeLimitExceeded = "VOLUME_LIMIT_EXCEEDED"
  case volumePrecisionExceeded = "VOLUME_PRECISION_EXCEEDED"
  case priceMissing = "PRICE_MISSING"
  case priceInvalid = "PRICE_INVALID"
  case limitPriceMissing = "LIMIT_PRICE_MISSING"
  case limitPriceInvalid = "LIMIT_PRICE_INVALID"
  case timeInForceInvalid = "TIME_IN_FORCE_INVALID"
  case goodTillMissing = "TIME_IN_FORCE_GTD_TIMESTAMP_MISSING"
  case goodTillInPast = "TIME_IN_FORCE_GTD_TIMESTAMP_IN_PAST"
  /// A deviation without the price that it is measured from, a negative one, or one on an order that is not a market order.
  case priceBoundInvalid = "PRICE_BOUND_INVALID"
  case takeProfitInvalid = "TAKE_PROFIT_ON_FILL_PRICE_INVALID"
  case stopLossInvalid = "STOP_LOSS_ON_FILL_PRICE_INVALID"
  case trailingDistanceInvalid = "TRAILING_STOP_LOSS_ON_FILL_PRICE_DISTANCE_INVALID"
  case orderDoesntExist = "ORDER_DOESNT_EXIST"
  case tradeDoesntExist = "TRADE_DOESNT_EXIST"
  /// The closing order names a trade of another symbol or on its own side, or is not a plain market order.
  case tradeIdentifierInconsistency = "TRADE_IDENTIFIER_INCONSISTENCY"
  case closeVolumeExceedsTrade = "CLOSE_TRADE_VOLUME_EXCEEDS_TRADE_SIZE"
  /// Close by is for hedging accounts: a netting account has no opposite trade.
  case closeByNotAllowed = "CLOSE_BY_NOT_ALLOWED"
}

/// Why a created order was cancelled. Names as in OANDA v20's OrderCancelReason where it has one.
public enum CancelReason: String, Error, Sendable, Hashable, CaseIterable {
  case clientRequest = "CLIENT_REQUEST"
  case clientRequestReplaced = "CLIENT_REQUEST_REPLACED"
  case timeInForceExpired = "TIME_IN_FORCE_EXPIRED"
  case linkedTradeClosed = "LINKED_TRADE_CLOSED"
  /// The instrument's session is closed.
  case marketHalted = "MARKET_HALTED"
  /// There is no quote, or the newest is older than the dealer allows.
  case staleQuote = "STALE_QUOTE"
  /// The fill would be worse than the given price by more than the maximum deviation.
  case boundsViolation = "BOUNDS_VIOLATION"
  case insufficientMargin = "INSUFFICIENT_MARGIN"
  /// The on-fill take profit is already on the wrong side of the market.
  case losingTakeProfit = "LOSING_TAKE_PROFIT"
  case stopLossOnFillLoss = "STOP_LOSS_ON_FILL_LOSS"
  /// Reduce-only, and nothing is open on the other side.
  case noPositionToReduce = "NO_POSITION_TO_REDUCE"
  /// Reduce-only and fill or kill, and less is open than was asked for.
  case volumeExceedsPosition = "VOLUME_EXCEEDS_POSITION"
  /// No quotes lead from a currency of the instrument to the account's.
  case conversionUnavailable = "CONVERSION_RATE_UNAVAILABLE"
  /// The amounts that it would lead to cannot be represented.
  case amountOverflow = "AMOUNT_OVERFLOW"
}

/// Why a filled order was filled (OANDA v20, OrderFillReason).
public enum FillReason: String, Sendable, Hashable, CaseIterable {
  case marketOrder = "MARKET_ORDER"
  case limitOrder = "LIMIT_ORDER"
  case stopOrder = "STOP_ORDER"
  case stopLimitOrder = "STOP_LIMIT_ORDER"
  case takeProfitOrder = "TAKE_PROFIT_ORDER"
  case stopLossOrder = "STOP_LOSS_ORDER"
  case trailingStopLossOrder = "TRAILING_STOP_LOSS_ORDER"
  case tradeClose = "MARKET_ORDER_TRADE_CLOSE"
  case marginCloseout = "MARKET_ORDER_MARGIN_CLOSEOUT"
}

/// Why an order was created.
public enum OrderCreateReason: String, Sendable, Hashable, CaseIterable {
  case clientOrder = "CLIENT_ORDER"
  case replacement = "REPLACEMENT"
  /// A take profit, stop loss or trailing stop that came with the order that opened the trade.
  case onFill = "ON_FILL"
  case tradeClose = "TRADE_CLOSE"
  case marginCloseout = "MARGIN_CLOSEOUT"
}
