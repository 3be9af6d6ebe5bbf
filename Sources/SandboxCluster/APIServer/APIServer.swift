public import KubernetesClient
import KubernetesModels
import Synchronization

/// An in-memory Kubernetes API server: stock clients work against it unchanged.
///
/// Everything is in `handle(_:as:)`; `APIServerFrontEnd` puts it behind TLS, `client(as:)` offers it in the same
/// process.
/// The state lives as long as the object.
public final class APIServer: Sendable {
  public struct Configuration: Sendable {
    /// Cluster IPs are taken from here; the first one is the `kubernetes` Service's.
    public var serviceCIDR = "10.96.0.0/16"
    public var clusterDomain = "cluster.local"
    /// Events remembered for each resource: a watch that starts further back gets 410. Each event holds on to a version
    /// of its object, some 25 KB for a Pod.
    public var eventHistory = 2_500
    /// What `/version` says.
    public var version = "v1.33.0+sandbox"
    /// `iss` of service-account tokens.
    public var tokenIssuer = "https://kubernetes.default.svc.cluster.local"
    /// A bearer token of `system:masters`, if any.
    public var adminToken: String?
    /// How often a quiet watch gets a bookmark.
    public var bookmarkInterval: Duration = .seconds(60)

    public init() {}
  }

  /// What the node's engine plugs in once it is up.
  struct Hooks: Sendable {
    var upgrades: (any UpgradeHandler)?
    var logs: (any PodLogSource)?
    var metrics: (any PodMetricsSource)?
  }

  public let configuration: Configuration
  /// Signs the server's certificate and clients' certificates.
  public let certificateAuthority: CertificateAuthority
  /// Requests so far, by user, verb and resource.
  public let counters = RequestCounters()
  let store: Store
  let registry: ResourceRegistry
  let tokens: ServiceAccountTokens
  let services: ServiceAllocator
  let openAPICache = Mutex<[String: [UInt8]]>([:])
  private let hooks = Mutex(Hooks())
  private let ticker: Task<Void, Never>
  let adminIdentity: CertificateAuthority.Identity

  /// Makes a server with the objects that every cluster has: four namespaces, the bootstrap RBAC roles, the
  /// `kubernetes` Service and the StorageClass `standard`.
  ///
  /// - Throws: `SecurityError` when keys can't be made.
  public init(configuration: Configuration = .init(), certificateAuthority: CertificateAuthority? = nil) throws {
    self.configuration = configuration
    let authority = try certificateAuthority ?? CertificateAuthority(commonName: "rtx-sandbox-ca")
    self.certificateAuthority = authority
    adminIdentity = try authority.issue(
      commonName: UserIdentity.admin.name, organizations: ["system:masters"], usage: .client)
    let store = Store(ringCapacity: configuration.eventHistory)
    self.store = store
    registry = ResourceRegistry(BuiltinResources.all)
    tokens = try ServiceAccountTokens(issuer: configuration.tokenIssuer)
    services = try ServiceAllocator(cidr: configuration.serviceCIDR)
    ticker = Task.detached { [weak store] in
      var seconds = 0
      while !Task.isCancelled {
        try? await Task.sleep(for: .seconds(1))
        guard let store else { return }
        store.wakeExpiredWaiters(now: ContinuousClock.now)
        seconds += 1
        if seconds % 60 == 0 { EventExpiry.run(store) }
      }
    }
    try bootstrap()
  }

  deinit {
    ticker.cancel()
    store.close()
  }

  /// A client that talks to this server without a network.
  public func client(as user: UserIdentity = .admin) -> KubernetesClient {
    KubernetesClient(transport: InProcessTransport(server: self, user: user))
  }

  /// Who answers pods/exec, attach and portforward from now on.
  public func setUpgradeHandler(_ handler: (any UpgradeHandler)?) { hooks.withLock { $0.upgrades = handler } }

  /// Who answers pods/log from now on.
  public func setPodLogSource(_ source: (any PodLogSource)?) { hooks.withLock { $0.logs = source } }

  /// Who answers metrics.k8s.io from now on; without one the group is not served.
  public func setPodMetricsSource(_ source: (any PodMetricsSource)?) { hooks.withLock { $0.metrics = source } }

  var currentHooks: Hooks { hooks.withLock { $0 } }

  /// Answers one request of a user whose identity is already proved.
  ///
  /// Never throws: every refusal is a response with a Status body.
  public func handle(_ request: KubernetesRequest, as user: UserIdentity) async -> KubernetesResponse {
    let target = RequestInfo(request)
    let response: KubernetesResponse
    do {
      try authorize(request, target, user)
      response = try await dispatch(request, target, user)
    } catch let error as APIStatusError {
      response = .failure(error)
    } catch {
      response = .failure(.internalError("\(error)"))
    }
    counters.count(
      .init(
        user: user.name, verb: target.verb, group: target.group, resource: target.resource,
        subresource: target.subresource, isDryRun: request.value("dryRun")?.isEmpty == false, code: response.status))
    return response
  }
}

/// Hands requests straight to a server in the same process.
public struct InProcessTransport: KubernetesTransport {
  let server: APIServer
  let user: UserIdentity

  public init(server: APIServer, user: UserIdentity) {
    self.server = server
    self.user = user
  }

  public func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
    await server.handle(request, as: user)
  }

  public func shutdown() async throws {}
}
