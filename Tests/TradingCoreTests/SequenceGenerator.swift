import TradingCore

/// SplitMix64 (Steele, Lea, Flood 2014): the same seed, the same sequence on every machine.
struct SeededRandom: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
  mutating func below(_ bound: Int64) -> Int64 { Int64(next() % UInt64(bound)) }
  mutating func chance(_ percent: Int64) -> Bool { below(100) < percent }
  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[Int(below(Int64(elements.count)))] }
}

/// One step of a random day.
enum Step {
  case tick(Quote)
  case place(OrderRequest)
  case cancel(Int64)
  case modify(Int64, TradeProtection)
  case transfer(Int64, String)
  case rollover(Int64)
}

/// Makes accounts, quotes and commands that keep running into the rules: tight margins, near triggers, wrong requests.
struct SequenceGenerator {
  static let catalog: InstrumentCatalog = {
    func make(
      _ name: String, _ digits: Int, _ price: Int64, _ margin: Int64, size: Int64 = 100_000,
      open: Range<Int> = 0..<10_080
    )
      -> Instrument
    {
      Instrument(
        symbol: Symbol(name), title: name, digits: digits, contractSize: size, minimumVolume: Volume(hundredths: 1),
        maximumVolume: Volume(hundredths: 500), volumeStep: Volume(hundredths: name == "XAUUSD" ? 5 : 1),
        marginRateBasisPoints: margin, sessions: TradingSessions([open]),
        swap: SwapRates(longHundredths: -731, shortHundredths: 257, tripleDay: name == "XAUUSD" ? .friday : .wednesday),
        trailingStep: name == "USDJPY" ? 5 : 1, spread: 10, referencePrice: Price(points: price), simulatedMove: 10)
    }
    return InstrumentCatalog([
      make("EURUSD", 5, 108_500, 333), make("USDJPY", 3, 149_350, 333), make("EURGBP", 5, 85_300, 500),
      make("GBPUSD", 5, 127_200, 333), make("XAUUSD", 2, 235_000, 500, size: 100, open: 1_380..<5_621),
    ])
  }()
  static let terms = DealerTerms(
    catalog: catalog, maximumQuoteAge: 12_000,
    markups: ["retail": [Symbol("EURUSD"): 3, Symbol("XAUUSD"): 7], "": [:]])
  /// Wednesday 2026-11-18, 21:40 UTC.
  static let startTime: Int64 = 1_795_038_000_000

  var random: SeededRandom
  var time = Self.startTime
  var middles: [String: Int64] = [:]
  var orderCount: Int64 = 0
  var placed: [OrderRequest] = []
  let settings: AccountSettings
  let symbols: [String]
  /// What this sequence trades; the others only move now and then and convert.
  let active: [String]

  init(seed: UInt64) {
    random = SeededRandom(seed: seed)
    settings = AccountSettings(
      accountId: "a", currency: Currency(random.pick(["USD", "EUR", "JPY", "GBP"])),
      leverage: random.pick([5, 30, 30, 100, 500]), mode: random.chance(50) ? .hedging : .netting,
      group: random.chance(50) ? "retail" : "", marginCallPercent: random.pick([100, 80]),
      stopOutPercent: random.pick([50, 30, 20]), hasNegativeBalanceProtection: random.chance(70))
    symbols = Self.catalog.instruments.map(\.symbol.name)
    let first = random.below(Int64(symbols.count))
    active = (0...random.below(3)).map { [symbols] in symbols[Int(first + 2 * $0) % symbols.count] }
    for instrument in Self.catalog.instruments { middles[instrument.symbol.name] = instrument.referencePrice.points }
  }

  /// Enough for a few lots at most, in minor units.
  mutating func deposit() -> Int64 {
    let base = 50_000 + random.below(400_000)
    return settings.currency.digits == 0 ? base : base * (random.chance(20) ? 10 : 1)
  }

  mutating func quote(_ symbol: String) -> Quote {
    let middle = middles[symbol] ?? 100_000
    let reach = random.chance(8) ? middle / 12 : random.chance(30) ? 400 : 40
    let next = max(1_000, middle + random.below(2 * reach + 1) - reach)
    middles[symbol] = next
    let half = random.below(12)
    return Quote(symbol: Symbol(symbol), bid: Price(points: next - half), ask: Price(points: next + half))
  }

  mutating func step(orderIds: [Int64], tradeIds: [(id: Int64, symbol: String, side: Side, volume: Int64)]) -> Step {
    time += random.chance(10) ? random.below(8_000) : random.below(900)
    if random.chance(1) { time += 9_000_000 }
    switch random.below(100) {
    case 0..<52: return .tick(quote(random.pick(random.chance(85) ? active : symbols)))
    case 52..<84: return .place(order(orderIds, tradeIds))
    case 84..<88:
      if let id = orderIds.isEmpty ? nil : random.pick(orderIds) { return .cancel(id) }
      return .cancel(999)
    case 88..<93:
      guard !tradeIds.isEmpty else { return .modify(998, .none) }
      let trade = random.pick(tradeIds)
      return .modify(trade.id, protection(trade.symbol, trade.side))
    case 93..<96:
      return .transfer(random.chance(50) ? deposit() / 4 : -deposit(), "f\(random.below(12))")
    case 96..<98: return .rollover(time - random.below(3) * 3_600_000)
    default:
      if let repeated = placed.isEmpty ? nil : random.pick(placed) { return .place(repeated) }
      return .tick(quote(random.pick(symbols)))
    }
  }

  private mutating func near(_ symbol: String, _ reach: Int64 = 300) -> Price {
    Price(points: max(1, (middles[symbol] ?? 100_000) + random.below(2 * reach + 1) - reach))
  }

  private mutating func protection(_ symbol: String, _ side: Side) -> TradeProtection {
    var result = TradeProtection()
    let middle = middles[symbol] ?? 100_000
    let sign: Int64 = side == .buy ? 1 : -1
    if random.chance(50) { result.takeProfit = Price(points: middle + sign * (random.below(400) - 20)) }
    if random.chance(50) { result.stopLoss = Price(points: middle - sign * (random.below(400) - 20)) }
    if random.chance(40) { result.trailingDistance = 1 + random.below(150) }
    return result
  }

  private mutating func order(
    _ orderIds: [Int64], _ tradeIds: [(id: Int64, symbol: String, side: Side, volume: Int64)]
  ) -> OrderRequest {
    orderCount += 1
    let client = random.chance(3) ? "c\(1 + random.below(orderCount))" : "c\(orderCount)"
    let result: OrderRequest
    if !tradeIds.isEmpty, random.chance(25) {
      let trade = random.pick(tradeIds)
      let opposite = tradeIds.filter { $0.symbol == trade.symbol && $0.side != trade.side }
      let by = random.chance(30) ? random.pick(opposite.isEmpty || random.chance(10) ? tradeIds : opposite).id : nil
      let volume = random.chance(50) ? trade.volume : 1 + random.below(trade.volume + 1)
      result = OrderRequest(
        accountId: "a", clientOrderId: client, symbol: Symbol(trade.symbol),
        side: random.chance(95) ? trade.side.opposite : trade.side, type: .market, volume: Volume(hundredths: volume),
        closingTradeId: random.chance(4) ? 997 : trade.id, closeByTradeId: by)
    } else {
      let symbol = random.chance(1) ? "EURNOK" : random.pick(active)
      let side: Side = random.chance(50) ? .buy : .sell
      let type = random.pick([OrderType.market, .market, .limit, .stop, .stopLimit])
      var volume = 1 + random.below(random.chance(20) ? 600 : 60)
      if symbol == "XAUUSD", random.chance(90) { volume = (volume + 4) / 5 * 5 }
      var order = OrderRequest(
        accountId: "a", clientOrderId: client, symbol: Symbol(symbol), side: side, type: type,
        volume: Volume(hundredths: random.chance(1) ? 0 : volume))
      if type != .market, random.chance(99) { order.price = near(symbol) }
      if type == .stopLimit, random.chance(98) { order.limitPrice = near(symbol) }
      if random.chance(10) { order.timeInForce = random.pick(TimeInForce.allCases) }
      if type != .market, random.chance(15) {
        order.timeInForce = .goodTillDate
        order.goodTill = Timestamp(milliseconds: time + random.below(9_000) - 200)
      }
      if type == .market, random.chance(20) {
        order.price = near(symbol, 20)
        order.maximumDeviation = random.below(20)
      }
      order.isReduceOnly = random.chance(8)
      if random.chance(40) { order.protection = protection(symbol, side) }
      if !orderIds.isEmpty, random.chance(8) { order.replacedOrderId = random.pick(orderIds) }
      result = order
    }
    placed.append(result)
    return result
  }
}
