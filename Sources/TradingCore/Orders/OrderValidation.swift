/// An order as the client wrote it: nothing is checked yet.
public struct OrderDraft: Sendable, Hashable {
  public var accountId: String?
  public var clientOrderId: String?
  public var symbol: String?
  public var side: String?
  public var type: String?
  /// Lots.
  public var volume: String?
  public var price: String?
  public var limitPrice: String?
  public var timeInForce: String?
  /// RFC 3339.
  public var goodTill: String?
  /// Points.
  public var maximumDeviation: String?
  public var isReduceOnly = false
  public var takeProfit: String?
  public var stopLoss: String?
  /// Points.
  public var trailingDistance: String?

  public init(
    accountId: String? = nil, clientOrderId: String? = nil, symbol: String? = nil, side: String? = nil,
    type: String? = nil, volume: String? = nil
  ) {
    self.accountId = accountId
    self.clientOrderId = clientOrderId
    self.symbol = symbol
    self.side = side
    self.type = type
    self.volume = volume
  }
}

/// Why an order is refused: the field, and what to do about it.
public struct OrderValidationError: Error, Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// The text cannot be understood.
    case malformed
    /// Understood, but the broker does not trade it.
    case refused
  }
  public let kind: Kind
  /// The JSON name of the field.
  public let field: String
  public let message: String
  public let remedy: String

  public init(_ kind: Kind, field: String, message: String, remedy: String) {
    self.kind = kind
    self.field = field
    self.message = message
    self.remedy = remedy
  }
}

extension OrderDraft {
  /// The account that an order without `accountId` belongs to.
  public static let defaultAccountId = "demo"

  /// Checks every field by itself and returns the order, or throws the first field that is wrong. What fields mean together
  /// is checked when the order is placed, and what is wrong there is on record.
  public func validated(against catalog: InstrumentCatalog) throws(OrderValidationError) -> OrderRequest {
    let clientOrderId = try Self.identifier(required(clientOrderId, "clientOrderId"), field: "clientOrderId")
    let accountId = try Self.identifier(accountId ?? Self.defaultAccountId, field: "accountId")
    let symbol = Symbol(try required(symbol, "symbol"))
    guard let instrument = catalog[symbol] else {
      throw OrderValidationError(
        .refused, field: "symbol", message: "unknown symbol \"\(Self.shortened(symbol.name))\"",
        remedy: "use one of \(catalog.instruments.map(\.symbol.name).joined(separator: ", "))")
    }
    let side: Side = try Self.choice(required(side, "side"), of: Side.allCases, field: "side", kind: .malformed)
    let type: OrderType = try Self.choice(
      type ?? OrderType.market.rawValue, of: OrderType.allCases, field: "type", kind: .malformed)
    let volume = try Self.volume(required(volume, "volume"), of: instrument)
    var order = OrderRequest(
      accountId: accountId, clientOrderId: clientOrderId, symbol: symbol, side: side, type: type, volume: volume)
    order.price = try Self.price(price, of: instrument, field: "price")
    order.limitPrice = try Self.price(limitPrice, of: instrument, field: "limitPrice")
    if let timeInForce {
      order.timeInForce = try Self.choice(
        timeInForce, of: TimeInForce.allCases, field: "timeInForce", kind: .malformed)
    }
    order.goodTill = try Self.time(goodTill, field: "goodTill")
    order.maximumDeviation = try Self.points(maximumDeviation, field: "maximumDeviation")
    order.isReduceOnly = isReduceOnly
    order.protection = try protection(of: instrument)
    return order
  }

  /// Reads `takeProfit`, `stopLoss` and `trailingDistance` alone.
  public func protection(of instrument: Instrument) throws(OrderValidationError) -> TradeProtection {
    TradeProtection(
      takeProfit: try Self.price(takeProfit, of: instrument, field: "takeProfit"),
      stopLoss: try Self.price(stopLoss, of: instrument, field: "stopLoss"),
      trailingDistance: try Self.points(trailingDistance, field: "trailingDistance"))
  }

  private static func price(
    _ text: String?, of instrument: Instrument, field: String
  ) throws(OrderValidationError) -> Price? {
    guard let text else { return nil }
    let remedy =
      "write a price with at most \(instrument.digits) decimal places, such as "
      + "\"\(instrument.text(of: instrument.referencePrice))\""
    let price: Price
    do {
      price = Price(points: try DecimalText.parse(text, fractionDigits: instrument.digits))
    } catch .malformed {
      throw OrderValidationError(
        .malformed, field: field, message: "\"\(shortened(text))\" is not a decimal number", remedy: remedy)
    } catch {
      throw OrderValidationError(
        .refused, field: field, message: "\(shortened(text)) is not a price of \(instrument.symbol)", remedy: remedy)
    }
    guard price.isValid else {
      throw OrderValidationError(
        .refused, field: field, message: "\(shortened(text)) is not a price of \(instrument.symbol)", remedy: remedy)
    }
    return price
  }

  private static func points(_ text: String?, field: String) throws(OrderValidationError) -> Int64? {
    guard let text else { return nil }
    guard let points = try? DecimalText.parse(text, fractionDigits: 0), points >= 0,
      points <= Price.valid.upperBound
    else {
      throw OrderValidationError(
        .malformed, field: field, message: "\"\(shortened(text))\" is not a number of points",
        remedy: "write whole points as text, such as \"50\"")
    }
    return points
  }

  private static func time(_ text: String?, field: String) throws(OrderValidationError) -> Timestamp? {
    guard let text else { return nil }
    guard let time = Timestamp(parsing: text) else {
      throw OrderValidationError(
        .malformed, field: field, message: "\"\(shortened(text))\" is not a time",
        remedy: "write it as in RFC 3339, such as \"2030-01-31T12:00:00Z\"")
    }
    return time
  }

  private func required(_ value: String?, _ field: String) throws(OrderValidationError) -> String {
    guard let value else {
      throw OrderValidationError(
        .malformed, field: field, message: "\(field) is missing", remedy: "add \"\(field)\" to the order")
    }
    return value
  }

  /// Checks an account or client order id: 1 to 64 letters, digits and `. _ : -`.
  public static func identifier(_ text: String, field: String) throws(OrderValidationError) -> String {
    let allowed = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"): true
      default: byte == UInt8(ascii: "-")
      }
    }
    guard allowed, (1...64).contains(text.utf8.count) else {
      throw OrderValidationError(
        .malformed, field: field, message: "\"\(shortened(text))\" is not an identifier",
        remedy: "use 1 to 64 letters, digits and the characters . _ : -")
    }
    return text
  }

  private static func choice<Value: RawRepresentable & Equatable>(
    _ text: String, of choices: [Value], field: String, kind: OrderValidationError.Kind
  ) throws(OrderValidationError) -> Value where Value.RawValue == String {
    guard let value = Value(rawValue: text), choices.contains(value) else {
      throw OrderValidationError(
        kind, field: field, message: "\"\(shortened(text))\" is not supported",
        remedy: "use \(choices.map(\.rawValue).joined(separator: " or "))")
    }
    return value
  }

  /// Reads decimal lots that the instrument trades.
  public static func volume(_ text: String, of instrument: Instrument) throws(OrderValidationError) -> Volume {
    let range = "\(instrument.minimumVolume) to \(instrument.maximumVolume) lots in steps of \(instrument.volumeStep)"
    let volume: Volume
    do {
      volume = try Volume(parsing: text)
    } catch .malformed {
      throw OrderValidationError(
        .malformed, field: "volume", message: "\"\(shortened(text))\" is not a decimal number",
        remedy: "write lots as text, such as \"0.10\"")
    } catch {
      throw OrderValidationError(
        .refused, field: "volume", message: "\(shortened(text)) lots of \(instrument.symbol) cannot be traded",
        remedy: "trade \(range)")
    }
    guard volume >= instrument.minimumVolume, volume <= instrument.maximumVolume,
      volume.hundredths % instrument.volumeStep.hundredths == 0
    else {
      throw OrderValidationError(
        .refused, field: "volume", message: "\(volume) lots of \(instrument.symbol) cannot be traded",
        remedy: "trade \(range)")
    }
    return volume
  }

  private static func shortened(_ text: String) -> String {
    text.count > 40 ? text.prefix(40) + "…" : text
  }
}
