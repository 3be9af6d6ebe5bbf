import CoreMetrics
import Logging
import PrometheusMetrics
import ServiceLifecycle
import TradingCore
import TradingStore

/// Stores the ticks that all replicas share, a batch at a time, on a connection of its own.
///
/// Every replica keeps each tick until it is stored. The leader stores at once; the others store what they have heard a
/// few seconds later, which changes nothing where the leader has done it. So a tick is lost only when every replica that
/// heard it dies first, and even then Redis hands the last ones (`PriceExchange.recent`) to the next replica that starts.
/// Prices that a replica makes of its own while Redis is away are not stored: there is no one truth about them.
///
/// Trading never waits for it: while the database is slow or away, ticks wait in memory, and the oldest of too many are
/// dropped.
struct TickRecorder: Service {
  private static let batch = 5_000
  private static let maintenance: Duration = .seconds(6 * 3_600)
  /// Milliseconds that the leader is given before others store its ticks.
  private static let leadersTime: Int64 = 3_000
  /// Milliseconds: older ticks are not stored any more. There may be no partition for them (see `maintain_ticks`).
  private static let oldest: Int64 = 86_400_000
  /// For the last batch when the program ends.
  private static let farewell: Duration = .seconds(2)

  private let board: MarketBoard
  private let pool: PostgresPool
  private let store: TickStore
  private let unstored: UnstoredTicks
  private let interval: Duration
  private let dropped: Counter
  private let logger: Logger

  /// - Parameters:
  ///   - unstored: where the ticks wait.
  ///   - interval: between two batches.
  init(
    board: MarketBoard, unstored: UnstoredTicks, postgres: PostgresSettings, interval: Duration = .milliseconds(500),
    registry: PrometheusRegistry = PrometheusRegistry(), logger: Logger
  ) {
    self.board = board
    self.unstored = unstored
    self.interval = interval
    self.logger = logger
    registry.describe(
      "rtx_ticks_dropped_total", "Ticks that this replica could not store and had no room to keep waiting.")
    dropped = Counter(label: "rtx_ticks_dropped_total", factory: registry)
    pool = PostgresPool(settings: postgres, size: 1, logger: logger)
    store = TickStore(pool: pool)
  }

  func run() async throws {
    await cancelWhenGracefulShutdown { [self] in await record() }
    let rest = unstored.first(Self.batch, through: .now)
    if !rest.ticks.isEmpty { try? await store.append(rest.ticks, deadline: .now + Self.farewell) }
    await pool.shutdown()
  }

  /// Until the task is cancelled.
  func record() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await collect() }
      await write()
      group.cancelAll()
    }
  }

  private func collect() async {
    for await tick in board.ticks(buffering: 1_000) where tick.isShared {
      if tick.time.milliseconds < Timestamp.now.milliseconds - Self.oldest { continue }
      let count = unstored.add(tick.quotes.map { RecordedTick($0, at: tick.time) })
      dropped.increment(by: Int64(count))
    }
  }

  private func write() async {
    var maintenanceAt = ContinuousClock.now
    var isFailing = false
    while !Task.isCancelled {
      let isFollower = board.source == .shared(isLeader: false)
      let newest = Timestamp.now.milliseconds + (isFollower ? -Self.leadersTime : Self.leadersTime)
      let (ticks, end) = unstored.first(Self.batch, through: Timestamp(milliseconds: newest))
      do throws(DeskError) {
        if .now >= maintenanceAt {
          try await store.maintain(deadline: .now + .seconds(60))
          maintenanceAt = .now + Self.maintenance
        }
        if !ticks.isEmpty { try await store.append(ticks, deadline: .now + .seconds(10)) }
        unstored.remove(before: end)
        isFailing = false
      } catch {
        // Once: the database's absence is told by others too.
        if !isFailing { logger.warning("ticks cannot be stored", metadata: ["error": "\(error)"]) }
        isFailing = true
      }
      if isFailing || ticks.count < Self.batch { try? await Task.sleep(for: interval) }
    }
  }
}
