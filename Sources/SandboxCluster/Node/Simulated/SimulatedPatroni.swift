import KubernetesClient
import KubernetesModels
import OperatorRuntime

/// Leaves the marks that Patroni would leave, where its pods are only simulated: without them a platform's operator would
/// wait for a primary for ever. The first member of a StatefulSet is the primary; no member ever fails over.
///
/// Patroni, "Using Kubernetes": role label and `status` annotation on each member, annotations of the ConfigMaps
/// `<scope>-leader` and `<scope>-sync`.
struct SimulatedPatroni: Sendable {
  /// The label under which the platform's PostgreSQL pods carry Patroni's scope.
  static let scopeLabel = "rtx.trading/postgres-cluster"

  let client: KubernetesClient

  /// Called for each pod that has become Ready; does nothing for pods of other kinds.
  func announce(_ pod: Pod) async throws {
    guard let scope = pod.metadata.labels?[Self.scopeLabel], let name = pod.metadata.name,
      let namespace = pod.metadata.namespace
    else { return }
    let isPrimary = name.hasSuffix("-0")
    let state: JSONValue = [
      "role": isPrimary ? "primary" : "replica", "state": "running", "timeline": 1,
      "replication_state": isPrimary ? "running" : "streaming",
    ]
    let patch: JSONValue = [
      "metadata": [
        "annotations": ["status": .string(state.serializedString())],
        "labels": ["role": isPrimary ? "primary" : "replica"],
      ]
    ]
    _ = try await client.patch(Pod.self, name, in: namespace, .merge(patch))
    let base = name.split(separator: "-").dropLast().joined(separator: "-")
    if isPrimary {
      try await record(scope, "leader", pod, ["leader": name, "renewTime": MicroTime.now.description])
    }
    if name.hasSuffix("-1") {
      try await record(scope, "sync", pod, ["leader": base + "-0", "sync_standby": name])
    }
  }

  private func record(_ scope: String, _ part: String, _ pod: Pod, _ annotations: [String: String]) async throws {
    let labels = pod.metadata.labels?.filter { ["rtx.trading/platform", Self.scopeLabel].contains($0.key) }
    let map = ConfigMap(
      metadata: ObjectMeta(
        annotations: annotations, labels: labels, name: "\(scope)-\(part)", namespace: pod.metadata.namespace))
    _ = try await client.apply(map, fieldManager: "simulated-patroni")
  }
}
