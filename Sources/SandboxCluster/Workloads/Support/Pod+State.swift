import KubernetesModels
import OperatorRuntime

/// The words that controllers have for a pod's condition (Kubernetes: "Pod Lifecycle").
extension Pod {
  var phase: String { status?.phase ?? "Pending" }
  var hasSucceeded: Bool { phase == "Succeeded" }
  var hasFailed: Bool { phase == "Failed" }
  var isFinished: Bool { hasSucceeded || hasFailed }
  var isTerminating: Bool { isBeingDeleted }
  /// Neither finished nor on its way out: it counts towards the wanted number.
  var isActive: Bool { !isFinished && !isTerminating }
  var isReady: Bool { readyCondition?.status == "True" }

  var readyCondition: PodCondition? { status?.conditions?.first { $0.type == "Ready" } }

  /// When the pod has been ready for `minReadySeconds`; nil while it is not ready.
  func availableAt(minReadySeconds: Int) -> Timestamp? {
    guard isReady else { return nil }
    guard minReadySeconds > 0 else { return Timestamp(secondsSinceEpoch: 0) }
    guard let since = readyCondition?.lastTransitionTime else { return nil }
    return since + .seconds(minReadySeconds)
  }

  func isAvailable(minReadySeconds: Int, now: Timestamp) -> Bool {
    availableAt(minReadySeconds: minReadySeconds).map { $0 <= now } ?? false
  }

  /// Restarts of all containers together.
  var restartCount: Int {
    let statuses = (status?.initContainerStatuses ?? []) + (status?.containerStatuses ?? [])
    return statuses.reduce(0) { $0 + $1.restartCount }
  }
}
