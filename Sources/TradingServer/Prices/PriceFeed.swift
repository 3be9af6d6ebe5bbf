public import Logging
public import ServiceLifecycle
public import TradingCore
public import TradingStore

/// Keeps the board up to date: leads or follows through Redis, and makes prices of its own while Redis is away.
///
/// One replica leads at a time (see `PriceExchange`). A new leader goes on from the latest shared snapshot, so
/// clients see one unbroken price however often the lead changes.
public actor PriceFeed: Service {
  private enum Link {
    case down(retryAt: ContinuousClock.Instant)
    case connecting
    case up(RedisConnection, isLeader: Bool)
  }

  private static let retryDelay: Duration = .seconds(1)
  private static let leadAttemptDelay: Duration = .seconds(1)

  private let process: SimulatedPriceProcess
  private let board: PriceBoard
  private let redis: RedisSettings
  private let replica: String
  private let interval: Duration
  private let metrics: TradingMetrics
  private let logger: Logger
  private var link = Link.down(retryAt: .now)
  private var nextLeadAttempt = ContinuousClock.now

  /// - Parameters:
  ///   - replica: unique among the replicas.
  ///   - interval: between two steps of the price process.
  public init(
    process: SimulatedPriceProcess, board: PriceBoard, redis: RedisSettings, replica: String,
    interval: Duration = .milliseconds(250), metrics: TradingMetrics, logger: Logger
  ) {
    self.process = process
    self.board = board
    self.redis = redis
    self.replica = replica
    self.interval = interval
    self.metrics = metrics
    self.logger = logger
  }

  /// Runs until the graceful shutdown, and then hands the lead over.
  public func run() async throws {
    let (subscription, board) = (PriceSubscription(settings: redis), board)
    await cancelWhenGracefulShutdown {
      await withDiscardingTaskGroup { group in
        group.addTask { await subscription.run { board.offer($0) } }
        await self.keepBoard()
        group.cancelAll()
      }
    }
    await stop()
  }

  private func keepBoard() async {
    // The first connection is waited for: shared prices should not be preceded by a flash of local ones.
    link = .connecting
    await connect()
    while !Task.isCancelled {
      await step()
      try? await Task.sleep(for: interval)
    }
  }

  private func step() async {
    switch link {
    case .connecting: showLocal()
    case .down(let retryAt):
      if .now >= retryAt {
        link = .connecting
        // On the side, so that prices keep moving while the attempt waits for its time-out.
        Task { await self.connect() }
      }
      showLocal()
    case .up(let connection, let isLeader):
      do {
        try await exchange(connection, isLeader: isLeader)
      } catch {
        await connection.close()
        lost("\(error)")
        showLocal()
      }
    }
  }

  private func exchange(_ connection: RedisConnection, isLeader: Bool) async throws {
    let exchange = PriceExchange(connection: connection, replica: replica)
    if isLeader {
      let next = nextSnapshot()
      if try await exchange.publish(next) { board.show(next) } else { lead(false, connection) }
    } else if .now >= nextLeadAttempt || board.latest == nil {
      nextLeadAttempt = .now + Self.leadAttemptDelay
      let (isLeader, latest) = try await exchange.tryToLead()
      // Also the way prices arrive while the subscription is being renewed.
      if let latest { board.offer(latest) }
      if isLeader { lead(true, connection) }
    }
  }

  private func connect() async {
    let connection = RedisConnection()
    do {
      try await connection.open(redis)
      let (isLeader, latest) = try await PriceExchange(connection: connection, replica: replica).tryToLead()
      // A follower takes what all others show. A leader goes on from whatever is further.
      if let latest {
        if isLeader { board.offer(latest) } else { board.show(latest) }
      }
      lead(isLeader, connection)
      logger.info("prices are shared through Redis", metadata: ["leader": "\(isLeader)"])
    } catch {
      await connection.close()
      lost("\(error)")
    }
  }

  private func lead(_ isLeader: Bool, _ connection: RedisConnection) {
    link = .up(connection, isLeader: isLeader)
    nextLeadAttempt = .now + Self.leadAttemptDelay
    board.source = .shared(isLeader: isLeader)
    metrics.setRedis(isUp: true, isLeader: isLeader)
  }

  private func lost(_ reason: String) {
    link = .down(retryAt: .now + Self.retryDelay)
    if case .local(let known) = board.source, known == reason { return }
    board.source = .local(reason: reason)
    metrics.setRedis(isUp: false, isLeader: false)
    logger.warning("prices are local, Redis is away", metadata: ["error": "\(reason)"])
  }

  private func showLocal() { board.show(nextSnapshot()) }

  private func nextSnapshot() -> PriceSnapshot {
    board.latest.map { process.next(after: $0, at: .now) } ?? process.initial(at: .now)
  }

  private func stop() async {
    guard case .up(let connection, let isLeader) = link else { return }
    if isLeader { try? await PriceExchange(connection: connection, replica: replica).resign() }
    await connection.close()
    link = .down(retryAt: .now)
  }
}
