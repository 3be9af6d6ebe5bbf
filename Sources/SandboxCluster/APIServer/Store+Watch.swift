import KubernetesModels
import Synchronization

/// Reads one collection's events in order. The collection's event ring is the buffer: a reader that is too slow
/// finds its place overwritten and gets nil, which a watch reports as 410.
struct WatchCursor: Sendable {
  let store: Store
  let key: StorageKey
  /// Everything up to here is delivered.
  private(set) var revision: UInt64

  init(store: Store, key: StorageKey, revision: UInt64) {
    self.store = store
    self.key = key
    self.revision = revision
  }

  enum Batch: Sendable {
    case events([StoreEvent])
    /// The deadline came first; all that happened up to `revision` is delivered.
    case idle
    /// The ring has moved on.
    case tooOld(current: UInt64)
  }

  /// The next events; waits until there are some or the deadline passes.
  mutating func next(until deadline: ContinuousClock.Instant) async -> Batch {
    while true {
      switch store.poll(key, after: revision) {
      case .tooOld(let current):
        return .tooOld(current: current)
      case .events(let events):
        guard let last = events.last else { return .idle }
        revision = last.revision
        return .events(events)
      case .idle(let current):
        revision = current
        if Task.isCancelled || store.isClosed || ContinuousClock.now >= deadline { return .idle }
        await store.wait(key, after: revision, until: deadline)
      }
    }
  }
}

extension Store {
  enum Poll {
    case events([StoreEvent])
    case idle(current: UInt64)
    case tooOld(current: UInt64)
  }

  fileprivate func poll(_ key: StorageKey, after revision: UInt64) -> Poll {
    state.withLock { state in
      guard let collection = state.collections[key] else { return .idle(current: state.revision) }
      guard let events = collection.ring.after(revision) else { return .tooOld(current: state.revision) }
      return events.isEmpty ? .idle(current: state.revision) : .events(Array(events))
    }
  }

  /// Returns at the next event, at the deadline (within the second), or when the task is cancelled.
  fileprivate func wait(_ key: StorageKey, after revision: UInt64, until deadline: ContinuousClock.Instant) async {
    let id = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let parked = state.withLock { state in
          // An event or a cancellation may have come between the poll and here.
          let events = state.collections[key]?.ring.after(revision)
          if state.isClosed || Task.isCancelled || events?.isEmpty == false
            || (events == nil && state.collections[key] != nil)
          {
            return false
          }
          state.collections[key, default: newCollection()].waiters[id] = Waiter(
            continuation: continuation, deadline: deadline)
          return true
        }
        if !parked { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.collections[key]?.waiters.removeValue(forKey: id) }?.continuation.resume()
    }
  }

  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Ends every watch.
  func close() {
    state.withLock { $0.isClosed = true }
    wakeExpiredWaiters(now: nil)
  }

  /// Wakes the watches whose deadline has passed; all of them when `now` is nil.
  func wakeExpiredWaiters(now: ContinuousClock.Instant?) {
    let woken = state.withLock { state in
      var woken: [Waiter] = []
      for key in Array(state.collections.keys) {
        guard let waiters = state.collections[key]?.waiters, !waiters.isEmpty else { continue }
        for (id, waiter) in waiters where now.map({ waiter.deadline <= $0 }) ?? true {
          state.collections[key]?.waiters[id] = nil
          woken.append(waiter)
        }
      }
      return woken
    }
    for waiter in woken { waiter.continuation.resume() }
  }
}
