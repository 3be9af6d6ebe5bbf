import KubernetesClient
import KubernetesModels
import OperatorRuntime
import RTXPlatformAPI

/// One platform's trading servers as they are at one moment, read from the API server and not from a copy that may lag:
/// what is removed is decided by it.
struct ReleaseScene: Sendable {
  let platform: RTXPlatform
  let service: Service?
  let deployments: [Colour: Deployment]
  /// Pods that have not ended, by colour.
  let pods: [Colour: [Pod]]
  /// Names of the pods that the live Service's endpoints send requests to.
  let endpoints: Set<String>

  static func read(_ platform: RTXPlatform, _ client: KubernetesClient) async throws -> ReleaseScene {
    let namespace = platform.namespace
    let backend = ListOptions(labelSelector: platform.selectorText(.backend))
    async let service = client.getIfPresent(Service.self, platform.objectName(.backend), in: namespace)
    async let deployments = client.list(Deployment.self, in: namespace, options: backend)
    async let pods = client.list(Pod.self, in: namespace, options: backend)
    async let slices = client.list(
      EndpointSlice.self, in: namespace,
      options: ListOptions(labelSelector: "kubernetes.io/service-name=\(platform.objectName(.backend))"))
    return ReleaseScene(
      platform, service: try await service, deployments: try await deployments.items, pods: try await pods.items,
      slices: try await slices.items)
  }

  init(
    _ platform: RTXPlatform, service: Service?, deployments: [Deployment], pods: [Pod], slices: [EndpointSlice]
  ) {
    self.platform = platform
    self.service = service?.isBeingDeleted == true ? nil : service
    let named = Colour.allCases.compactMap { colour in
      deployments.first { $0.metadata.name == platform.deploymentName(colour) && $0.isControlled(by: platform) }
        .map { (colour, $0) }
    }
    self.deployments = Dictionary(uniqueKeysWithValues: named)
    self.pods = Dictionary(grouping: pods.filter { !["Succeeded", "Failed"].contains($0.status?.phase) }) { pod in
      pod.metadata.labels?[PlatformConstants.colourLabel].flatMap(Colour.init) ?? .plain
    }
    endpoints = Set(
      slices.flatMap { $0.endpoints ?? [] }.filter { $0.conditions?.ready != false }
        .compactMap { $0.targetRef?.name })
  }

  // MARK: What the Service selects

  /// What selects a colour's pods. `plain` has no label of its own: its newest pods are told by their ReplicaSet's hash,
  /// so that they alone are live before the first coloured pod starts. Nil while it has none.
  func selector(of colour: Colour) -> [String: String]? {
    guard colour == .plain else { return platform.selectorLabels(of: colour) }
    let label = "pod-template-hash"
    let hashes = Dictionary(grouping: (pods[.plain] ?? []).filter { !$0.isBeingDeleted }) { pod in
      pod.metadata.labels?[label]
    }
    let counted = hashes.compactMap { hash, pods in
      hash.map { (hash: $0, ready: pods.filter(PodState.isReady).count) }
    }
    guard let most = counted.max(by: { ($0.ready, $0.hash) < ($1.ready, $1.hash) }) else { return nil }
    return platform.selectorLabels(.backend).merging([label: most.hash]) { $1 }
  }

  var live: LiveSelection {
    guard let service else { return .absent }
    let selector = service.spec?.selector ?? [:]
    if let colour = Colour.allCases.first(where: { self.selector(of: $0) == selector }) { return .colour(colour) }
    return selector == platform.selectorLabels(.backend) ? .all : .foreign
  }

  var liveColour: Colour? {
    if case .colour(let colour) = live { colour } else { nil }
  }

  /// Whether the live Service's endpoints are exactly the ready pods that its selector means.
  var isSettled: Bool {
    let selector = service?.spec?.selector ?? [:]
    let meant = pods.values.joined().filter { pod in
      PodState.isReady(pod) && selector.allSatisfy { pod.metadata.labels?[$0.key] == $0.value }
    }
    return endpoints == Set(meant.compactMap(\.metadata.name))
  }

  // MARK: Sizes

  /// As many trading servers as the autoscaler, or the spec, wants.
  var wantedReplicas: Int {
    let (spec, scaling) = (platform.spec.backend, platform.spec.backend.autoscaling)
    guard scaling.enabled else { return spec.replicas }
    let live = liveColour.flatMap { deployments[$0]?.spec?.replicas } ?? spec.replicas
    return min(max(live, scaling.minReplicas), scaling.maxReplicas)
  }

  /// As many as take over from the live colour without a pod too few.
  var matchingReplicas: Int {
    max(wantedReplicas, liveColour.flatMap { deployments[$0]?.spec?.replicas } ?? 0)
  }

  // MARK: Colours

  var colours: [Colour: ColourState] {
    Dictionary(uniqueKeysWithValues: Colour.allCases.compactMap { colour in state(colour).map { (colour, $0) } })
  }

  private func state(_ colour: Colour) -> ColourState? {
    let pods = pods[colour] ?? []
    guard let deployment = deployments[colour], !deployment.isBeingDeleted else {
      let revision = pods.first?.metadata.labels?[PlatformConstants.revisionLabel] ?? ""
      return pods.isEmpty && deployments[colour] == nil ? nil : ColourState(revision: revision, health: .stopping)
    }
    let revision =
      colour == .plain
      ? deployment.metadata.annotations?[PlatformConstants.revisionLabel]
      : deployment.spec?.template.metadata?.labels?[PlatformConstants.revisionLabel]
    return ColourState(
      revision: revision ?? "unknown", health: health(deployment, needed: colour == liveColour ? 0 : matchingReplicas),
      trouble: PodState.failure(in: pods.filter { $0.metadata.labels?[PlatformConstants.revisionLabel] == revision }))
  }

  private func health(_ deployment: Deployment, needed: Int) -> ColourState.Health {
    let (wanted, status) = (deployment.spec?.replicas ?? 1, deployment.status)
    let ready = status?.readyReplicas ?? 0
    let isComplete =
      status?.observedGeneration ?? 0 >= deployment.metadata.generation ?? 0 && wanted >= needed && ready >= wanted
      && status?.updatedReplicas ?? 0 == wanted && status?.replicas ?? 0 == wanted && wanted > 0
    return isComplete ? .complete : ready > 0 ? .serving : .starting
  }
}
