import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import PrometheusMetrics
public import ServiceLifecycle
import TradingCore
import TradingStore

/// The trading server: everything wired together, from configuration to graceful shutdown.
public struct TradingApplication: Service {
  private let configuration: ServerConfiguration
  private let replica: String
  private let logger: Logger
  private let onRunning: @Sendable (_ port: Int) -> Void

  /// - Parameters:
  ///   - replica: unique among the replicas; the pod's name.
  ///   - onRunning: called with the port once connections are accepted.
  public init(
    configuration: ServerConfiguration, replica: String, logger: Logger,
    onRunning: @escaping @Sendable (_ port: Int) -> Void = { _ in }
  ) {
    self.configuration = configuration
    // A pod's name may come back with the same host name after a crash; the lead must not.
    self.replica = "\(replica)-\(randomWord().prefix(6))"
    self.logger = logger
    self.onRunning = onRunning
  }

  /// Serves until the graceful shutdown that ServiceLifecycle announces.
  public func run() async throws {
    let reporter = configuration.sentry.map { dsn in
      ErrorReporter(
        dsn: dsn, environment: configuration.environmentName, replica: replica,
        secrets: [
          configuration.postgres.password, configuration.redis.password, configuration.access.jwtSecret,
          configuration.access.adminPasswordHash, configuration.oanda?.token,
        ])
    }
    let logger =
      reporter.map { reporter in
        Logger(label: self.logger.label) { [base = self.logger.handler] label in
          ReportingLogHandler(base: base, label: label, reporter: reporter)
        }
      } ?? self.logger
    let catalog = configuration.oanda == nil ? InstrumentCatalog.standard : InstrumentCatalog.standard.inForexWeek
    let registry = PrometheusRegistry()
    let metrics = TradingMetrics(registry: registry)
    let board = MarketBoard(terms: DealerTerms(catalog: catalog))
    let readiness = Readiness()
    let pool = PostgresPool(settings: configuration.postgres, size: configuration.poolSize, logger: logger)
    let reader = LedgerReader(pool: pool)
    let tail = LedgerTail(pool: pool, logger: logger)
    let nudges = LedgerNudges(tail: tail, redis: configuration.redis, replica: replica)
    let desk = TradingDesk(
      pool: pool, market: { board.market }, committed: { nudges.committed() }, logger: logger)
    let unstored = UnstoredTicks()
    let evaluator = Evaluator(
      store: LedgerEvaluatorStore(
        desk: desk, reader: reader, leases: EvaluatorLeases(pool: pool, holder: replica),
        stored: TickStore(pool: pool)),
      board: board, unstored: unstored, metrics: EvaluatorMetrics(registry: registry), logger: logger)
    let tls = try configuration.tls.map { try TLSContext(files: $0, logger: logger) }
    let revocations = Revocations(pool: pool, logger: logger)
    let groups = GroupTerms(pool: pool, board: board, logger: logger)
    let watch = LedgerWatch()
    let (access, hasher) = (configuration.access, PasswordHasher())
    let authenticator = Sessions(
      secret: access.jwtSecret, adminHash: access.adminPasswordHash, isDemoOpen: access.demo == .open,
      credentials: AccountCredentials(pool: pool), hasher: hasher, revocations: revocations)
    let events = AccountEvents(
      books: SharedBooks(desk: desk, reader: LedgerReader(pool: pool)), market: { board.market })
    let hub = StreamHub(
      terms: StreamTerms(catalog: catalog) { token throws(APIError) in
        let principal = try authenticator.principal(bearer: token)
        return StreamAccess(expires: principal.expires, mayFollow: principal.mayTrade)
      }, dealer: { board.market.terms }, events: events, metrics: metrics)
    let maker: any PriceMaker =
      if let oanda = configuration.oanda {
        OandaPriceMaker(settings: oanda, catalog: catalog, logger: logger)
      } else {
        SimulatedPriceMaker(
          process: SimulatedPriceProcess(seed: configuration.simulationSeed, instruments: catalog.instruments),
          interval: configuration.simulationInterval)
      }
    let feed = PriceFeed(
      maker: maker, board: board, redis: configuration.redis, replica: replica, metrics: metrics, logger: logger)

    let addressRate = RateLimiter(rate: access.requestsPerAddress)
    let accountRate = RateLimiter(rate: access.requestsPerAccount)
    let limits = SharedLimits(
      ["address": addressRate, "account": accountRate], redis: configuration.redis, replica: replica)
    let router = TradingRouter(
      configuration: configuration, replica: replica, catalog: catalog, board: board, desk: desk, pool: pool,
      metrics: metrics, readiness: readiness, sessions: authenticator, hasher: hasher, groups: groups,
      sendStreamsAway: { hub.sendAway(over: $0) }, watch: watch, addressRate: addressRate, accountRate: accountRate
    ).make()
    let server = Application(
      router: router,
      server: HTTPServerBuilder { responder in
        ConnectionChannel(
          base: TradingChannel(responder: responder, hub: hub, readiness: readiness), tls: tls)
      },
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.bindAddress, port: configuration.port), serverName: "rtx-server",
        // All clients of another replica may come within a moment, and a connection that finds the queue full is tried
        // again by its client's kernel only a second later.
        backlog: 4_096),
      onServerRunning: { [onRunning] channel in onRunning(channel.localAddress?.port ?? 0) },
      logger: logger)

    logger.notice(
      "starting",
      metadata: [
        "version": "\(serverVersion)", "broker": "\(configuration.brokerName)", "replica": "\(replica)",
        "environment": "\(configuration.environmentName)", "price_feed": "\(configuration.priceFeed.rawValue)",
        "execution_mode": "\(configuration.executionMode.rawValue)",
      ])
    if configuration.environmentName == "production", configuration.priceFeed == .sim {
      logger.warning("prices are simulated", metadata: ["price_feed": "\(configuration.priceFeed.rawValue)"])
    }
    // Shut down from the last to the first, each after the one behind it has finished.
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: (reporter.map { [$0] } ?? []) + (tls.map { [$0] } ?? []) + [
          PoolCloser(pool: pool), DeskService(desk: desk), revocations, groups,
          nudges, limits, AccountReading(events: events), watch,
          LedgerService(tail: tail) { entries in
            hub.publish(entries)
            watch.hear(entries)
            await evaluator.hear(entries)
          }, feed,
          TickRecorder(
            board: board, unstored: unstored, postgres: configuration.postgres, registry: registry, logger: logger),
          EvaluatorService(evaluator: evaluator), PricePublisher(board: board, hub: hub),
          server,
          DrainService(readiness: readiness, hub: hub, delay: configuration.drainDelay, logger: logger),
        ], logger: logger))
    try await group.run()
    logger.notice("stopped")
  }
}

/// Shows every new price to the clients that follow it.
private struct PricePublisher: Service {
  let board: MarketBoard
  let hub: StreamHub

  func run() async throws {
    await cancelWhenGracefulShutdown { [board, hub] in await hub.run(board.updates()) }
  }
}

/// Reads accounts and their ledgers for the clients that follow them.
private struct AccountReading: Service {
  let events: AccountEvents

  func run() async throws { await cancelWhenGracefulShutdown { [events] in await events.run() } }
}

/// First on the way down: not ready any more, WebSocket clients are sent to other replicas, and new connections are
/// accepted a little longer, because load balancers take time to notice.
private struct DrainService: Service {
  let readiness: Readiness
  let hub: StreamHub
  let delay: Duration
  let logger: Logger

  func run() async throws {
    try await gracefulShutdown()
    logger.notice("draining", metadata: ["delay": "\(delay)"])
    readiness.beginDraining()
    hub.sendAway(over: delay / 2)
    try await Task.sleep(for: delay)
  }
}

/// Last on the way down: closes the database connections.
private struct PoolCloser: Service {
  let pool: PostgresPool

  func run() async throws {
    try? await gracefulShutdown()
    await pool.shutdown()
  }
}

/// Commits orders until those who place them have finished.
private struct DeskService: Service {
  let desk: TradingDesk

  func run() async throws {
    try await cancelWhenGracefulShutdown { try await desk.run() }
  }
}
