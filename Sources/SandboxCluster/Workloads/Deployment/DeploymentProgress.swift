import KubernetesModels

/// A deployment's status, exactly in the terms in which `kubectl rollout status` and `kubectl wait` read it. Pure.
enum DeploymentProgress {
  /// - Parameters:
  ///   - new: The replica set of the current template, if there is one yet.
  ///   - all: All replica sets of the deployment, the new one included.
  static func status(
    of deployment: Deployment, new: ReplicaSet?, all: [ReplicaSet], failure: (any Error)?, now: Timestamp
  ) -> KubernetesModels.DeploymentStatus {
    let before = deployment.status
    let desired = deployment.spec?.replicas ?? 1
    let replicas = all.reduce(0) { $0 + ($1.status?.replicas ?? 0) }
    let available = all.reduce(0) { $0 + ($1.status?.availableReplicas ?? 0) }
    let unavailable = max(0, all.reduce(0) { $0 + ($1.spec?.replicas ?? 0) } - available)
    var status = KubernetesModels.DeploymentStatus(
      availableReplicas: available, collisionCount: before?.collisionCount,
      observedGeneration: deployment.metadata.generation,
      readyReplicas: all.reduce(0) { $0 + ($1.status?.readyReplicas ?? 0) }, replicas: replicas,
      unavailableReplicas: unavailable == 0 ? nil : unavailable, updatedReplicas: new?.status?.replicas ?? 0)
    var conditions = before?.conditions ?? []
    set(&conditions, availability(deployment, available: available), now: now)
    if let progressing = progress(deployment, status, new: new, desired: desired, now: now) {
      set(&conditions, progressing, now: now)
    }
    conditions.removeAll { $0.type == "ReplicaFailure" }
    let setFailure = new?.status?.conditions?.first { $0.type == "ReplicaFailure" }
    if let message = failure.map({ "\($0)" }) ?? setFailure?.message {
      let known = before?.conditions?.first { $0.type == "ReplicaFailure" }
      conditions.append(known ?? DeploymentCondition(status: "True", type: "ReplicaFailure"))
      let condition = DeploymentCondition(
        message: message, reason: "FailedCreate", status: "True", type: "ReplicaFailure")
      set(&conditions, condition, now: now)
    }
    status.conditions = conditions
    return status
  }

  /// Time until the progress deadline; nothing else wakes the controller for it.
  static func timeLeft(_ deployment: Deployment, _ status: KubernetesModels.DeploymentStatus, now: Timestamp)
    -> Duration?
  {
    guard let limit = deployment.spec?.progressDeadlineSeconds,
      let condition = status.conditions?.first(where: { $0.type == "Progressing" }), condition.status == "True",
      condition.reason != "NewReplicaSetAvailable", let since = condition.lastUpdateTime
    else { return nil }
    return max(.seconds(1), since + .seconds(limit) - now + .seconds(1))
  }

  static func isComplete(_ deployment: Deployment, _ status: KubernetesModels.DeploymentStatus) -> Bool {
    let desired = deployment.spec?.replicas ?? 1
    return status.updatedReplicas ?? 0 == desired && status.replicas ?? 0 == desired
      && status.availableReplicas ?? 0 == desired
  }

  private static func availability(_ deployment: Deployment, available: Int) -> DeploymentCondition {
    let strategy = deployment.spec?.strategy
    let desired = deployment.spec?.replicas ?? 1
    let plan = RollingUpdatePlan(
      desired: desired, maxSurge: strategy?.rollingUpdate?.maxSurge,
      maxUnavailable: strategy?.type == "Recreate" ? .int(0) : strategy?.rollingUpdate?.maxUnavailable)
    let minimum = strategy?.type == "Recreate" ? desired : plan.minAvailable
    return available >= minimum
      ? DeploymentCondition(
        message: "Deployment has minimum availability.", reason: "MinimumReplicasAvailable", status: "True",
        type: "Available")
      : DeploymentCondition(
        message: "Deployment does not have minimum availability.", reason: "MinimumReplicasUnavailable",
        status: "False", type: "Available")
  }

  private static func progress(
    _ deployment: Deployment, _ status: KubernetesModels.DeploymentStatus, new: ReplicaSet?, desired: Int,
    now: Timestamp
  ) -> DeploymentCondition? {
    let name = new?.metadata.name ?? deployment.metadata.name ?? ""
    let known = deployment.status?.conditions?.first { $0.type == "Progressing" }
    func condition(_ reason: String, _ message: String, _ value: String = "True") -> DeploymentCondition {
      DeploymentCondition(message: message, reason: reason, status: value, type: "Progressing")
    }
    if deployment.spec?.paused == true {
      return condition("DeploymentPaused", "Deployment is paused", "Unknown")
    }
    if isComplete(deployment, status) {
      return condition("NewReplicaSetAvailable", "ReplicaSet \"\(name)\" has successfully progressed.")
    }
    // Without a deadline progress is not judged.
    guard let limit = deployment.spec?.progressDeadlineSeconds, new != nil else { return known }
    if hasProgressed(deployment.status, status) || known == nil
      || ["NewReplicaSetAvailable", "DeploymentPaused"].contains(known?.reason)
    {
      var updated = condition("ReplicaSetUpdated", "ReplicaSet \"\(name)\" is progressing.")
      updated.lastUpdateTime = now
      return updated
    }
    if let since = known?.lastUpdateTime, now - since >= .seconds(limit), known?.status == "True" {
      return condition("ProgressDeadlineExceeded", "ReplicaSet \"\(name)\" has timed out progressing.", "False")
    }
    return known
  }

  private static func hasProgressed(
    _ old: KubernetesModels.DeploymentStatus?, _ new: KubernetesModels.DeploymentStatus
  ) -> Bool {
    let oldRemaining = (old?.replicas ?? 0) - (old?.updatedReplicas ?? 0)
    let newRemaining = (new.replicas ?? 0) - (new.updatedReplicas ?? 0)
    return new.updatedReplicas ?? 0 > old?.updatedReplicas ?? 0 || newRemaining < oldRemaining
      || new.readyReplicas ?? 0 > old?.readyReplicas ?? 0 || new.availableReplicas ?? 0 > old?.availableReplicas ?? 0
  }

  private static func set(_ conditions: inout [DeploymentCondition], _ condition: DeploymentCondition, now: Timestamp) {
    var condition = condition
    guard let index = conditions.firstIndex(where: { $0.type == condition.type }) else {
      condition.lastTransitionTime = now
      condition.lastUpdateTime = now
      conditions.append(condition)
      return
    }
    let known = conditions[index]
    // An update time given on purpose marks progress; otherwise an unchanged condition stays as it is.
    let isSame = known.status == condition.status && known.reason == condition.reason
    if isSame, condition.lastUpdateTime == nil || condition.lastUpdateTime == known.lastUpdateTime,
      known.message == condition.message
    {
      return
    }
    condition.lastTransitionTime = known.status == condition.status ? known.lastTransitionTime : now
    condition.lastUpdateTime = now
    conditions[index] = condition
  }
}
