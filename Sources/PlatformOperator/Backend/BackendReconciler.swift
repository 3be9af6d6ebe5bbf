import KubernetesClient
import KubernetesModels
import OperatorRuntime
import RTXPlatformAPI

/// Runs the trading server.
struct BackendReconciler: ComponentReconciler {
  let component = PlatformComponent.backend

  func reconcile(_ context: PlatformContext) async throws -> ComponentReport {
    let platform = context.platform
    let name = platform.objectName(.backend)
    let checksum = try await ConfigurationReconciler.checksum(context).backend
    if platform.hasColours { return try await coloured(context, checksum) }
    let observed = context.informers.deployments.get(name, in: platform.namespace)

    let desired: ReplicaOwnership.Desired
    switch ReplicaOwnership.next(platform, observed: observed) {
    case .apply(let value): desired = value
    case .handOver:
      try await handOver(context, name)
      desired = .byAutoscaler
    }
    let objects = BackendObjects(platform: platform, checksum: checksum, replicas: desired)
    try await context.writer.reconcile(.backend, objects.supporting + [objects.deployment])

    let pods = context.informers.pods(platform, .backend)
    return report(platform, observed, pods)
  }

  /// Where releases go from colour to colour, ``RolloutReconciler`` makes what serves. Here is said how it is.
  private func coloured(_ context: PlatformContext, _ checksum: String) async throws -> ComponentReport {
    let platform = context.platform
    let objects = BackendObjects(platform: platform, checksum: checksum, replicas: .byAutoscaler)
    let names = Colour.allCases.map(platform.deploymentName) + [platform.objectName(.backend, "preview")]
    let kinds: [any KubernetesResource.Type] = [
      Deployment.self, Service.self, ConfigMap.self, PodDisruptionBudget.self, HorizontalPodAutoscaler.self,
    ]
    let others = kinds.flatMap { kind in names.map { "\(kind.resourceType.kind) \($0)" } }
    try await context.writer.reconcile(.backend, objects.identity, leaving: Set(others))

    let selector = context.informers.services.get(platform.objectName(.backend), in: platform.namespace)?.spec?.selector
    let live = selector?[PlatformConstants.colourLabel].flatMap(Colour.init) ?? .plain
    guard let observed = context.informers.deployments.get(platform.deploymentName(live), in: platform.namespace) else {
      let message = platform.status?.rollout?.message ?? "the first release is about to begin"
      return ComponentReport(condition: .progressing(.progressing, message))
    }
    let pods = context.informers.pods(platform, .backend).filter { pod in
      pod.metadata.labels?[PlatformConstants.colourLabel] ?? Colour.plain.rawValue == live.rawValue
    }
    return report(platform, observed, pods)
  }

  private func report(_ platform: RTXPlatform, _ observed: Deployment?, _ pods: [Pod]) -> ComponentReport {
    let condition = DeploymentState.condition(observed, pods: pods, what: "the trading server")
    return ComponentReport(condition: condition) { status in
      status.backend = Self.status(platform, observed)
      var endpoints = status.endpoints ?? EndpointsStatus()
      endpoints.backend = "\(platform.serviceHost(.backend)):\(PlatformPort.service)"
      status.endpoints = endpoints
    }
  }

  /// Gives the replicas a second owner, at the value that the server has now.
  private func handOver(_ context: PlatformContext, _ name: String) async throws {
    guard !context.writer.isPaused else { return }
    let namespace = context.platform.namespace
    let live = try await context.client.get(Deployment.self, name, in: namespace)
    guard let replicas = live.spec?.replicas else { return }
    let share: JSONValue = [
      "apiVersion": "apps/v1", "kind": "Deployment",
      "metadata": ["name": .string(name), "namespace": .string(namespace)],
      "spec": ["replicas": .integer(Int64(replicas))],
    ]
    _ = try await context.client.apply(
      Deployment.resourceType, DynamicObject(share), fieldManager: ReplicaOwnership.keeper)
  }

  static func status(_ platform: RTXPlatform, _ deployment: Deployment?) -> BackendStatus {
    let (spec, status) = (deployment?.spec, deployment?.status)
    let wanted = spec?.replicas ?? platform.spec.backend.replicas
    let ready = status?.readyReplicas ?? 0
    return BackendStatus(
      image: spec?.template.spec?.containers.first { $0.name == "backend" }?.image,
      ready: "\(ready)/\(wanted)", readyReplicas: ready, replicas: status?.replicas ?? 0,
      selector: platform.selectorText(.backend), updatedReplicas: status?.updatedReplicas ?? 0)
  }
}
