import KubernetesClient
import KubernetesModels
import Logging
import OperatorRuntime
import RTXPlatformAPI

/// Carries out what ``FailoverAccelerator`` decides. A controller of its own, so that nothing slower stands before it.
struct FailoverReconciler: Reconciler {
  let client: KubernetesClient
  let informers: PlatformInformers
  let recorder: EventRecorder
  let logger: Logger

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let platform = informers.platforms.get(key), !platform.spec.paused, platform.spec.postgres.external == nil,
      platform.spec.postgres.failover.accelerated
    else { return .done }
    let observed = PostgresReconciler.observe(informers, platform)
    guard let leader = observed.leader else { return .done }
    let decision = FailoverAccelerator.decide(
      FailoverAccelerator.Observation(
        leader: leader, synchronous: observed.synchronous, isSynchronousMode: platform.spec.postgres.synchronous,
        pods: observed.pods))
    guard case .release(let holder, let version) = decision else { return .done }
    let name = PatroniRecord.leader.name(platform)
    let patch: JSONValue = ["metadata": ["resourceVersion": .string(version), "annotations": ["leader": ""]]]
    do {
      _ = try await client.patch(ConfigMap.self, name, in: platform.namespace, .merge(patch))
    } catch let error as KubernetesError where error.isConflict || error.isNotFound {
      // The primary renewed once more before it died, or a replica was quicker. Look again with the newer record: a
      // renewal alone does not wake this controller.
      return .requeue(after: .milliseconds(100))
    }
    logger.notice("released the lease of a dead primary", metadata: ["platform": "\(key)", "member": "\(holder)"])
    if platform.spec.notifications.events {
      await recorder.record(
        .warning, regarding: platform, reason: "PrimaryDied",
        message: "the kubelet reports \(holder) dead; its lease was released so that a replica takes over",
        action: "ReleaseLease")
    }
    return .done
  }
}
