import Testing
import TradingCore
import TradingStore

/// Long enough for everything that is meant to succeed.
var soon: ContinuousClock.Instant { .now + .seconds(30) }

/// A valid order for tests.
func makeOrder(
  _ id: String, account: String = "demo", side: Side = .buy, type: OrderType = .market, volume: Int64 = 1
) -> OrderRequest {
  OrderRequest(
    accountId: account, clientOrderId: id, symbol: Symbol("EURUSD"), side: side, type: type,
    volume: Volume(hundredths: volume))
}

/// Fresh quotes of the standard instruments at their reference prices.
@Sendable func makeMarket() -> Market {
  var market = Market(terms: DealerTerms(catalog: .standard))
  for instrument in InstrumentCatalog.standard.instruments {
    let bid = instrument.referencePrice.points
    let quote = Quote(symbol: instrument.symbol, bid: Price(points: bid), ask: Price(points: bid + instrument.spread))
    try? market.update(quote, at: .now)
  }
  return market
}

/// Runs a desk on a database, a new one if none is given, while `body` runs.
@discardableResult
func withDesk<Value: Sendable>(
  _ settings: PostgresSettings? = nil, lanes: Int = 2, cachedAccounts: Int = 20_000,
  _ body: @Sendable (TradingDesk, PostgresPool) async throws -> Value
) async throws -> Value {
  let database: PostgresSettings
  if let settings { database = settings } else { database = try await PostgresServer.shared.makeMigratedDatabase() }
  let pool = PostgresPool(settings: database, logger: quietLogger)
  let desk = TradingDesk(
    pool: pool, lanes: lanes, cachedAccounts: cachedAccounts, market: makeMarket, logger: quietLogger)
  let running = Task { try await desk.run() }
  let result: Result<Value, any Error>
  do { result = .success(try await body(desk, pool)) } catch { result = .failure(error) }
  running.cancel()
  try await running.value
  await pool.shutdown()
  return try result.get()
}

/// Folds every ledger and compares it with everything else that is stored about its account.
func expectSoundBooks(_ pool: PostgresPool, sourceLocation: SourceLocation = #_sourceLocation) async throws {
  for account in try await LedgerAudit(pool: pool).run(deadline: soon) {
    for problem in account.problems {
      Issue.record("\(account.accountId): \(problem)", sourceLocation: sourceLocation)
    }
  }
}
