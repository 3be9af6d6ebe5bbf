/// What a request does. The raw value is its name on the command line.
public enum Operation: String, Sendable, CaseIterable {
  case order, limit, cancel
  case orderRead = "order-read"
  case orders, account, trades, positions, transactions, symbols, prices, candles, health

  /// As the report names it.
  var endpoint: String {
    switch self {
    case .order: "POST /api/orders (market)"
    case .limit: "POST /api/orders (limit)"
    case .cancel: "DELETE /api/orders/:id"
    case .orderRead: "GET /api/orders/:id"
    case .orders: "GET /api/orders"
    case .account: "GET /api/accounts/:id"
    case .trades: "GET /api/trades"
    case .positions: "GET /api/positions"
    case .transactions: "GET /api/transactions"
    case .symbols: "GET /api/symbols"
    case .prices: "GET /api/prices"
    case .candles: "GET /api/candles/:symbol"
    case .health: "GET /health"
    }
  }
}

/// Which share of the requests each operation has.
public struct OperationMix: Sendable {
  private let steps: [(upTo: Double, operation: Operation)]
  public let operations: [Operation]

  /// Weights need not add up to anything. nil when there is no positive weight, or a negative one.
  public init?(_ weights: [(Operation, Double)]) {
    let total = weights.reduce(0) { $0 + $1.1 }
    guard total > 0, total.isFinite, weights.allSatisfy({ $0.1 >= 0 }) else { return nil }
    var sum = 0.0
    steps = weights.filter { $0.1 > 0 }.map { operation, weight in
      sum += weight / total
      return (sum, operation)
    }
    operations = steps.map(\.operation)
  }

  /// Reads `order=60,prices=30`; a name without a number counts 1, `mixed` stands for a trading day's mixture.
  public init?(parsing text: String) {
    if text == "mixed" {
      self = .mixed
      return
    }
    var weights: [(Operation, Double)] = []
    for part in text.split(separator: ",") {
      let words = part.split(separator: "=", maxSplits: 1)
      guard let operation = words.first.flatMap({ Operation(rawValue: String($0)) }),
        let weight = words.count == 1 ? 1 : Double(words[1])
      else { return nil }
      weights.append((operation, weight))
    }
    self.init(weights)
  }

  private init(steps: [(upTo: Double, operation: Operation)]) {
    self.steps = steps
    operations = steps.map(\.operation)
  }

  /// Market orders only.
  public static let orders = OperationMix(steps: [(1, .order)])
  /// What a trader's page asks: much reading, some trading, every endpoint.
  public static let mixed = OperationMix(
    steps: [
      (0.30, .order), (0.36, .limit), (0.40, .cancel), (0.48, .orderRead), (0.54, .orders), (0.64, .account),
      (0.70, .trades), (0.76, .positions), (0.82, .transactions), (0.86, .symbols), (0.94, .prices), (0.97, .candles),
      (1, .health),
    ])

  /// The operation for a number from 0 up to 1.
  func operation(at number: Double) -> Operation {
    (steps.first { number < $0.upTo } ?? steps[steps.count - 1]).operation
  }
}
