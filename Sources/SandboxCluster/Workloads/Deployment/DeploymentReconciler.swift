import KubernetesClient
import KubernetesModels
import OperatorRuntime

/// Moves a deployment's pods from one template to the next, by replica sets.
struct DeploymentReconciler: Reconciler {
  let context: WorkloadContext

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard var deployment = context.deployments.get(key), let spec = deployment.spec,
      let uid = deployment.metadata.uid, !spec.selector.isEmptySelector
    else { return .done }
    if !deployment.isBeingDeleted, try await adoptOrphans(of: deployment, spec) {
      // The store shows them as owned in a moment, which wakes this deployment.
      return .requeue(after: .milliseconds(50))
    }
    let owned = context.replicaSets.list(ownedBy: uid).filter { $0.controllingOwner?.uid == uid }
    let history = try DeploymentHistory(deployment, replicaSets: owned)
    if deployment.isBeingDeleted { return try await report(deployment, history, nil) }

    var failure: (any Error)?
    do {
      if let revision = try await act(deployment, spec, history) {
        deployment = try await setRevision(revision, on: deployment)
      }
    } catch {
      failure = error
    }
    let result = try await report(deployment, history, failure)
    if let failure { throw failure }
    return result
  }

  /// Takes over the sets that the selector chooses and nobody controls, so that a deployment that comes back after
  /// `--cascade=orphan` keeps its pods (Kubernetes: "ReplicaSet", "Non-Template Pod acquisitions", for sets).
  /// - Returns: Whether there were any.
  private func adoptOrphans(
    of deployment: Deployment, _ spec: KubernetesModels.DeploymentSpec
  ) async throws -> Bool {
    let orphans = context.replicaSets.list(namespace: deployment.metadata.namespace) { set in
      set.controllingOwner == nil && !set.isBeingDeleted && spec.selector.selects(set.metadata.labels)
    }
    guard let owner = OwnerReference(controlling: deployment) else { return false }
    for set in orphans {
      let owners = (set.metadata.ownerReferences ?? []) + [owner]
      _ = try await context.patch(set, ["metadata": ["ownerReferences": try JSONValue(encoding: owners)]])
    }
    return !orphans.isEmpty
  }

  /// - Returns: The revision that the deployment should show, when it differs.
  private func act(
    _ deployment: Deployment, _ spec: KubernetesModels.DeploymentSpec, _ history: DeploymentHistory
  ) async throws -> String? {
    let plan = RollingUpdatePlan(
      desired: spec.replicas ?? 1, maxSurge: spec.strategy?.rollingUpdate?.maxSurge,
      maxUnavailable: spec.strategy?.rollingUpdate?.maxUnavailable)
    if history.isScaled(plan.desired) {
      try await scaleAll(deployment, plan, history)
      return nil
    }
    if spec.paused == true {
      if let only = history.onlyActive, only.spec?.replicas != plan.desired {
        try await scale(only, to: plan.desired, plan, deployment)
      }
      return nil
    }
    let revision = try await (spec.strategy?.type == "Recreate" ? recreate : roll)(deployment, plan, history)
    try await cleanUp(deployment, spec, history)
    return revision == deployment.metadata.annotations?[DeploymentHistory.revisionAnnotation] ? nil : revision
  }

  private func roll(
    _ deployment: Deployment, _ plan: RollingUpdatePlan, _ history: DeploymentHistory
  ) async throws -> String? {
    guard let new = history.new else {
      return try await create(deployment, history, replicas: plan.initialReplicas(old: history.oldMembers), plan)
    }
    let revision = try await refresh(new, deployment, history, plan)
    for (name, size) in plan.next(new: DeploymentHistory.member(new), old: history.oldMembers) {
      guard let set = history.all.first(where: { $0.metadata.name == name }) else { continue }
      try await scale(set, to: size, plan, deployment)
    }
    return revision
  }

  private func recreate(
    _ deployment: Deployment, _ plan: RollingUpdatePlan, _ history: DeploymentHistory
  ) async throws -> String? {
    for set in history.old where set.spec?.replicas ?? 0 > 0 { try await scale(set, to: 0, plan, deployment) }
    let oldIDs = Set(history.old.compactMap(\.metadata.uid))
    // The point of Recreate: not one old pod is left when the first new one starts.
    let oldPodIsLeft = context.pods.list(where: { pod in
      pod.controllingOwner.map { oldIDs.contains($0.uid) } ?? false && !pod.isFinished
    })
    guard oldPodIsLeft.isEmpty else { return history.new?.metadata.annotations?[DeploymentHistory.revisionAnnotation] }
    guard let new = history.new else { return try await create(deployment, history, replicas: plan.desired, plan) }
    let revision = try await refresh(new, deployment, history, plan)
    if new.spec?.replicas != plan.desired { try await scale(new, to: plan.desired, plan, deployment) }
    return revision
  }

  private func create(
    _ deployment: Deployment, _ history: DeploymentHistory, replicas: Int, _ plan: RollingUpdatePlan
  ) async throws -> String? {
    let set = try history.newReplicaSet(for: deployment, replicas: replicas, plan: plan)
    do {
      _ = try await context.client.create(set)
    } catch let error as KubernetesError where error.isAlreadyExists {
      let existing = try await context.client.get(
        ReplicaSet.self, set.metadata.name ?? "", in: deployment.metadata.namespace)
      if existing.controllingOwner == nil, deployment.spec?.selector.selects(existing.metadata.labels) ?? false {
        throw ReconcileError.retry("replica set \(existing.key) is to be adopted", after: .milliseconds(20))
      }
      guard existing.isControlled(by: deployment) else {
        // Somebody else's set has the name that our template hashes to: count, and hash again.
        var status = deployment.status ?? KubernetesModels.DeploymentStatus()
        status.collisionCount = (status.collisionCount ?? 0) + 1
        try await context.writeStatus(of: deployment, status)
        throw ReconcileError.retry("replica set name \(set.metadata.name ?? "") is taken", after: .milliseconds(20))
      }
      return existing.metadata.annotations?[DeploymentHistory.revisionAnnotation]
    }
    await scaled(set, from: 0, to: replicas, deployment)
    return set.metadata.annotations?[DeploymentHistory.revisionAnnotation]
  }

  /// Gives a set that becomes current (again) the newest revision number, and the deployment's settings.
  private func refresh(
    _ new: ReplicaSet, _ deployment: Deployment, _ history: DeploymentHistory, _ plan: RollingUpdatePlan
  ) async throws -> String? {
    let wanted = history.annotations(for: deployment, on: new, plan: plan)
    let minReady = deployment.spec?.minReadySeconds
    if wanted != new.metadata.annotations ?? [:] || minReady ?? 0 != new.spec?.minReadySeconds ?? 0 {
      var patch: JSONValue = ["metadata": ["annotations": JSONValue(wanted)]]
      patch.set(.integer(Int64(minReady ?? 0)), at: ["spec", "minReadySeconds"])
      _ = try await context.client.patch(
        ReplicaSet.self, new.metadata.name ?? "", in: new.metadata.namespace, .merge(patch))
    }
    return wanted[DeploymentHistory.revisionAnnotation]
  }

  private func scaleAll(_ deployment: Deployment, _ plan: RollingUpdatePlan, _ history: DeploymentHistory) async throws
  {
    if let only = history.onlyActive {
      try await scale(only, to: plan.desired, plan, deployment)
      return
    }
    let sizes = plan.proportional(history.all.map(DeploymentHistory.member))
    for set in history.all where set.spec?.replicas ?? 0 > 0 {
      try await scale(set, to: sizes[set.metadata.name ?? ""] ?? set.spec?.replicas ?? 0, plan, deployment)
    }
  }

  private func scale(_ set: ReplicaSet, to replicas: Int, _ plan: RollingUpdatePlan, _ deployment: Deployment)
    async throws
  {
    let before = set.spec?.replicas ?? 0
    _ = try await context.patch(
      set,
      [
        "metadata": ["annotations": JSONValue(DeploymentHistory.sizeAnnotations(plan))],
        "spec": ["replicas": .integer(Int64(replicas))],
      ])
    if before != replicas { await scaled(set, from: before, to: replicas, deployment) }
  }

  private func scaled(_ set: ReplicaSet, from old: Int, to new: Int, _ deployment: Deployment) async {
    await context.events.record(
      .normal, regarding: deployment, reason: "ScalingReplicaSet",
      message: "Scaled \(new > old ? "up" : "down") replica set \(set.metadata.name ?? "") from \(old) to \(new)",
      action: "ScalingReplicaSet")
  }

  private func cleanUp(
    _ deployment: Deployment, _ spec: KubernetesModels.DeploymentSpec, _ history: DeploymentHistory
  ) async throws {
    guard let status = deployment.status, DeploymentProgress.isComplete(deployment, status) else { return }
    for set in history.expendable(keeping: spec.revisionHistoryLimit ?? 10) {
      try await context.delete(set, propagation: .background)
    }
  }

  private func setRevision(_ revision: String, on deployment: Deployment) async throws -> Deployment {
    try await context.client.patch(
      Deployment.self, deployment.metadata.name ?? "", in: deployment.metadata.namespace,
      .merge(["metadata": ["annotations": [DeploymentHistory.revisionAnnotation: .string(revision)]]]))
  }

  private func report(
    _ deployment: Deployment, _ history: DeploymentHistory, _ failure: (any Error)?
  ) async throws -> ReconcileResult {
    let now = Timestamp.now
    let status = DeploymentProgress.status(
      of: deployment, new: history.new, all: history.all, failure: failure, now: now)
    try await context.writeStatus(of: deployment, status)
    return DeploymentProgress.timeLeft(deployment, status, now: now).map { .requeue(after: $0) } ?? .done
  }
}
