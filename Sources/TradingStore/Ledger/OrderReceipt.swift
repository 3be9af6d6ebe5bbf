public import TradingCore

/// What became of an order by the end of the command that placed it.
public enum OrderStatus: String, Sendable, Hashable, CaseIterable {
  case filled, pending, cancelled, rejected
}

/// A placed order's answer.
public struct Placement: Sendable {
  /// JSON, byte for byte the same each time the same client order id is sent.
  public let receipt: String
  /// False when the order had been placed before.
  public let isNew: Bool
  public let status: OrderStatus
  /// What the order led to; empty when it had been placed before.
  public let transactions: [Transaction]
}

/// The answer to an order: computed from its transactions alone, so that the stored one can be checked against them.
public struct OrderReceipt: Sendable, Hashable {
  /// The account's ledger id of the order.
  public let orderId: TransactionID
  public let clientOrderId: String
  public let status: OrderStatus
  /// The answer itself. Amounts and ids are decimal text; the keys are sorted.
  public let json: String

  /// - Parameters:
  ///   - settings: of the account.
  ///   - order: the transaction that created or rejected the order; nil is returned for any other.
  ///   - batch: what the same command led to.
  ///   - digits: of prices of the order's symbol.
  public init?(
    _ order: Transaction, in batch: some Sequence<Transaction>, of settings: AccountSettings, digits: Int
  ) {
    var json = JSONText()
    let request: OrderRequest
    var outcome = OrderStatus.pending
    var decision = order.id
    var price: Price?
    var reason: String?
    var profit: Money?
    var tradeId: TransactionID?
    switch order.kind {
    case .orderReject(let rejected, let why): (request, outcome, reason) = (rejected, .rejected, why.rawValue)
    case .orderCreate(let created, _): request = created
    default: return nil
    }
    if request.type != .market { price = request.price }
    for transaction in batch where transaction.id > order.id {
      switch transaction.kind {
      case .orderFill(let fill) where fill.orderId == order.id:
        (outcome, decision, price, profit) = (.filled, transaction.id, fill.price, fill.profit)
        if fill.openedVolume.hundredths > 0 { tradeId = fill.increasedTradeId ?? transaction.id }
      case .tradeCloseBy(let closeBy) where closeBy.orderId == order.id:
        (outcome, decision, price, profit) = (.filled, transaction.id, nil, closeBy.profit)
      case .orderCancel(let orderId, let why) where orderId == order.id:
        (outcome, decision, reason) = (.cancelled, transaction.id, why.rawValue)
      default: continue
      }
      break
    }
    func text(_ price: Price) -> String { DecimalText.format(price.points, fractionDigits: digits) }

    json.put("accountId", settings.accountId)
    json.put("clientOrderId", request.clientOrderId)
    json.put("goodTill", request.goodTill?.description)
    json.put("limitPrice", request.limitPrice.map(text))
    json.put("orderId", String(order.id))
    json.put("price", price.map(text))
    json.put("profit", profit?.text(in: settings.currency))
    json.put("reason", reason)
    json.put("side", request.side.rawValue)
    json.put("status", outcome.rawValue)
    json.put("stopLoss", request.protection.stopLoss.map(text))
    json.put("symbol", request.symbol.name)
    json.put("takeProfit", request.protection.takeProfit.map(text))
    json.put("time", order.time.description)
    json.put("timeInForce", request.timeInForce.rawValue)
    json.put("tradeId", tradeId.map { String($0) })
    json.put("trailingDistance", request.protection.trailingDistance.map { String($0) })
    json.put("transactionId", String(decision))
    json.put("type", request.type.rawValue)
    json.put("volume", request.volume.description)
    orderId = order.id
    clientOrderId = request.clientOrderId
    status = outcome
    self.json = json.finished()
  }
}

/// Writes one JSON object of texts. By hand, because every order pays for it.
private struct JSONText {
  private var bytes: [UInt8] = []

  init() { bytes.reserveCapacity(384) }

  mutating func put(_ key: StaticString, _ value: String?) {
    guard let value else { return }
    bytes.append(UInt8(ascii: bytes.isEmpty ? "{" : ","))
    bytes.append(UInt8(ascii: "\""))
    key.withUTF8Buffer { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: [UInt8(ascii: "\""), UInt8(ascii: ":"), UInt8(ascii: "\"")])
    for byte in value.utf8 { escape(byte) }
    bytes.append(UInt8(ascii: "\""))
  }

  func finished() -> String { String(decoding: bytes, as: UTF8.self) + "}" }

  /// RFC 8259, section 7.
  private mutating func escape(_ byte: UInt8) {
    if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(byte)
    } else if byte < 0x20 {
      let digits = Array("0123456789abcdef".utf8)
      bytes.append(contentsOf: "\\u00".utf8)
      bytes.append(contentsOf: [digits[Int(byte >> 4)], digits[Int(byte & 15)]])
    } else {
      bytes.append(byte)
    }
  }
}
