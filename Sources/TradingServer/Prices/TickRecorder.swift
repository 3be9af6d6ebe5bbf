import Logging
import ServiceLifecycle
import Synchronization
import TradingCore
import TradingStore

/// Stores the ticks that this replica publishes while it leads, a batch at a time, on a connection of its own.
///
/// Trading never waits for it: while the database is slow or away, ticks wait in memory, and the oldest of too many are
/// dropped.
struct TickRecorder: Service {
  private static let capacity = 20_000
  private static let batch = 5_000
  private static let maintenance: Duration = .seconds(6 * 3_600)

  private let board: MarketBoard
  private let pool: PostgresPool
  private let store: TickStore
  private let interval: Duration
  private let logger: Logger
  private let waiting = Waiting()

  /// - Parameter interval: between two batches.
  init(board: MarketBoard, postgres: PostgresSettings, interval: Duration = .milliseconds(500), logger: Logger) {
    self.board = board
    self.interval = interval
    self.logger = logger
    pool = PostgresPool(settings: postgres, size: 1, logger: logger)
    store = TickStore(pool: pool)
  }

  func run() async throws {
    await cancelWhenGracefulShutdown { [self] in
      await withDiscardingTaskGroup { group in
        group.addTask { await collect() }
        await write()
        group.cancelAll()
      }
    }
    await pool.shutdown()
  }

  private func collect() async {
    for await tick in board.ticks(buffering: 1_000) where board.source == .shared(isLeader: true) {
      waiting.add(tick.quotes.map { RecordedTick($0, at: tick.time) }, capacity: Self.capacity)
    }
  }

  private func write() async {
    var maintenanceAt = ContinuousClock.now
    var isFailing = false
    while !Task.isCancelled {
      try? await Task.sleep(for: interval)
      let ticks = waiting.take(Self.batch)
      do throws(DeskError) {
        if .now >= maintenanceAt {
          try await store.maintain(deadline: .now + .seconds(60))
          maintenanceAt = .now + Self.maintenance
        }
        if !ticks.isEmpty { try await store.append(ticks, deadline: .now + .seconds(10)) }
        isFailing = false
      } catch {
        waiting.putBack(ticks, capacity: Self.capacity)
        // Once: the database's absence is told by others too.
        if !isFailing { logger.warning("ticks cannot be stored", metadata: ["error": "\(error)"]) }
        isFailing = true
      }
    }
  }
}

private final class Waiting: Sendable {
  private let ticks = Mutex<[RecordedTick]>([])

  func add(_ new: [RecordedTick], capacity: Int) {
    ticks.withLock { ticks in
      ticks += new
      if ticks.count > capacity { ticks.removeFirst(ticks.count - capacity) }
    }
  }

  func take(_ count: Int) -> [RecordedTick] {
    ticks.withLock { ticks in
      let taken = Array(ticks.prefix(count))
      ticks.removeFirst(taken.count)
      return taken
    }
  }

  func putBack(_ old: [RecordedTick], capacity: Int) {
    ticks.withLock { ticks in ticks = old.suffix(max(0, capacity - ticks.count)) + ticks }
  }
}
