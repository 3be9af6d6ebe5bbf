public import KubernetesModels

/// Remembers what a server offers.
///
/// What is not found is asked for again, because a definition may have been installed meanwhile, but not in a hot loop;
/// what is found is trusted until the lifetime is over or somebody calls ``invalidate()``.
public actor DiscoveryCache {
  private let client: KubernetesClient
  private let lifetime: Duration
  private let missInterval: Duration
  private let now: @Sendable () -> ContinuousClock.Instant
  private var known: (discovery: APIDiscovery, at: ContinuousClock.Instant)?
  private var running: Task<APIDiscovery, any Error>?

  /// Makes an empty cache.
  /// - Parameters:
  ///   - lifetime: how long an answer is trusted.
  ///   - missInterval: how long a miss is trusted.
  public init(client: KubernetesClient, lifetime: Duration = .seconds(600), missInterval: Duration = .seconds(5)) {
    self.init(client: client, lifetime: lifetime, missInterval: missInterval, now: { .now })
  }

  init(
    client: KubernetesClient, lifetime: Duration, missInterval: Duration,
    now: @escaping @Sendable () -> ContinuousClock.Instant
  ) {
    self.client = client
    self.lifetime = lifetime
    self.missInterval = missInterval
    self.now = now
  }

  /// Forgets everything; the next question is asked of the server.
  public func invalidate() {
    known = nil
    running = nil
  }

  /// All that the server offers, remembered or asked for.
  /// - Throws: ``KubernetesError``.
  public func discovery() async throws -> APIDiscovery { try await discovery(notOlderThan: lifetime) }

  /// The resource that a name as kubectl takes it stands for: `po`, `Deployment`, `deployments.v1.apps`.
  /// - Returns: `nil` when the server has none of that name, now.
  /// - Throws: ``KubernetesError``.
  public func resource(matching text: String) async throws -> DiscoveredResource? {
    try await find { $0.resource(matching: text) }
  }

  /// The resource of a kind, as `apiVersion` and `kind` of an object name it.
  /// - Returns: `nil` when the server has no such kind, now.
  /// - Throws: ``KubernetesError``.
  public func resource(apiVersion: String, kind: String) async throws -> DiscoveredResource? {
    try await find { discovery in
      discovery.resources.first { $0.type.apiVersion == apiVersion && $0.type.kind == kind }
    }
  }

  /// Whether the server has a resource.
  /// - Throws: ``KubernetesError``.
  public func serves(_ type: ResourceType) async throws -> Bool {
    try await find { $0.serves(type) ? true : nil } ?? false
  }

  private func find<Found: Sendable>(_ look: (APIDiscovery) -> Found?) async throws -> Found? {
    if let found = look(try await discovery(notOlderThan: lifetime)) { return found }
    return look(try await discovery(notOlderThan: missInterval))
  }

  /// However many ask, the server is asked once.
  private func discovery(notOlderThan age: Duration) async throws -> APIDiscovery {
    if let known, known.at.duration(to: now()) < age { return known.discovery }
    let client = client
    let task = running ?? Task { try await client.discover() }
    running = task
    let outcome = await task.result
    // After `invalidate` the answer is of a question that nobody asks any more.
    if running == task {
      running = nil
      if case .success(let discovery) = outcome { known = (discovery, now()) }
    }
    try Task.checkCancellation()
    return try outcome.get()
  }
}
