public import CoreMetrics
import KubernetesClient
public import KubernetesModels
public import Logging
import Synchronization

/// Calls a reconciler for every key that a change may concern, with retries, time-outs and metrics.
public final class Controller: Sendable {
  public let name: String

  private let reconciler: any Reconciler
  private let workers: Int
  private let timeout: Duration
  private let time: TimeSource
  private let logger: Logger
  private let metrics: ControllerMetrics
  private let queue: WorkQueue<ObjectKey>
  private let informers = Mutex<[any AnyInformer]>([])

  /// - Parameters:
  ///   - name: The `controller` label of metrics and log lines.
  ///   - workers: How many keys are reconciled at once; one key never is twice.
  ///   - timeout: A reconcile is cancelled and retried after this long.
  public init(
    name: String, reconciler: any Reconciler, workers: Int = 4, timeout: Duration = .seconds(120),
    retry: RequeuePolicy = RequeuePolicy(), logger: Logger = Logger(label: "controller"),
    metrics: any MetricsFactory = MetricsSystem.factory, clock: any Clock<Duration> = ContinuousClock()
  ) {
    self.name = name
    self.reconciler = reconciler
    self.workers = workers
    self.timeout = timeout
    var logger = logger
    logger[metadataKey: "controller"] = "\(name)"
    self.logger = logger
    time = TimeSource(clock)
    self.metrics = ControllerMetrics(controller: name, workers: workers, factory: metrics)
    queue = WorkQueue(name: name, policy: retry, clock: clock, metrics: metrics)
  }

  // MARK: Sources

  /// Reconciles, for every change of an object, the keys that `map` gives for it.
  ///
  /// An update maps the old state too, so that an object that stops belonging to a key still wakes it.
  /// - Parameter where: Changes for which this is false are ignored.
  public func watch<Object>(
    _ informer: Informer<Object>, where isRelevant: (@Sendable (StoreChange<Object>) -> Bool)? = nil,
    map: @escaping @Sendable (Object) -> [ObjectKey]
  ) {
    follow(informer)
    informer.observe { [queue] change in
      if let isRelevant, !isRelevant(change) { return }
      if case .updated(let old, _) = change { for key in map(old) { queue.add(key) } }
      for key in map(change.object) { queue.add(key) }
    }
  }

  /// Reconciles the object itself for every change of it.
  public func watch<Object>(_ informer: Informer<Object>) {
    watch(informer) { [$0.key] }
  }

  /// Reconciles the owner of every object that changes, if its controlling owner is of kind `ownerKind`.
  public func own<Object>(_ informer: Informer<Object>, ownerKind: String) {
    watch(informer) { object in
      guard let owner = object.controllingOwner, owner.kind == ownerKind else { return [] }
      return [ObjectKey(namespace: object.metadata.namespace, name: owner.name)]
    }
  }

  /// Reconciles, for every change of an object of a type known at run time, the keys that `map` gives for it.
  public func watch(_ informer: DynamicInformer, map: @escaping @Sendable (DynamicObject) -> [ObjectKey]) {
    follow(informer)
    informer.observe { [queue] change in
      if case .updated(let old, _) = change { for key in map(old) { queue.add(key) } }
      for key in map(change.object) { queue.add(key) }
    }
  }

  /// Makes `run` wait for this informer without watching it: for reconcilers that only read it.
  public func follow(_ informer: any AnyInformer) {
    informers.withLock { known in
      if !known.contains(where: { $0 === informer }) { known.append(informer) }
    }
  }

  /// Reconciles a key now or after a while, whatever changes.
  public func enqueue(_ key: ObjectKey, after delay: Duration? = nil) {
    queue.add(key, after: delay ?? .zero)
  }

  // MARK: Running

  /// Reconciles until `stop` is called or the task is cancelled. Starts when all informers have their first list.
  public func run() async throws {
    for informer in informers.withLock({ $0 }) { try await informer.waitUntilSynced() }
    logger.debug("started", metadata: ["workers": "\(workers)"])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<workers {
        group.addTask { [self] in
          while let key = await queue.next() {
            await process(key)
            queue.finish(key)
          }
        }
      }
      try await group.waitForAll()
    }
    try Task.checkCancellation()
  }

  /// Takes nothing new; `run` returns when what is queued has been reconciled.
  public func stop() {
    queue.shutDown()
  }

  private func process(_ key: ObjectKey) async {
    let started = time.now
    metrics.active.increment()
    defer {
      metrics.active.decrement()
      metrics.time.record(duration: time.now - started)
    }
    do {
      let result = try await withDeadline(timeout, time: time) { [reconciler] in try await reconciler.reconcile(key) }
      queue.forget(key)
      switch result {
      case .done: metrics.count(.success)
      case .requeue(let delay):
        metrics.count(.requeueAfter)
        queue.add(key, after: delay)
      }
    } catch {
      handle(error, key)
    }
  }

  private func handle(_ error: any Error, _ key: ObjectKey) {
    if error is CancellationError, Task.isCancelled { return }
    metrics.count(.error)
    metrics.errors.increment()
    if error is DeadlineExceeded { metrics.timeouts.increment() }
    let details: Logger.Metadata = ["key": "\(key)", "error": "\(error)"]
    switch (error as? any RetryClassifiable)?.disposition ?? .retry() {
    case .retry(let delay):
      // Someone else wrote first: the next look has the newer state, nobody needs to read about it.
      let isConflict = (error as? KubernetesError)?.isConflict == true
      logger.log(level: isConflict ? .debug : .warning, "reconcile failed, will retry", metadata: details)
      if let delay {
        queue.add(key, after: delay)
      } else {
        queue.addAfterFailure(key)
      }
    case .waitForChange:
      logger.info("reconcile waits for a change", metadata: details)
      queue.forget(key)
    case .stalled:
      metrics.terminalErrors.increment()
      logger.error("reconcile stalled", metadata: details)
      queue.forget(key)
    }
  }
}
