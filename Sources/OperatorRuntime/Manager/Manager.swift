public import KubernetesClient
public import Logging
import PrometheusMetrics
import Synchronization
import UnixSignals

/// Runs an operator: informers, then leader election if asked for, then controllers; health and metrics all the while.
///
/// On a stop signal, or `stop()`: not ready any more, controllers finish what they are at within the grace period, the
/// lease is given up, everything else ends, `run` returns.
public final class Manager: Sendable {
  private struct Parts {
    var informers: [any AnyInformer] = []
    var controllers: [Controller] = []
    var services: [@Sendable () async throws -> Void] = []
    var readinessChecks: [(name: String, check: @Sendable () async -> Bool)] = []
  }

  private enum Ending: Sendable {
    case workEnded
    case stopped
  }

  /// Informers that several parts of an operator share. The manager runs those that are asked for here.
  public let informers: InformerRegistry

  private let client: KubernetesClient
  private let logger: Logger
  private let options: ManagerOptions
  private let elector: LeaderElector?
  private let parts = Mutex(Parts())
  private let stopRequests = AsyncStream<Void>.makeStream()
  private let isStopping = Mutex(false)
  private let ports = Mutex<[String: Int]>([:])

  public init(client: KubernetesClient, logger: Logger, options: ManagerOptions = ManagerOptions()) {
    self.client = client
    self.logger = logger
    self.options = options
    informers = InformerRegistry(client: client, logger: logger)
    elector = options.leaderElection.map {
      LeaderElector(
        client: client, lease: $0.lease, identity: $0.identity, timing: $0.timing, logger: logger,
        metrics: options.registry)
    }
  }

  /// Whether this replica works: always without leader election.
  public var isLeader: Bool { elector?.isLeader ?? true }

  /// A client for work that only the leader may do: once the lease is lost, its writes are not sent any more. Without
  /// leader election it is the manager's own.
  public var leaderClient: KubernetesClient { elector?.fenced(client) ?? client }

  /// Where the health endpoints listen, once they do.
  public var healthPort: Int? { ports.withLock { $0["health"] } }
  /// Where `/metrics` listens, once it does.
  public var metricsPort: Int? { ports.withLock { $0["metrics"] } }

  /// Runs an informer that was made by hand.
  public func add(_ informer: any AnyInformer) {
    parts.withLock { parts in
      if !parts.informers.contains(where: { $0 === informer }) { parts.informers.append(informer) }
    }
  }

  public func add(_ controller: Controller) {
    parts.withLock { $0.controllers.append(controller) }
  }

  /// Work beside the controllers that only the leader does; cancelled when the manager stops. It may end early.
  public func add(service: @escaping @Sendable () async throws -> Void) {
    parts.withLock { $0.services.append(service) }
  }

  /// `/readyz` fails while `check` gives false. Synced informers are checked in any case.
  public func addReadinessCheck(_ name: String, _ check: @escaping @Sendable () async -> Bool) {
    parts.withLock { $0.readinessChecks.append((name, check)) }
  }

  /// Begins a graceful stop; `run` returns when it is over.
  public func stop() {
    isStopping.withLock { $0 = true }
    stopRequests.continuation.yield()
  }

  /// Runs until stopped or cancelled.
  /// - Throws: `LeadershipLost`; what an informer, a server or an added service throws; `CancellationError`.
  public func run() async throws {
    try await withTaskExecutorPreference(options.executor) { try await runParts() }
  }

  private func runParts() async throws {
    var parts = parts.withLock { $0 }
    let made = parts.informers
    // What the registry gave out counts for readiness and warm stores, and runs by itself.
    let shared = informers.all
    parts.informers = made.filter { informer in !shared.contains { $0 === informer } } + shared
    let all = parts
    let signals = options.signals.isEmpty ? nil : await UnixSignalsSequence(trapping: options.signals)
    try await withThrowingTaskGroup(of: Ending.self) { group in
      defer { group.cancelAll() }
      for (name, port, security, answer) in servers() {
        group.addTask { [self] in
          let authenticator = TokenAuthenticator(client: client, access: security.access, time: .continuous)
          try await ManagerServer(
            name: name, host: options.host, port: port, security: security, authenticator: authenticator,
            logger: logger, listening: { port in self.ports.withLock { $0[name] = port } }
          ).run(answer)
          return .workEnded
        }
      }
      group.addTask { [informers] in
        try await informers.run()
        return .workEnded
      }
      for informer in made where !shared.contains(where: { $0 === informer }) {
        group.addTask {
          try await informer.run()
          return .workEnded
        }
      }
      if let signals {
        group.addTask { [self] in
          for await signal in signals {
            logger.info("stopping", metadata: ["signal": "\(signal)"])
            stop()
          }
          return .stopped
        }
      }
      group.addTask { [self] in
        var requests = stopRequests.stream.makeAsyncIterator()
        await requests.next()
        try Task.checkCancellation()
        return .stopped
      }
      let work = Task(executorPreference: options.executor) { [self] in try await runWork(all) }
      group.addTask {
        try await withTaskCancellationHandler {
          try await work.value
        } onCancel: {
          work.cancel()
        }
        return .workEnded
      }
      _ = try await group.next()
      if isStopping.withLock({ $0 }) { try await drain(all, work) }
    }
  }

  /// Lets controllers end by themselves, then by force.
  private func drain(_ parts: Parts, _ work: Task<Void, any Error>) async throws {
    for controller in parts.controllers { controller.stop() }
    let deadline = Task(executorPreference: options.executor) { [gracePeriod = options.gracePeriod] in
      try await Task.sleep(for: gracePeriod)
      work.cancel()
    }
    defer { deadline.cancel() }
    // Nothing is being reconciled yet, so there is nothing to wait for.
    if parts.controllers.isEmpty || !isLeader || parts.informers.contains(where: { !$0.isSynced }) { work.cancel() }
    do {
      try await work.value
    } catch is CancellationError {
      logger.debug("work was cancelled")
    }
  }

  private func runWork(_ parts: Parts) async throws {
    guard let elector else { return try await lead(parts) }
    // A candidate with warm stores takes over at once.
    for informer in parts.informers { try await informer.waitUntilSynced() }
    try await elector.run { [self] in try await lead(parts) }
  }

  /// Ends when the controllers have ended, or without any when the services have.
  private func lead(_ parts: Parts) async throws {
    logger.info("controllers start", metadata: ["count": "\(parts.controllers.count)"])
    try await withThrowingTaskGroup(of: Bool.self) { group in
      defer { group.cancelAll() }
      for service in parts.services {
        group.addTask {
          try await service()
          return false
        }
      }
      group.addTask {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for controller in parts.controllers { group.addTask { try await controller.run() } }
          try await group.waitForAll()
        }
        return !parts.controllers.isEmpty
      }
      while let isOver = try await group.next(), !isOver {}
    }
  }

  private typealias Server = (name: String, port: Int, security: EndpointSecurity, answer: ManagerServer.Handler)

  private func servers() -> [Server] {
    var servers: [Server] = []
    if let port = options.healthPort {
      servers.append(("health", port, options.healthSecurity, { [self] in await health($0) }))
    }
    if let port = options.metricsPort {
      servers.append(("metrics", port, options.metricsSecurity, { [self] in metrics($0) }))
    }
    return servers
  }

  private func metrics(_ path: String) -> ManagerServer.Answer? {
    guard path == "/metrics" else { return nil }
    for controller in parts.withLock({ $0.controllers }) { controller.refreshMetrics() }
    return .metrics(options.registry.exposition())
  }

  func health(_ path: String) async -> ManagerServer.Answer? {
    switch path {
    case "/healthz", "/livez": .ok("ok")
    case "/readyz": await readiness()
    default: nil
    }
  }

  /// Ready means: could do its work. A replica that waits for the lease is ready.
  private func readiness() async -> ManagerServer.Answer {
    if isStopping.withLock({ $0 }) { return .unavailable("stopping") }
    let (made, checks) = parts.withLock { ($0.informers, $0.readinessChecks) }
    if let missing = (made + informers.all).first(where: { !$0.isSynced }) {
      return .unavailable("\(missing.name) not listed yet")
    }
    for (name, check) in checks where !(await check()) { return .unavailable("\(name) not ready") }
    return .ok("ok")
  }
}
