/// An order's execution.
public struct Fill: Sendable, Hashable {
  public let price: Price
  /// Digits of the price at the time of the fill.
  public let digits: Int
  public let volume: Volume
  public let time: Timestamp

  public init(price: Price, digits: Int, volume: Volume, time: Timestamp) {
    self.price = price
    self.digits = digits
    self.volume = volume
    self.time = time
  }
}

/// B-book execution: the broker is the counterparty and fills the whole volume at its own quote.
public enum BBook {
  /// Buys fill at the ask, sells at the bid.
  public static func fill(_ request: OrderRequest, instrument: Instrument, quote: Quote, at time: Timestamp) -> Fill {
    Fill(
      price: request.side == .buy ? quote.ask : quote.bid, digits: instrument.digits, volume: request.volume, time: time
    )
  }
}

/// The answer to a placed order, in the shape that clients receive. Amounts and ids are decimal text.
public struct OrderReceipt: Sendable, Hashable, Codable {
  public let accountId: String
  public let clientOrderId: String
  /// The id of the ledger transaction that created the order, as in OANDA's v20 API.
  public let orderId: String
  public let price: String
  public let side: Side
  public let status: String
  public let symbol: Symbol
  public let time: String
  public let transactionId: String
  public let type: OrderType
  public let volume: String

  /// The receipt of an order that was filled at once by the ledger transaction `transactionId`.
  public init(filled request: OrderRequest, fill: Fill, transactionId: Int64) {
    accountId = request.accountId
    clientOrderId = request.clientOrderId
    orderId = String(transactionId)
    price = DecimalText.format(fill.price.points, fractionDigits: fill.digits)
    side = request.side
    status = "filled"
    symbol = request.symbol
    time = fill.time.description
    self.transactionId = String(transactionId)
    type = request.type
    volume = request.volume.description
  }
}
