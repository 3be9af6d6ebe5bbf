public import CoreMetrics
import Synchronization

/// The waiting time after each failure of a key.
public struct RequeuePolicy: Sendable {
  public var initial: Duration
  public var maximum: Duration

  /// controller-runtime's defaults: 5 ms, doubled with each failure, about 16 minutes at most.
  public init(initial: Duration = .milliseconds(5), maximum: Duration = .seconds(1000)) {
    self.initial = initial
    self.maximum = maximum
  }

  func delay(afterFailures failures: Int) -> Duration {
    Backoff.delay(attempt: failures, initial: initial, maximum: maximum)
  }
}

/// A queue of keys for any number of workers.
///
/// A key added many times is handed out once; one that is added while it is being processed is handed out again
/// afterwards; no key is with two workers at once. `shutDown` lets queued keys be finished and takes no new ones.
public final class WorkQueue<Key: Hashable & Sendable>: Sendable {
  private struct Delayed {
    var deadline: Duration
    var task: Task<Void, Never>
  }

  private struct State {
    var queue = WorkQueueState<Key>()
    var waiting: [(id: Int, continuation: CheckedContinuation<Key?, Never>)] = []
    var nextWaiter = 0
    var delayed: [Key: Delayed] = [:]
    var drainers: [CheckedContinuation<Void, Never>] = []
    var addedAt: [Key: Duration] = [:]
    var takenAt: [Key: Duration] = [:]
  }

  private let state = Mutex(State())
  private let policy: RequeuePolicy
  private let time: TimeSource
  private let metrics: WorkQueueMetrics

  /// - Parameter name: The `name` label of the metrics.
  public init(
    name: String, policy: RequeuePolicy = RequeuePolicy(), clock: any Clock<Duration> = ContinuousClock(),
    metrics: any MetricsFactory = MetricsSystem.factory
  ) {
    self.policy = policy
    time = TimeSource(clock)
    self.metrics = WorkQueueMetrics(name: name, factory: metrics)
  }

  /// Keys that are ready and that no worker has taken yet.
  public var depth: Int { state.withLock { $0.queue.depth } }

  /// Queues a key; does nothing when it is queued already or the queue is shut down.
  public func add(_ key: Key) {
    state.withLock { state in
      guard state.queue.add(key) else { return }
      metrics.adds.increment()
      state.addedAt[key] = time.now
      handOut(&state)
    }
  }

  /// Queues a key after a while. Of several waits for one key the one that ends first counts.
  public func add(_ key: Key, after delay: Duration) {
    guard delay > .zero else { return add(key) }
    let deadline = time.now + delay
    state.withLock { state in
      guard !state.queue.isShutDown else { return }
      if let known = state.delayed[key] {
        if known.deadline <= deadline { return }
        known.task.cancel()
      }
      state.delayed[key] = Delayed(
        deadline: deadline,
        task: Task { [time, weak self] in
          guard (try? await time.sleep(for: delay)) != nil else { return }
          self?.fire(key, deadline)
        })
    }
  }

  /// Queues a key after the waiting time of its number of failures.
  public func addAfterFailure(_ key: Key) {
    let failures = state.withLock { $0.queue.countFailure(key) }
    metrics.retries.increment()
    add(key, after: policy.delay(afterFailures: failures))
  }

  /// Forgets a key's failures; its next failure waits the shortest time again.
  public func forget(_ key: Key) {
    state.withLock { $0.queue.forget(key) }
  }

  /// How often a key failed since it was last forgotten.
  public func failureCount(_ key: Key) -> Int {
    state.withLock { $0.queue.failureCount(key) }
  }

  /// The next key, waiting for one if need be; nil when the queue is shut down and empty, or the task is cancelled.
  ///
  /// Each key taken must be given back with `finish`.
  public func next() async -> Key? {
    let id = state.withLock { state in
      defer { state.nextWaiter += 1 }
      return state.nextWaiter
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        state.withLock { state in
          if Task.isCancelled { return continuation.resume(returning: nil) }
          state.waiting.append((id, continuation))
          handOut(&state)
        }
      }
    } onCancel: {
      state.withLock { state in
        guard let index = state.waiting.firstIndex(where: { $0.id == id }) else { return }
        state.waiting.remove(at: index).continuation.resume(returning: nil)
      }
    }
  }

  /// Says that the worker is done with a key.
  public func finish(_ key: Key) {
    state.withLock { state in
      if let taken = state.takenAt.removeValue(forKey: key) { metrics.workDuration.record(duration: time.now - taken) }
      if state.queue.finish(key) { state.addedAt[key] = time.now }
      handOut(&state)
    }
  }

  /// Takes no new keys, drops delayed ones; workers get what is queued and then nil.
  public func shutDown() {
    state.withLock { state in
      state.queue.shutDown()
      for delayed in state.delayed.values { delayed.task.cancel() }
      state.delayed = [:]
      handOut(&state)
    }
  }

  /// Returns when nothing is queued and nothing is being processed.
  public func waitUntilIdle() async {
    await withCheckedContinuation { continuation in
      state.withLock { state in
        if state.queue.isIdle { return continuation.resume() }
        state.drainers.append(continuation)
      }
    }
  }

  private func fire(_ key: Key, _ deadline: Duration) {
    let isCurrent = state.withLock { state in
      guard state.delayed[key]?.deadline == deadline else { return false }
      state.delayed[key] = nil
      return true
    }
    if isCurrent { add(key) }
  }

  /// Brings keys and waiting workers together. Resuming only schedules the worker, so doing it under the lock is safe.
  private func handOut(_ state: inout State) {
    while !state.waiting.isEmpty, let key = state.queue.take() {
      let now = time.now
      if let added = state.addedAt.removeValue(forKey: key) { metrics.queueDuration.record(duration: now - added) }
      state.takenAt[key] = now
      state.waiting.removeFirst().continuation.resume(returning: key)
    }
    metrics.depth.record(state.queue.depth)
    // A key held back by its processing comes to the worker that finishes it, so waiting workers may go.
    if state.queue.isShutDown, state.queue.depth == 0 {
      for waiter in state.waiting { waiter.continuation.resume(returning: nil) }
      state.waiting = []
    }
    if state.queue.isIdle {
      for drainer in state.drainers { drainer.resume() }
      state.drainers = []
    }
  }
}
