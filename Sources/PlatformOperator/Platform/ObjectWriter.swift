import KubernetesClient
import KubernetesModels
import Logging
import OperatorRuntime
import RTXPlatformAPI

/// Writes one platform's objects: only what differs, never what is another's, nothing while paused.
struct ObjectWriter: Sendable {
  let platform: RTXPlatform
  let informers: PlatformInformers
  let applier: Applier
  let logger: Logger
  /// Objects that a moment ago were not there, by identity: nobody has to look again.
  var absent: Set<String> = []

  private var client: KubernetesClient { applier.client }
  var isPaused: Bool { platform.spec.paused }

  /// Makes a component's objects as desired, in order, and deletes what it no longer desires.
  /// - Parameter others: Objects of the component that somebody else looks after, by ``identity(_:)``.
  func reconcile(
    _ component: PlatformComponent, _ desired: [any KubernetesResource], leaving others: Set<String> = []
  ) async throws {
    for object in desired { try await ensure(object) }
    try await prune(component, keeping: others.union(desired.map(Self.identity)))
  }

  /// - Throws: `ReconcileError.stalled` for a name that is taken or a write that the API server will never take.
  @discardableResult
  func ensure<Object: KubernetesResource>(_ desired: Object) async throws -> Object {
    guard !isPaused else { return desired }
    var observed = informers.informer(Object.self)?.get(desired.key)
    if observed == nil, !absent.contains(Self.identity(desired)) {
      // The informer sees only labelled objects. Applying over one that it does not see would take it over.
      observed = try await client.getIfPresent(Object.self, desired.key.name, in: desired.key.namespace)
    }
    if let observed, Object.resourceType.isNamespaced { try Ownership.check(observed, for: platform) }
    do {
      switch try await applier.applyIfChanged(desired, observed: observed) {
      case .unchanged: return observed ?? desired
      case .applied(let object):
        logger.info("applied", metadata: ["object": "\(Self.identity(desired))"])
        return object
      }
    } catch let error as KubernetesError where error.isInvalid {
      throw ReconcileError.stalled(
        reason: ConditionReason.refused.rawValue, message: "\(Self.identity(desired)): \(error)")
    }
  }

  // MARK: Deleting

  /// Deletes a component's objects that are not among `names`. Data is never pruned.
  private func prune(_ component: PlatformComponent, keeping names: Set<String>) async throws {
    guard !isPaused else { return }
    try await prune(component, names, ConfigMap.self)
    try await prune(component, names, Service.self)
    try await prune(component, names, ServiceAccount.self)
    try await prune(component, names, Deployment.self)
    try await prune(component, names, StatefulSet.self)
    try await prune(component, names, CronJob.self)
    try await prune(component, names, HorizontalPodAutoscaler.self)
    try await prune(component, names, NetworkPolicy.self)
    try await prune(component, names, Ingress.self)
    try await prune(component, names, PodDisruptionBudget.self)
    try await prune(component, names, Role.self)
    try await prune(component, names, RoleBinding.self)
  }

  private func prune<Object: KubernetesResource>(
    _ component: PlatformComponent, _ names: Set<String>, _ type: Object.Type
  ) async throws {
    guard let uid = platform.metadata.uid, let informer = informers.informer(type) else { return }
    for object in informer.list(ownedBy: uid)
    where object.isControlled(by: platform) && !object.isBeingDeleted && !names.contains(Self.identity(object))
      && object.metadata.labels?["app.kubernetes.io/component"] == component.rawValue
    {
      try await delete(object)
    }
  }

  /// Deletes exactly this object; one that is gone already is a success.
  func delete<Object: KubernetesResource>(_ object: Object) async throws {
    do {
      try await client.delete(
        Object.self, object.key.name, in: object.key.namespace,
        options: DeleteOptions(propagation: .background, uid: object.metadata.uid))
      logger.info("deleted", metadata: ["object": "\(Self.identity(object))"])
    } catch let error as KubernetesError where error.isNotFound || error.isConflict {
      logger.debug("gone already", metadata: ["object": "\(Self.identity(object))"])
    }
  }

  /// `Kind name`, as conditions and logs name an object.
  static func identity(_ object: any KubernetesResource) -> String {
    "\(type(of: object).resourceType.kind) \(object.metadata.name ?? "")"
  }
}
