public import CoreMetrics
import Synchronization

/// A queue of keys for any number of workers.
///
/// A key added many times is handed out once; one that is added while it is being processed is handed out again
/// afterwards; no key is with two workers at once. Changes come before resyncs, and nobody starves. `shutDown` lets queued
/// keys be finished and takes no new ones.
public final class WorkQueue<Key: Hashable & Sendable>: Sendable {
  private struct Alarm {
    var deadline: Duration
    var task: Task<Void, Never>
  }

  /// What has to be done once the lock is free. Resuming and cancelling may take locks of the runtime that it holds while it
  /// calls a cancellation handler, which wants our lock: done under it, they would wait for each other.
  private struct Afterwards {
    var workers: [(CheckedContinuation<Key?, Never>, Key?)] = []
    var drainers: [CheckedContinuation<Void, Never>] = []
    var cancelled: [Task<Void, Never>] = []

    func perform() {
      for (worker, key) in workers { worker.resume(returning: key) }
      for drainer in drainers { drainer.resume() }
      for task in cancelled { task.cancel() }
    }
  }

  private struct State {
    var queue = WorkQueueState<Key>()
    var waiting: [(id: Int, continuation: CheckedContinuation<Key?, Never>)] = []
    var nextWaiter = 0
    var delayed = DelayedKeys<Key>()
    /// One for the delayed key that is due first.
    var timer: Alarm?
    var drainers: [CheckedContinuation<Void, Never>] = []
    var addedAt: [Key: Duration] = [:]
    var takenAt: [Key: Duration] = [:]
    var afterwards = Afterwards()
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

  /// Keys that wait for their time.
  public var delayedCount: Int { state.withLock { $0.delayed.count } }

  /// Queues a key; one that is queued already at most rises to the priority. Does nothing once the queue is shut down.
  public func add(_ key: Key, priority: WorkPriority = .change) {
    change { add(key, priority, &$0) }
  }

  /// Queues a key after a while. Of several waits for one key the one that ends first counts.
  public func add(_ key: Key, after delay: Duration, priority: WorkPriority = .change) {
    guard delay > .zero else { return add(key, priority: priority) }
    change { state in
      guard !state.queue.isShutDown, state.delayed.add(key, at: time.now + delay, priority: priority) else { return }
      setTimer(&state)
    }
  }

  /// Queues a key after the waiting time of its number of failures.
  /// - Parameter other: The waiting times of this kind of failure; nil takes the queue's own.
  public func addAfterFailure(_ key: Key, policy other: RequeuePolicy? = nil) {
    let failures = state.withLock { $0.queue.countFailure(key) }
    metrics.retries.increment()
    add(key, after: (other ?? policy).delay(afterFailures: failures))
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
        change { state in
          if Task.isCancelled { return state.afterwards.workers.append((continuation, nil)) }
          state.waiting.append((id, continuation))
          handOut(&state)
        }
      }
    } onCancel: {
      change { state in
        guard let index = state.waiting.firstIndex(where: { $0.id == id }) else { return }
        state.afterwards.workers.append((state.waiting.remove(at: index).continuation, nil))
      }
    }
  }

  /// Says that the worker is done with a key.
  public func finish(_ key: Key) {
    change { state in
      if let taken = state.takenAt.removeValue(forKey: key) { metrics.workDuration.record(duration: time.now - taken) }
      if state.queue.finish(key) { state.addedAt[key] = time.now }
      handOut(&state)
    }
  }

  /// Takes no new keys, drops delayed ones; workers get what is queued and then nil.
  public func shutDown() {
    change { state in
      state.queue.shutDown()
      state.delayed.removeAll()
      if let timer = state.timer { state.afterwards.cancelled.append(timer.task) }
      state.timer = nil
      handOut(&state)
    }
  }

  /// Returns when nothing is queued and nothing is being processed.
  public func waitUntilIdle() async {
    await withCheckedContinuation { continuation in
      change { state in
        state.drainers.append(continuation)
        releaseDrainers(&state)
      }
    }
  }

  /// Brings the metrics up to date that change while nothing happens; called before they are read.
  public func refreshMetrics() {
    let started = state.withLock { Array($0.takenAt.values) }
    let now = time.now
    metrics.recordRunning(started.map { now - $0 })
  }

  private func add(_ key: Key, _ priority: WorkPriority, _ state: inout State) {
    guard state.queue.add(key, priority: priority) else { return }
    metrics.adds.increment()
    state.addedAt[key] = time.now
    handOut(&state)
  }

  private func setTimer(_ state: inout State) {
    guard let deadline = state.delayed.next else { return }
    if let timer = state.timer, timer.deadline <= deadline { return }
    if let timer = state.timer { state.afterwards.cancelled.append(timer.task) }
    let delay = deadline - time.now
    state.timer = Alarm(
      deadline: deadline,
      task: Task { [time, weak self] in
        guard (try? await time.sleep(for: delay)) != nil else { return }
        self?.timerFired(deadline)
      })
  }

  private func timerFired(_ deadline: Duration) {
    change { state in
      guard state.timer?.deadline == deadline else { return }
      state.timer = nil
      for (key, priority) in state.delayed.due(at: max(time.now, deadline)) { add(key, priority, &state) }
      setTimer(&state)
    }
  }

  private func change(_ body: (inout State) -> Void) {
    let afterwards = state.withLock { state in
      body(&state)
      defer { state.afterwards = Afterwards() }
      return state.afterwards
    }
    afterwards.perform()
  }

  /// Brings keys and waiting workers together.
  private func handOut(_ state: inout State) {
    while !state.waiting.isEmpty, let key = state.queue.take() {
      let now = time.now
      if let added = state.addedAt.removeValue(forKey: key) { metrics.queueDuration.record(duration: now - added) }
      state.takenAt[key] = now
      state.afterwards.workers.append((state.waiting.removeFirst().continuation, key))
    }
    metrics.depth.record(state.queue.depth)
    // A key held back by its processing comes to the worker that finishes it, so waiting workers may go.
    if state.queue.isShutDown, state.queue.depth == 0 {
      state.afterwards.workers += state.waiting.map { ($0.continuation, nil) }
      state.waiting = []
    }
    releaseDrainers(&state)
  }

  private func releaseDrainers(_ state: inout State) {
    guard state.queue.isIdle else { return }
    state.afterwards.drainers += state.drainers
    state.drainers = []
  }
}
