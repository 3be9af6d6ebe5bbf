import FoundationEssentials
import Logging
import TradingCore
import TradingStore

/// An account of the benchmark: netting, so that its position goes back to nothing with every second order.
struct BenchAccount: Sendable {
  let id: String

  init(_ number: Int) { id = "bench-\(number)" }

  static let logger: Logger = {
    var logger = Logger(label: "order-bench") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .warning
    return logger
  }()

  /// One quote, good for the whole run.
  static func market() throws -> Market {
    var market = Market(terms: DealerTerms(catalog: .standard, maximumQuoteAge: .max / 2))
    try market.update(
      Quote(symbol: Symbol("EURUSD"), bid: Price(points: 108_500), ask: Price(points: 108_512)),
      at: Timestamp(milliseconds: 0))
    return market
  }

  /// Opens and funds it; its last transaction is number 2 then.
  func open(on desk: TradingDesk) async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    _ = try await desk.open(
      AccountSettings(accountId: id, currency: Currency("USD"), mode: .netting), deadline: deadline)
    _ = try await desk.perform(on: id, deadline: deadline) { account, market throws(CommandError) in
      try account.transfer(
        Money(minorUnits: 1_000_000_000_000), reference: "bench", in: market, at: BenchAccount.now)
    }
  }

  /// Buys when `turn` is even, sells when it is odd.
  func order(_ clientOrderId: String, turn: Int) -> OrderRequest {
    OrderRequest(
      accountId: id, clientOrderId: clientOrderId, symbol: Symbol("EURUSD"), side: turn % 2 == 0 ? .buy : .sell,
      type: .market, volume: Volume(hundredths: 1))
  }

  static var now: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }
}
