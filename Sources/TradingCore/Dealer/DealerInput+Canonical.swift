/// An input and its time, as a recorded day keeps it.
public struct RecordedInput: Sendable, Hashable {
  public let time: Timestamp
  public let input: DealerInput

  public init(_ input: DealerInput, at time: Timestamp) {
    self.input = input
    self.time = time
  }

  /// One line of text: milliseconds, kind, then `key=value` in a fixed order, as in the ledger.
  public var canonicalLine: String {
    var line = CanonicalLine(String(time.milliseconds), input.name)
    switch input {
    case .open(let settings): Transaction.Kind.create(settings).put(in: &line)
    case .quote(let quote):
      line.put("symbol", text: quote.symbol.name)
      line.put("bid", quote.bid)
      line.put("ask", quote.ask)
    case .place(let request):
      line.put("account", text: request.accountId)
      line.put("type", request.type)
      request.put(in: &line)
    case .cancel(let accountId, let orderId):
      line.put("account", text: accountId)
      line.put("order", orderId)
    case .modify(let accountId, let tradeId, let protection):
      line.put("account", text: accountId)
      line.put("trade", tradeId)
      line.put("takeProfit", protection.takeProfit)
      line.put("stopLoss", protection.stopLoss)
      line.put("trailing", protection.trailingDistance)
    case .transfer(let accountId, let amount, let reason, let reference):
      line.put("account", text: accountId)
      line.put("amount", amount)
      line.put("reason", reason)
      line.put("reference", text: reference)
    case .rollover(let accountId, let moment):
      line.put("account", text: accountId)
      line.put("moment", moment.milliseconds)
    }
    return line.text
  }

  /// Reads a `canonicalLine`.
  public init(canonicalLine: some StringProtocol) throws(CanonicalLineError) {
    let fields = CanonicalFields(canonicalLine)
    guard fields.words.count == 2 else { throw CanonicalLineError(field: "words") }
    time = Timestamp(milliseconds: try fields.word(0, "time"))
    input = try DealerInput(fields, name: String(fields.words[1]))
  }
}

extension DealerInput {
  fileprivate var name: String {
    switch self {
    case .open: "OPEN"
    case .quote: "QUOTE"
    case .place: "PLACE"
    case .cancel: "CANCEL"
    case .modify: "MODIFY"
    case .transfer: "TRANSFER"
    case .rollover: "ROLLOVER"
    }
  }

  fileprivate init(_ fields: CanonicalFields, name: String) throws(CanonicalLineError) {
    switch name {
    case "OPEN": self = .open(try AccountSettings(fields))
    case "QUOTE":
      self = .quote(
        Quote(symbol: Symbol(try fields.text("symbol")), bid: try fields.price("bid"), ask: try fields.price("ask")))
    case "PLACE":
      self = .place(
        try OrderRequest(fields, type: try fields.choice("type"), accountId: try fields.text("account")))
    case "CANCEL": self = .cancel(accountId: try fields.text("account"), orderId: try fields.integer("order"))
    case "MODIFY":
      self = .modify(
        accountId: try fields.text("account"), tradeId: try fields.integer("trade"),
        TradeProtection(
          takeProfit: try fields.optionalPrice("takeProfit"), stopLoss: try fields.optionalPrice("stopLoss"),
          trailingDistance: try fields.optionalInteger("trailing")))
    case "TRANSFER":
      self = .transfer(
        accountId: try fields.text("account"), try fields.money("amount"), try fields.choice("reason"),
        reference: try fields.text("reference"))
    case "ROLLOVER":
      self = .rollover(
        accountId: try fields.text("account"), Timestamp(milliseconds: try fields.integer("moment")))
    default: throw CanonicalLineError(field: "kind")
    }
  }
}
