public import Logging
public import ServiceLifecycle
import TradingCore
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
  /// How long a leader may have nothing to publish.
  private static let patience: Duration = .seconds(15)

  private let maker: any PriceMaker
  private let board: MarketBoard
  private let redis: RedisSettings
  private let replica: String
  private let metrics: TradingMetrics
  private let logger: Logger
  private var link = Link.down(retryAt: .now)
  private var nextLeadAttempt = ContinuousClock.now
  private var lastPublication = ContinuousClock.now
  /// What the next snapshot of this replica's making has to be beyond, though the board may not have come so far.
  private var mark = PriceMark(sequence: -1, time: Timestamp(milliseconds: 0))

  /// - Parameter replica: unique among the replicas.
  public init(
    maker: any PriceMaker, board: MarketBoard, redis: RedisSettings, replica: String, metrics: TradingMetrics,
    logger: Logger
  ) {
    self.maker = maker
    self.board = board
    self.redis = redis
    self.replica = replica
    self.metrics = metrics
    self.logger = logger
  }

  /// Runs until the graceful shutdown, and then hands the lead over.
  public func run() async throws {
    let (subscription, board, maker) = (PriceSubscription(settings: redis), board, maker)
    await cancelWhenGracefulShutdown {
      await withDiscardingTaskGroup { group in
        group.addTask { await subscription.run { board.offer($0) } }
        group.addTask { await maker.run() }
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
      board.problem = maker.obstacle
      try? await Task.sleep(for: maker.interval)
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
      try await publish(through: exchange, connection)
    } else if .now >= nextLeadAttempt || board.latest == nil {
      nextLeadAttempt = .now + Self.leadAttemptDelay
      try await join(exchange, connection)
    }
  }

  private func publish(through exchange: PriceExchange, _ connection: RedisConnection) async throws {
    // Once more when a replica joined that has shown newer prices than these.
    for _ in 0..<2 {
      guard let next = nextSnapshot() else { return try await stayInLead(exchange, connection) }
      switch try await exchange.publish(next) {
      case .published:
        board.offer(next)
        lastPublication = .now
        return
      case .notLeading: return lead(false, connection)
      case .behind(let mark): self.mark = mark
      }
    }
  }

  /// A leader that has nothing to tell keeps its lead for a while, and then lets another replica try.
  private func stayInLead(_ exchange: PriceExchange, _ connection: RedisConnection) async throws {
    guard .now >= nextLeadAttempt else { return }
    nextLeadAttempt = .now + Self.leadAttemptDelay
    if .now - lastPublication < Self.patience {
      if try await !exchange.keepLead() { lead(false, connection) }
    } else {
      try await exchange.resign()
      lead(false, connection)
      nextLeadAttempt = .now + Self.leadAttemptDelay * 3
    }
  }

  private func join(_ exchange: PriceExchange, _ connection: RedisConnection) async throws {
    let shown = board.latest.map { PriceMark(sequence: $0.sequence, time: $0.time) }
    let standing = try await exchange.join(shown: shown)
    // Also the way prices arrive while the subscription is being renewed.
    if let latest = standing.latest { board.offer(latest) }
    mark = standing.mark
    lead(standing.isLeader, connection)
  }

  private func connect() async {
    let connection = RedisConnection()
    do {
      try await connection.open(redis)
      let exchange = PriceExchange(connection: connection, replica: replica)
      // A replica that has just started can look back as far as the others.
      for snapshot in try await exchange.recent() { board.offer(snapshot) }
      try await join(exchange, connection)
      logger.info("prices are shared through Redis")
    } catch {
      await connection.close()
      lost("\(error)")
    }
  }

  private func lead(_ isLeader: Bool, _ connection: RedisConnection) {
    if case .up(_, isLeader: true) = link {} else { lastPublication = .now }
    link = .up(connection, isLeader: isLeader)
    nextLeadAttempt = .now + Self.leadAttemptDelay
    maker.setActive(isLeader)
    board.source = .shared(isLeader: isLeader)
    metrics.setRedis(isUp: true, isLeader: isLeader)
  }

  private func lost(_ reason: String) {
    link = .down(retryAt: .now + Self.retryDelay)
    maker.setActive(true)
    if case .local(let known) = board.source, known == reason { return }
    board.source = .local(reason: reason)
    metrics.setRedis(isUp: false, isLeader: false)
    logger.warning("prices are local, Redis is away", metadata: ["error": "\(reason)"])
  }

  private func showLocal() {
    if let next = nextSnapshot() { board.offer(next, isShared: false) }
  }

  /// Beyond everything that this replica or, as far as it knows, any other has shown.
  private func nextSnapshot() -> PriceSnapshot? {
    let latest = board.latest
    let time = max(Timestamp.now.milliseconds, mark.time.milliseconds + 1, (latest?.time.milliseconds ?? 0) + 1)
    let sequence = max(mark.sequence, latest?.sequence ?? -1)
    let before = latest.map { PriceSnapshot(sequence: sequence, time: $0.time, quotes: $0.quotes) }
    let now = Timestamp(milliseconds: time)
    guard let quotes = maker.next(after: before, at: now) else { return nil }
    return PriceSnapshot(sequence: sequence + 1, time: now, quotes: quotes)
  }

  private func stop() async {
    guard case .up(let connection, let isLeader) = link else { return }
    if isLeader { try? await PriceExchange(connection: connection, replica: replica).resign() }
    await connection.close()
    link = .down(retryAt: .now)
  }
}
