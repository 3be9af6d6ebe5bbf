import KubernetesModels

/// What a pod's status says, for people and for conditions.
enum PodState {
  static func isReady(_ pod: Pod) -> Bool {
    pod.metadata.deletionTimestamp == nil
      && pod.status?.conditions?.contains { $0.type == "Ready" && $0.status == "True" } == true
  }

  /// Reasons for which a waiting container will not start by itself, or not soon.
  private static let troubles: Set<String> = [
    "CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName",
    "CreateContainerConfigError", "CreateContainerError", "RunContainerError",
  ]

  /// The first thing that keeps a pod from running, as a clause that names the pod; nil when there is none.
  static func trouble(in pods: [Pod]) -> String? {
    for pod in pods.sorted(by: { ($0.metadata.name ?? "") < ($1.metadata.name ?? "") }) {
      let name = pod.metadata.name ?? ""
      let statuses = (pod.status?.initContainerStatuses ?? []) + (pod.status?.containerStatuses ?? [])
      for status in statuses {
        guard let waiting = status.state?.waiting, let reason = waiting.reason, troubles.contains(reason) else {
          continue
        }
        return "pod \(name): container \(status.name) is in \(reason); see kubectl describe pod and kubectl logs"
      }
      if let unscheduled = pod.status?.conditions?.first(where: { $0.type == "PodScheduled" && $0.status == "False" }) {
        return "pod \(name) has no node: \(unscheduled.message ?? unscheduled.reason ?? "see kubectl describe pod")"
      }
    }
    return nil
  }
}
