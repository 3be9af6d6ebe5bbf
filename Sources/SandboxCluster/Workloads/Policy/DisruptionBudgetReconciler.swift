import KubernetesModels
import OperatorRuntime

/// Keeps the numbers by which an eviction is allowed or refused.
struct DisruptionBudgetReconciler: Reconciler {
  let context: WorkloadContext

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let budget = context.budgets.get(key), let selector = budget.spec?.selector else { return .done }
    let pods = context.pods.list(namespace: key.namespace) { pod in
      selector.selects(pod.metadata.labels) && pod.isActive
    }
    let now = Timestamp.now
    let status = Self.status(of: budget, pods: pods, expected: expectedPods(pods), now: now)
    try await context.writeStatus(of: budget, status)
    // A pod that was allowed to go and did not is counted again after a while.
    return status.disruptedPods?.isEmpty == false ? .requeue(after: .seconds(30)) : .done
  }

  /// How many pods the owners want in all; pods without one count as themselves.
  private func expectedPods(_ pods: [Pod]) -> Int {
    var counted: Set<String> = []
    var expected = 0
    for pod in pods {
      guard let owner = pod.controllingOwner else {
        expected += 1
        continue
      }
      guard counted.insert(owner.uid).inserted else { continue }
      let namespace = pod.metadata.namespace
      switch owner.kind {
      case "StatefulSet": expected += context.statefulSets.get(owner.name, in: namespace)?.spec?.replicas ?? 0
      case "ReplicaSet":
        let set = context.replicaSets.get(owner.name, in: namespace)
        // During a rollout a deployment has several sets, and wants no more pods for that.
        if let deployment = set?.controllingOwner, deployment.kind == "Deployment" {
          guard counted.insert(deployment.uid).inserted else { continue }
          expected += context.deployments.get(deployment.name, in: namespace)?.spec?.replicas ?? 0
        } else {
          expected += set?.spec?.replicas ?? 0
        }
      default: expected += pods.count { $0.controllingOwner?.uid == owner.uid }
      }
    }
    return expected
  }

  static func status(
    of budget: PodDisruptionBudget, pods: [Pod], expected: Int, now: Timestamp
  ) -> PodDisruptionBudgetStatus {
    let desired: Int
    if let unavailable = budget.spec?.maxUnavailable {
      desired = max(0, expected - (unavailable.scaled(of: expected, roundingUp: true) ?? 0))
    } else {
      desired = budget.spec?.minAvailable?.scaled(of: expected, roundingUp: true) ?? 0
    }
    // Evictions that were granted within the last two minutes and whose pods are still there.
    let disrupted = (budget.status?.disruptedPods ?? [:]).filter { name, time in
      now - time < .seconds(120) && pods.contains { $0.metadata.name == name }
    }
    let healthy = pods.count { $0.isReady && disrupted[$0.metadata.name ?? ""] == nil }
    let allowed = max(0, healthy - desired)
    let isAllowed = allowed > 0
    let known = budget.status?.conditions?.first { $0.type == "DisruptionAllowed" }
    let value = isAllowed ? "True" : "False"
    let condition = Condition(
      lastTransitionTime: known?.status == value ? known?.lastTransitionTime ?? now : now, message: "",
      observedGeneration: budget.metadata.generation, reason: isAllowed ? "SufficientPods" : "InsufficientPods",
      status: value, type: "DisruptionAllowed")
    return PodDisruptionBudgetStatus(
      conditions: (budget.status?.conditions ?? []).filter { $0.type != "DisruptionAllowed" } + [condition],
      currentHealthy: healthy, desiredHealthy: desired, disruptedPods: disrupted.isEmpty ? nil : disrupted,
      disruptionsAllowed: allowed, expectedPods: expected, observedGeneration: budget.metadata.generation)
  }
}
