import KubernetesClient
import KubernetesModels
import OperatorRuntime

/// The part of a HorizontalPodAutoscaler that works without a metrics server: its bounds, and a status that says so.
struct AutoscalerReconciler: Reconciler {
  let context: WorkloadContext

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let autoscaler = context.autoscalers.get(key), !autoscaler.isBeingDeleted else { return .done }
    let spec = autoscaler.spec
    let target = spec.scaleTargetRef
    guard let type = try await scaledType(target)
    else {
      try await report(autoscaler, current: nil, desired: 0, "FailedGetScale", "no such kind: \(target.kind)")
      return .requeue(after: .seconds(15))
    }
    let current: Int
    do {
      current = try await context.client.scale(of: type, target.name, in: key.namespace).desiredReplicas
    } catch let error as KubernetesError where error.isNotFound {
      try await report(
        autoscaler, current: nil, desired: 0, "FailedGetScale", "\(target.kind) \"\(target.name)\" not found")
      return .requeue(after: .seconds(15))
    }
    // Zero switches autoscaling off until somebody sets another number.
    let desired = current == 0 ? 0 : min(max(current, spec.minReplicas ?? 1), spec.maxReplicas)
    if desired != current {
      _ = try await context.client.scale(type, target.name, in: key.namespace, to: desired)
      await context.events.record(
        .normal, regarding: autoscaler, reason: "SuccessfulRescale",
        message:
          "New size: \(desired); reason: Current number of replicas \(desired > current ? "below Spec.MinReplicas" : "above Spec.MaxReplicas")",
        action: "Rescale")
    }
    try await report(autoscaler, current: current, desired: desired, nil, nil)
    return .requeue(after: .seconds(15))
  }

  private func scaledType(_ target: CrossVersionObjectReference) async throws -> ResourceType? {
    let usual = [Deployment.resourceType, StatefulSet.resourceType, ReplicaSet.resourceType]
    if let type = usual.first(where: { $0.apiVersion == target.apiVersion && $0.kind == target.kind }) { return type }
    let served = try await context.client.discover().resources.map(\.type)
    return served.first { $0.apiVersion == target.apiVersion && $0.kind == target.kind }
  }

  private func report(
    _ autoscaler: HorizontalPodAutoscaler, current: Int?, desired: Int, _ failure: String?, _ message: String?
  ) async throws {
    let now = Timestamp.now
    var conditions: [HorizontalPodAutoscalerCondition] = []
    func add(_ type: String, _ status: String, _ reason: String, _ message: String) {
      let known = autoscaler.status?.conditions?.first { $0.type == type && $0.status == status }
      conditions.append(
        HorizontalPodAutoscalerCondition(
          lastTransitionTime: known?.lastTransitionTime ?? now, message: message, reason: reason, status: status,
          type: type))
    }
    if let failure {
      add(
        "AbleToScale", "False", failure,
        "the HPA controller was unable to get the target's current scale: \(message ?? "")")
    } else {
      add("AbleToScale", "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale")
      if current == 0 {
        add(
          "ScalingActive", "False", "ScalingDisabled",
          "scaling is disabled since the replica count of the target is zero")
      } else {
        add(
          "ScalingActive", "False", "FailedGetResourceMetric",
          "the HPA was unable to compute the replica count: the sandbox has no metrics server; only the bounds are kept"
        )
      }
      if let current, current != desired {
        let isLow = desired > current
        add(
          "ScalingLimited", "True", isLow ? "TooFewReplicas" : "TooManyReplicas",
          "the desired replica count is \(isLow ? "less than the minimum" : "more than the maximum") replica count")
      }
    }
    try await context.writeStatus(
      of: autoscaler,
      KubernetesModels.HorizontalPodAutoscalerStatus(
        conditions: conditions, currentMetrics: autoscaler.status?.currentMetrics, currentReplicas: current,
        desiredReplicas: desired,
        lastScaleTime: current != nil && current != desired ? now : autoscaler.status?.lastScaleTime,
        observedGeneration: autoscaler.metadata.generation))
  }
}
