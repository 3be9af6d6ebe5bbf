public import KubernetesClient
import KubernetesModels
public import Logging
public import OperatorRuntime
import RTXPlatformAPI

/// The operator of RTX platforms: its informers and controllers, to be run by a manager.
public struct PlatformOperator: Sendable {
  /// What may be set from the command line.
  public struct Options: Sendable {
    /// The only namespace whose platforms are looked after; nil for all.
    public var namespace: String?
    /// Tells replicas of the operator apart in events; usually the pod's name.
    public var instance: String
    /// How many platforms are reconciled at once.
    public var workers: Int

    public init(namespace: String? = nil, instance: String = "rtx-operator", workers: Int = 4) {
      self.namespace = namespace
      self.instance = instance
      self.workers = workers
    }
  }

  let informers: PlatformInformers
  let platforms: Controller
  let failovers: Controller
  let releases: Controller
  private let notifier: ReleaseNotifier

  public init(client: KubernetesClient, logger: Logger, options: Options = Options()) {
    self.init(client: client, logger: logger, options: options, access: PodNetworkAccess())
  }

  init(client: KubernetesClient, logger: Logger, options: Options = Options(), access: any TradingServerAccess) {
    let informers = PlatformInformers(client: client, namespace: options.namespace, logger: logger)
    let recorder = EventRecorder(
      client: client, controller: "rtx.trading/operator", instance: options.instance, logger: logger)
    self.informers = informers
    let applier = Applier(client: client, fieldManager: PlatformConstants.manager)
    platforms = Controller(
      name: "rtxplatform",
      reconciler: PlatformReconciler(
        client: client, informers: informers, applier: applier, recorder: recorder,
        memory: CredentialMemory(), logger: logger),
      workers: options.workers, logger: logger)
    failovers = Controller(
      name: "postgres-failover",
      reconciler: FailoverReconciler(client: client, informers: informers, recorder: recorder, logger: logger),
      workers: options.workers, logger: logger)
    notifier = ReleaseNotifier(client: client, access: access, logger: logger)
    releases = Controller(
      name: "rtxrelease",
      reconciler: RolloutReconciler(
        client: client, informers: informers, applier: applier, recorder: recorder, access: access,
        memory: ReleaseMemory(), metrics: RolloutMetrics(), notifier: notifier, logger: logger),
      workers: options.workers, logger: logger)
    wirePlatforms()
    wireFailovers()
    wireReleases()
  }

  /// Registers everything with a manager, which then runs it.
  public func add(to manager: Manager) {
    for informer in informers.all { manager.add(informer) }
    manager.add(platforms)
    manager.add(failovers)
    manager.add(releases)
    manager.add(service: notifier.run)
  }

  private func wirePlatforms() {
    let informers = informers
    // A platform's own change may also free a host or a namespace that another one waits for.
    platforms.watch(informers.platforms) { platform in
      [platform.key] + informers.platforms.list().filter { $0.status?.phase == "Stalled" }.map(\.key)
    }
    platforms.watch(informers.namespaces) { namespace in
      informers.platforms.list(namespace: namespace.metadata.name).map(\.key)
    }
    platforms.watch(informers.configMaps, where: { RelevantChange.of($0) }, map: Self.platform(of:))
    platforms.watch(informers.pods, where: { RelevantChange.of($0) }, map: Self.platform(of:))
    platforms.watch(informers.secrets, map: Self.platform(of:))
    platforms.watch(informers.services, map: Self.platform(of:))
    platforms.watch(informers.serviceAccounts, map: Self.platform(of:))
    platforms.watch(informers.claims, map: Self.platform(of:))
    platforms.watch(informers.deployments, map: Self.platform(of:))
    platforms.watch(informers.statefulSets, map: Self.platform(of:))
    platforms.watch(informers.jobs, map: Self.platform(of:))
    platforms.watch(informers.cronJobs, map: Self.platform(of:))
    platforms.watch(informers.autoscalers, map: Self.platform(of:))
    platforms.watch(informers.networkPolicies, map: Self.platform(of:))
    platforms.watch(informers.ingresses, map: Self.platform(of:))
    platforms.watch(informers.disruptionBudgets, map: Self.platform(of:))
    platforms.watch(informers.roles, map: Self.platform(of:))
    platforms.watch(informers.roleBindings, map: Self.platform(of:))
    platforms.watch(informers.apiServer) { _ in informers.platforms.list().map(\.key) }
  }

  private func wireFailovers() {
    failovers.follow(informers.platforms)
    failovers.watch(informers.pods, where: { RelevantChange.of($0) }, map: Self.platform(of:))
    failovers.watch(informers.configMaps, where: { RelevantChange.of($0) }, map: Self.platform(of:))
  }

  private func wireReleases() {
    releases.watch(informers.platforms) { [$0.key] }
    releases.watch(informers.pods, where: { RelevantChange.ofRelease($0) }, map: Self.platform(of:))
    releases.watch(informers.configMaps, where: { RelevantChange.ofRelease($0) }, map: Self.platform(of:))
    releases.watch(informers.deployments, map: Self.platform(of:))
    releases.watch(informers.services, where: { RelevantChange.ofRelease($0) }, map: Self.platform(of:))
    releases.watch(informers.disruptionBudgets, where: { RelevantChange.ofRelease($0) }, map: Self.platform(of:))
    releases.watch(informers.autoscalers, where: { RelevantChange.ofRelease($0) }, map: Self.platform(of:))
    releases.watch(informers.secrets, map: Self.platform(of:))
    releases.watch(informers.jobs, map: Self.platform(of:))
  }

  /// By label rather than by owner: data has no owner, and Patroni's objects have none either.
  @Sendable
  private static func platform(of object: some KubernetesResource) -> [ObjectKey] {
    guard let name = object.metadata.labels?[PlatformConstants.platformLabel] else { return [] }
    return [ObjectKey(namespace: object.metadata.namespace, name: name)]
  }
}
