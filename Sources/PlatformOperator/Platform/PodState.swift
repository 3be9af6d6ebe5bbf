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

  /// Reasons that waiting does not mend: a registry that was merely slow is not among them, nor a first crash.
  private static let failures = troubles.subtracting(["ErrImagePull", "RunContainerError"])

  /// The first thing that makes a release of these pods hopeless, as a clause that names the pod; nil while it may still
  /// come to something.
  static func failure(in pods: [Pod]) -> String? {
    for pod in pods.sorted(by: { ($0.metadata.name ?? "") < ($1.metadata.name ?? "") }) {
      let statuses = (pod.status?.initContainerStatuses ?? []) + (pod.status?.containerStatuses ?? [])
      for status in statuses {
        guard let waiting = status.state?.waiting, let reason = waiting.reason, failures.contains(reason) else {
          continue
        }
        if reason == "CrashLoopBackOff", status.restartCount < 2 { continue }
        let end = status.lastState?.terminated.map { ", last exit code \($0.exitCode)" } ?? ""
        let message = waiting.message.map { ": \($0)" } ?? ""
        return "pod \(pod.metadata.name ?? ""): container \(status.name) is in \(reason)\(end)\(message)"
      }
    }
    return nil
  }

  /// Containers that ended after this time, and why the first of them did.
  static func restarts(in pods: [Pod], since start: Timestamp) -> (count: Int, reason: String?) {
    let ends = pods.flatMap { pod in
      (pod.status?.containerStatuses ?? []).compactMap { status in
        [status.lastState?.terminated, status.state?.terminated].compactMap(\.self)
          .first { ($0.finishedAt ?? start) > start }
          .map { "pod \(pod.metadata.name ?? ""): \($0.reason ?? "ended"), exit code \($0.exitCode)" }
      }
    }
    return (ends.count, ends.first)
  }
}
