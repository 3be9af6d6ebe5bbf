import Hummingbird
import Logging
import TradingCore
import TradingStore

/// Everything that requests are answered with, and the routes that lead to it.
struct TradingRouter {
  let configuration: ServerConfiguration
  let replica: String
  let catalog: InstrumentCatalog
  let board: MarketBoard
  let desk: TradingDesk
  let pool: PostgresPool
  let metrics: TradingMetrics
  let readiness: Readiness
  let sessions: Sessions
  let hasher: PasswordHasher
  let groups: GroupTerms
  /// Sends the clients of all open WebSockets to other replicas.
  let sendStreamsAway: @Sendable (Duration) -> Void
  let watch: LedgerWatch
  /// Requests of one address.
  let addressRate: RateLimiter
  /// Requests of one login.
  let accountRate: RateLimiter

  func make() -> Router<TradingContext> {
    let (access, reader) = (configuration.access, LedgerReader(pool: pool))
    let placing = OrderPlacing(catalog: catalog, desk: desk, metrics: metrics)
    let router = Router(context: TradingContext.self)
    router.add(
      middleware: RequestMiddleware(
        metrics: metrics, readiness: readiness, forwarding: ForwardedAddress(trustedProxies: access.trustedProxies),
        rate: addressRate, isSecure: configuration.tls != nil))
    StatusRoutes(reader: reader, board: board, metrics: metrics, readiness: readiness).register(on: router)
    SessionRoutes(sessions: sessions).register(on: router)
    PageRoutes().register(on: router)
    DocumentationRoutes().register(on: router)

    let known = router.group().add(middleware: AccessMiddleware(authenticator: sessions, rate: accountRate))
    PriceRoutes(
      catalog: catalog, board: board, brokerName: configuration.brokerName, feed: configuration.priceFeed
    ).register(on: known)
    CandleRoute(catalog: catalog, reader: CandleReader(pool: pool)).register(on: known)
    OrderRoutes(catalog: catalog, desk: desk, reader: reader, placing: placing).register(on: known)
    AccountRoutes(board: board, desk: desk, reader: reader, placing: placing).register(on: known)
    TransactionRoutes(catalog: catalog, desk: desk, reader: reader, readiness: readiness, watch: watch)
      .register(on: known)
    StatisticsRoute(reader: reader, placing: placing, replica: replica).register(on: known)

    let admin = router.group().add(
      middleware: AccessMiddleware(authenticator: sessions, rate: accountRate, role: .admin))
    AdminAccountRoutes(
      board: board, desk: desk, reader: reader, credentials: AccountCredentials(pool: pool), hasher: hasher
    ).register(on: admin)
    AdminTermsRoutes(board: board, reader: reader, groups: groups, feed: configuration.priceFeed).register(on: admin)
    AdminDrainRoute(readiness: readiness, sendStreamsAway: sendStreamsAway).register(on: admin)
    return router
  }
}
