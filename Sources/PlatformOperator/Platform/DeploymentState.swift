import KubernetesModels
import RTXPlatformAPI

/// A Deployment's rollout, judged as `kubectl rollout status` does.
enum DeploymentState {
  static func condition(_ deployment: Deployment?, pods: [Pod], what: String) -> ComponentCondition {
    guard let deployment, let status = deployment.status else {
      return .progressing(.progressing, "\(what) is being created")
    }
    let wanted = deployment.spec?.replicas ?? 1
    let ready = status.readyReplicas ?? 0
    let trouble = PodState.trouble(in: pods).map { "; \($0)" } ?? ""
    if status.observedGeneration ?? 0 < deployment.metadata.generation ?? 0 {
      return .progressing(.progressing, "\(what): the new version is about to roll out")
    }
    let progress = status.conditions?.first { $0.type == "Progressing" }
    if progress?.reason == "ProgressDeadlineExceeded" {
      return .progressing(
        .rolloutFailed, "\(what): the rollout makes no progress, \(ready) of \(wanted) are ready\(trouble)")
    }
    let updated = status.updatedReplicas ?? 0
    if updated < wanted { return .progressing(.progressing, "\(what): \(updated) of \(wanted) are new\(trouble)") }
    if status.replicas ?? 0 > updated {
      return .progressing(.progressing, "\(what): \((status.replicas ?? 0) - updated) old ones are stopping")
    }
    let available = status.availableReplicas ?? 0
    guard available >= wanted else {
      return .progressing(.progressing, "\(what): \(available) of \(wanted) are ready\(trouble)")
    }
    return .available("\(what): \(ready) of \(wanted) are ready")
  }
}
