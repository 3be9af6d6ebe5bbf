import KubernetesClient
import KubernetesModels
import OperatorRuntime

/// Keeps the number of pods that a replica set asks for.
struct ReplicaSetReconciler: Reconciler {
  let context: WorkloadContext
  let pods: PodControl

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let set = context.replicaSets.get(key), let spec = set.spec, let uid = set.metadata.uid else { return .done }
    guard let owned = pods.current(ownedBy: uid) else { return .requeue(after: .milliseconds(50)) }
    let orphans = context.pods.list(ownedBy: "").filter { $0.metadata.namespace == key.namespace && !$0.isFinished }
    let plan = ReplicaSetPlan(set, owned: owned, orphans: orphans)
    var failure: (any Error)?
    do {
      try await act(on: plan, set, spec)
    } catch {
      failure = error
    }
    let counted = owned.filter { pod in !plan.release.contains { $0.metadata.uid == pod.metadata.uid } }
    let now = Timestamp.now
    let status = Self.status(of: set, pods: counted, failure: failure, now: now)
    try await context.writeStatus(of: set, status)
    if let failure { throw failure }
    return Self.nextAvailability(counted, spec.minReadySeconds ?? 0, now: now).map { .requeue(after: $0) } ?? .done
  }

  private func act(on plan: ReplicaSetPlan, _ set: ReplicaSet, _ spec: ReplicaSetSpec) async throws {
    for pod in plan.adopt {
      guard let owner = OwnerReference(controlling: set) else { continue }
      let owners = (pod.metadata.ownerReferences ?? []) + [owner]
      _ = try await context.patch(pod, ["metadata": ["ownerReferences": try JSONValue(encoding: owners)]])
    }
    for pod in plan.release {
      let owners = (pod.metadata.ownerReferences ?? []).filter { $0.uid != set.metadata.uid }
      _ = try await context.patch(pod, ["metadata": ["ownerReferences": try JSONValue(encoding: owners)]])
    }
    for pod in plan.delete { try await pods.delete(pod, for: set) }
    if plan.create > 0, let template = spec.template {
      try await pods.create((0..<plan.create).map { _ in Pod(from: template, owner: set) }, for: set)
    }
  }

  static func status(of set: ReplicaSet, pods: [Pod], failure: (any Error)?, now: Timestamp) -> ReplicaSetStatus {
    let active = pods.filter(\.isActive)
    let wantedLabels = set.spec?.template?.metadata?.labels ?? [:]
    var conditions = (set.status?.conditions ?? []).filter { $0.type != "ReplicaFailure" }
    if let failure {
      // The first refusal stays: each names another pod, and a status that changed every time would wake us every time.
      let known = set.status?.conditions?.first { $0.type == "ReplicaFailure" && $0.status == "True" }
      conditions.append(
        known
          ?? ReplicaSetCondition(
            lastTransitionTime: now, message: "\(failure)", reason: "FailedCreate", status: "True",
            type: "ReplicaFailure"))
    }
    return ReplicaSetStatus(
      availableReplicas: active.count { $0.isAvailable(minReadySeconds: set.spec?.minReadySeconds ?? 0, now: now) },
      conditions: conditions.isEmpty ? nil : conditions,
      fullyLabeledReplicas: active.count { pod in
        wantedLabels.allSatisfy { pod.metadata.labels?[$0.key] == $0.value }
      },
      observedGeneration: set.metadata.generation, readyReplicas: active.count(where: \.isReady),
      replicas: active.count)
  }

  /// When the next pod that is ready becomes available; nothing else wakes the controller for that.
  static func nextAvailability(_ pods: [Pod], _ minReadySeconds: Int, now: Timestamp) -> Duration? {
    pods.compactMap { $0.availableAt(minReadySeconds: minReadySeconds) }.filter { $0 > now }.min().map { $0 - now }
  }
}
