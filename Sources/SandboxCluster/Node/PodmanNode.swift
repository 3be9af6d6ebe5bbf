import FoundationEssentials
public import KubernetesClient
import KubernetesModels
public import Logging
import OperatorRuntime
import Synchronization

/// A node that runs the pods bound to it as real containers, with podman.
///
/// ``HostNetwork/setUp()`` must have been called before ``run()``; ``NodeRuntime/removeAll(instance:dataFolder:)`` cleans up.
public final class PodmanNode: SandboxNode {
  private struct State {
    /// By uid.
    var workers: [String: PodWorker] = [:]
    /// By namespace and name: the pod that has the name now.
    var names: [ObjectKey: String] = [:]
  }

  public let configuration: NodeConfiguration
  let client: KubernetesClient
  let podman: Podman
  let logger: Logger
  let usage = UsageSampler()
  private let service: PodmanService
  private let state = Mutex(State())
  private let pods: Informer<Pod>
  private let configMaps: Informer<ConfigMap>
  private let secrets: Informer<Secret>

  /// - Throws: `Command.Failure` with the list of what is missing when this machine cannot run pods.
  public init(
    client: KubernetesClient, configuration: NodeConfiguration, environment: PodmanEnvironment,
    logger: Logger = Logger(label: "podman-node")
  ) throws {
    guard environment.isUsable else {
      throw Command.Failure(description: environment.problems.joined(separator: "; "))
    }
    self.configuration = configuration
    self.client = client
    self.logger = logger
    service = PodmanService(folder: configuration.dataFolder, environment: environment)
    podman = Podman(socketPath: service.socketPath)
    pods = Informer(client: client, labelSelector: nil, fieldSelector: "spec.nodeName=\(configuration.name)")
    configMaps = Informer(client: client)
    secrets = Informer(client: client)
  }

  /// Looks after the node's pods until cancelled. Containers are left as they are then.
  public func run() async throws {
    let (ready, isReady) = AsyncStream.makeStream(of: Void.self)
    let watcher = ProcessWatcher()
    let services = makeServices(watcher)
    let (changes, changed) = AsyncStream.makeStream(of: StoreChange<Pod>.self)
    pods.observe { changed.yield($0) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { [service] in try await service.run { isReady.finish() } }
      group.addTask { await watcher.run() }
      for await _ in ready {}
      try Task.checkCancellation()
      let report = NodeReport(
        client: client, name: configuration.name, hostAddress: services.hostAddress, machine: services.machine,
        runtime: "podman://\((try? await podman.version()) ?? "unknown")", isSimulated: false)
      group.addTask { [logger] in try await report.run(logger: logger) }
      let informers: [any AnyInformer] = [pods, configMaps, secrets]
      for informer in informers { group.addTask { try await informer.run() } }
      group.addTask { await self.follow(changes, services) }
      group.addTask { try await self.followConfiguration() }
      group.addTask { await self.usage.run(self.runningContainers) }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private func makeServices(_ watcher: ProcessWatcher) -> PodServices {
    PodServices(
      configuration: configuration, client: client, podman: podman,
      runtime: ContainerRuntime(path: service.environment.runtimePath, folder: configuration.dataFolder),
      images: ImageStore(podman: podman, isOffline: configuration.isOffline, remedy: configuration.imageRemedy),
      watcher: watcher, network: HostNetwork(configuration: configuration.network),
      addresses: AddressPool(configuration.network.podNetwork, reserved: 10),
      events: PodEvents(client: client, node: configuration.name, logger: logger),
      reader: ConfigurationReader(client: client), machine: .ofThisMachine(dataFolder: configuration.dataFolder),
      limits: ControlGroups.limits(), logger: logger)
  }

  // MARK: Pods

  private func follow(_ changes: AsyncStream<StoreChange<Pod>>, _ services: PodServices) async {
    await withDiscardingTaskGroup { group in
      for await change in changes {
        let pod = change.object
        let uid = pod.metadata.uid ?? ""
        if case .deleted = change {
          await forget(uid, key: pod.key)?.gone()
          continue
        }
        if case .updated(let old, _) = change, old.metadata.uid != uid {
          // Deleted and made again between two looks.
          await forget(old.metadata.uid ?? "", key: old.key)?.gone()
        }
        let (worker, isNew) = state.withLock { state in
          state.names[pod.key] = uid
          if let known = state.workers[uid] { return (known, false) }
          let worker = PodWorker(pod: pod, services: services)
          state.workers[uid] = worker
          return (worker, true)
        }
        if isNew {
          group.addTask { await worker.run() }
        } else {
          await worker.update(pod)
        }
      }
      group.cancelAll()
    }
  }

  private func forget(_ uid: String, key: ObjectKey) -> PodWorker? {
    state.withLock { state in
      if state.names[key] == uid { state.names[key] = nil }
      return state.workers.removeValue(forKey: uid)
    }
  }

  func worker(uid: String) -> PodWorker? { state.withLock { $0.workers[uid] } }

  func worker(_ namespace: String, _ name: String) -> PodWorker? {
    state.withLock { state in
      state.names[ObjectKey(namespace: namespace, name: name)].flatMap { state.workers[$0] }
    }
  }

  var workers: [PodWorker] { state.withLock { Array($0.workers.values) } }

  // MARK: Volumes that follow objects

  private func followConfiguration() async throws {
    let (names, changed) = AsyncStream.makeStream(of: (isSecret: Bool, key: ObjectKey).self)
    configMaps.observe { change in
      if case .updated = change { changed.yield((false, change.object.key)) }
    }
    secrets.observe { change in
      if case .updated = change { changed.yield((true, change.object.key)) }
    }
    for await (isSecret, key) in names {
      for worker in workers where await worker.pod.metadata.namespace == key.namespace {
        let isMeant = isSecret ? await worker.refers(toSecret: key.name) : await worker.refers(toConfigMap: key.name)
        if isMeant { await worker.configurationChanged() }
      }
    }
  }
}
