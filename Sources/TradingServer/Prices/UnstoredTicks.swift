import Synchronization
import TradingCore
import TradingStore

/// The ticks that this replica has heard and not seen stored, oldest first.
final class UnstoredTicks: Sendable {
  /// 8 MB of ticks: more than a quarter of an hour of twenty symbols that change ten times a second.
  static let capacity = 200_000

  fileprivate struct State {
    var ticks: [RecordedTick] = []
    /// How many were removed since the start: the position of the first one.
    var removed = 0
  }
  private let state = Mutex(State())
  private let capacity: Int

  init(capacity: Int = capacity) { self.capacity = capacity }

  /// Adds ticks that are not older than those there. Returns how many of the oldest were dropped to make room.
  func add(_ new: [RecordedTick]) -> Int {
    state.withLock { state in
      state.ticks += new
      let excess = state.ticks.count - capacity
      guard excess > 0 else { return 0 }
      // Room for more than one batch, since all that stay are moved.
      let dropped = min(state.ticks.count, excess + capacity / 100)
      state.remove(dropped)
      return dropped
    }
  }

  /// The first ticks up to `time`, at most `count`, and the position behind them for `remove`.
  func first(_ count: Int, through time: Timestamp) -> (ticks: [RecordedTick], end: Int) {
    state.withLock { state in
      let ticks = Array(state.ticks.prefix(count).prefix { $0.time <= time })
      return (ticks, state.removed + ticks.count)
    }
  }

  /// Everything before position `end` is stored.
  func remove(before end: Int) {
    state.withLock { state in state.remove(max(0, end - state.removed)) }
  }

  /// The ticks in `after..<=through`.
  func ticks(after: Timestamp, through: Timestamp) -> [RecordedTick] {
    state.withLock { state in state.ticks.filter { $0.time > after && $0.time <= through } }
  }

  var count: Int { state.withLock { $0.ticks.count } }
}

extension UnstoredTicks.State {
  fileprivate mutating func remove(_ count: Int) {
    ticks.removeFirst(count)
    removed += count
  }
}
