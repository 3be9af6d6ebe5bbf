public import CoreMetrics
import KubernetesClient
public import Logging
import Synchronization
import Tracing

/// Calls a reconciler for every key that a change may concern, with retries, time-outs, metrics and spans.
public final class Controller: Sendable {
  private struct Resync {
    var interval: Duration
    var keys: @Sendable () -> [ObjectKey]
  }

  public let name: String
  let queue: WorkQueue<ObjectKey>

  private let reconciler: any Reconciler
  private let workers: Int
  private let timeout: Duration
  private let classify: @Sendable (any Error) -> ReconcileDisposition
  private let time: TimeSource
  private let logger: Logger
  private let metrics: ControllerMetrics
  private let informers = Mutex<[any AnyInformer]>([])
  private let resyncs = Mutex<[Resync]>([])

  /// - Parameters:
  ///   - name: The `controller` label of metrics and log lines.
  ///   - workers: How many keys are reconciled at once; one key never is twice.
  ///   - timeout: A reconcile is cancelled, its requests with it, and retried after this long.
  ///   - retry: The waiting times after failures.
  ///   - classify: What to do about an error.
  public init(
    name: String, reconciler: any Reconciler, workers: Int = 4, timeout: Duration = .seconds(120),
    retry: RequeuePolicy = RequeuePolicy(),
    classify: @escaping @Sendable (any Error) -> ReconcileDisposition = { ReconcileDisposition(of: $0) },
    logger: Logger = Logger(label: "controller"), metrics: any MetricsFactory = MetricsSystem.factory,
    clock: any Clock<Duration> = ContinuousClock()
  ) {
    self.name = name
    self.reconciler = reconciler
    self.workers = workers
    self.timeout = timeout
    self.classify = classify
    var logger = logger
    logger[metadataKey: "controller"] = "\(name)"
    self.logger = logger
    time = TimeSource(clock)
    self.metrics = ControllerMetrics(controller: name, workers: workers, factory: metrics)
    queue = WorkQueue(name: name, policy: retry, clock: clock, metrics: metrics)
  }

  /// Makes `run` wait for this informer without watching it: for reconcilers that only read it.
  public func follow(_ informer: any AnyInformer) {
    informers.withLock { known in
      if !known.contains(where: { $0 === informer }) { known.append(informer) }
    }
  }

  /// Reconciles a key now or after a while, whatever changes.
  public func enqueue(_ key: ObjectKey, after delay: Duration? = nil, priority: WorkPriority = .change) {
    queue.add(key, after: delay ?? .zero, priority: priority)
  }

  /// Reconciles what `keys` gives every so often although nothing changed, when there is nothing more urgent: for a world
  /// that no watch shows.
  /// - Parameter interval: Up to a tenth is added at random, so that replicas and controllers spread.
  public func resync(every interval: Duration, keys: @escaping @Sendable () -> [ObjectKey]) {
    resyncs.withLock { $0.append(Resync(interval: interval, keys: keys)) }
  }

  // MARK: Running

  /// Reconciles until `stop` is called or the task is cancelled. Starts when all informers have their first list.
  public func run() async throws {
    for informer in informers.withLock({ $0 }) { try await informer.waitUntilSynced() }
    logger.debug("started", metadata: ["workers": "\(workers)"])
    let resyncing = resyncs.withLock { $0 }.map { resync in Task { [self] in await repeatedly(resync) } }
    defer { for task in resyncing { task.cancel() } }
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<workers {
        group.addTask { [self] in
          while let key = await queue.next() {
            await process(key)
            queue.finish(key)
          }
        }
      }
    }
    try Task.checkCancellation()
  }

  /// Takes nothing new; `run` returns when what is queued has been reconciled.
  public func stop() {
    queue.shutDown()
  }

  /// Brings metrics up to date that change while nothing happens.
  func refreshMetrics() { queue.refreshMetrics() }

  private func repeatedly(_ resync: Resync) async {
    while (try? await time.sleep(for: resync.interval * Double.random(in: 1...1.1))) != nil {
      for key in resync.keys() { queue.add(key, priority: .resync) }
    }
  }

  private func process(_ key: ObjectKey) async {
    let started = time.now
    metrics.active.increment()
    defer {
      metrics.active.decrement()
      metrics.time.record(duration: time.now - started)
    }
    do {
      let result = try await withSpan("reconcile") { span in
        span.attributes["controller"] = name
        span.attributes["k8s.namespace.name"] = key.namespace ?? ""
        span.attributes["k8s.object.name"] = key.name
        return try await withDeadline(timeout, time: time) { [reconciler] in try await reconciler.reconcile(key) }
      }
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
    // Someone else wrote first: the next look has the newer state, nobody needs to read about it.
    let level: Logger.Level = (error as? KubernetesError)?.isConflict == true ? .debug : .warning
    switch classify(error) {
    case .retry(let delay?):
      logger.log(level: level, "reconcile failed, will retry", metadata: details)
      queue.add(key, after: delay)
    case .retry(nil):
      logger.log(level: level, "reconcile failed, will retry", metadata: details)
      queue.addAfterFailure(key)
    case .retryGrowing(let policy):
      logger.log(level: level, "reconcile failed, will retry", metadata: details)
      queue.addAfterFailure(key, policy: policy)
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
