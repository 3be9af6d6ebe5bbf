import KubernetesClient
import KubernetesModels
import Logging
import OperatorRuntime

/// What all workload controllers share: one client, one copy of each kind, one recorder.
struct WorkloadContext: Sendable {
  let client: KubernetesClient
  let logger: Logger
  let events: EventRecorder
  let configuration: WorkloadConfiguration

  let pods: Informer<Pod>
  let replicaSets: Informer<ReplicaSet>
  let deployments: Informer<Deployment>
  let statefulSets: Informer<StatefulSet>
  let revisions: Informer<ControllerRevision>
  let jobs: Informer<Job>
  let cronJobs: Informer<CronJob>
  let services: Informer<Service>
  let endpoints: Informer<Endpoints>
  let slices: Informer<EndpointSlice>
  let claims: Informer<PersistentVolumeClaim>
  let namespaces: Informer<Namespace>
  let serviceAccounts: Informer<ServiceAccount>
  let configMaps: Informer<ConfigMap>
  let budgets: Informer<PodDisruptionBudget>
  let autoscalers: Informer<HorizontalPodAutoscaler>

  init(client: KubernetesClient, logger: Logger, configuration: WorkloadConfiguration) {
    self.client = client
    self.logger = logger
    self.configuration = configuration
    events = EventRecorder(client: client, controller: "sandbox-controllers", instance: "sandbox", logger: logger)
    pods = Informer(client: client, logger: logger)
    replicaSets = Informer(client: client, logger: logger)
    deployments = Informer(client: client, logger: logger)
    statefulSets = Informer(client: client, logger: logger)
    revisions = Informer(client: client, logger: logger)
    jobs = Informer(client: client, logger: logger)
    cronJobs = Informer(client: client, logger: logger)
    services = Informer(client: client, logger: logger)
    endpoints = Informer(client: client, logger: logger)
    slices = Informer(client: client, logger: logger)
    claims = Informer(client: client, logger: logger)
    namespaces = Informer(client: client, logger: logger)
    serviceAccounts = Informer(client: client, logger: logger)
    configMaps = Informer(client: client, logger: logger)
    budgets = Informer(client: client, logger: logger)
    autoscalers = Informer(client: client, logger: logger)
  }

  var informers: [any AnyInformer] {
    [
      pods, replicaSets, deployments, statefulSets, revisions, jobs, cronJobs, services, endpoints, slices, claims,
      namespaces, serviceAccounts, configMaps, budgets, autoscalers,
    ]
  }

  /// Writes `status` if it differs from what `object` shows; writes nothing else.
  /// - Returns: Whether something was written.
  @discardableResult
  func writeStatus<Object: KubernetesResource>(
    of object: Object, _ status: some Encodable & Sendable
  ) async throws -> Bool {
    let before = try JSONValue(encoding: object)["status"]
    guard let patch = MergeDifference.patch(from: before, to: try JSONValue(encoding: status)) else { return false }
    _ = try await client.patch(
      Object.self, object.metadata.name ?? "", in: object.metadata.namespace, .merge(["status": patch]),
      subresource: "status")
    return true
  }

  /// Patches an object as long as it is the one that was looked at; a conflict is thrown, and retried with a newer copy.
  func patch<Object: KubernetesResource>(_ object: Object, _ patch: JSONValue) async throws -> Object {
    var patch = patch
    if let version = object.metadata.resourceVersion {
      patch.set(.string(version), at: ["metadata", "resourceVersion"])
    }
    return try await client.patch(
      Object.self, object.metadata.name ?? "", in: object.metadata.namespace, .merge(patch))
  }

  /// Deletes exactly this object, not one that took its name since; gone already is a success.
  func delete<Object: KubernetesResource>(
    _ object: Object, propagation: DeleteOptions.Propagation? = nil
  ) async throws {
    do {
      try await client.delete(
        Object.self, object.metadata.name ?? "", in: object.metadata.namespace,
        options: DeleteOptions(propagation: propagation, uid: object.metadata.uid))
    } catch let error as KubernetesError where error.isNotFound || error.isConflict {
      return
    }
  }

  /// Creates an object; one of that name being there already is a success.
  func createIfAbsent(_ object: some KubernetesResource) async throws {
    do {
      _ = try await client.create(object)
    } catch let error as KubernetesError where error.isAlreadyExists {
      return
    }
  }
}
