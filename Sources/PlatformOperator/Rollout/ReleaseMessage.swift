import KubernetesModels
import RTXPlatformAPI

/// One sentence about a release, for `kubectl get`, Argo CD and whoever is awake.
enum ReleaseMessage {
  static func text(_ release: Release, _ seen: ReleaseObservation, _ scene: ReleaseScene, _ policy: ReleasePolicy)
    -> String
  {
    let revision = release.revision ?? ""
    if let wish = seen.wish, wish.verb == .pause, wish.revision == revision || wish.revision == seen.target,
      release.step != .rollingBack, release.step != .retiring
    {
      return "\(wish.revision) is paused at \(release.step.rawValue); remove the annotation \(annotation) to go on"
    }
    switch release.step {
    case .idle: return idle(release, seen)
    case .preparing:
      return
        "\(revision): \(waiting(seen.backup, "backup") ?? waiting(seen.expand, "migrations") ?? "prepared")"
    case .deploying: return "\(revision): \(pods(release.candidate, scene)) of \(colour(release.candidate)) are ready"
    case .testing: return "\(revision): smoke tests run against \(colour(release.candidate))"
    case .awaitingApproval:
      if !policy.autoPromote, release.approver == nil {
        return "\(revision) is ready on \(colour(release.candidate)) and waits for: kubectl annotate rtx "
          + "\(scene.platform.name) -n \(scene.platform.namespace) \(annotation)=\"approve \(revision)\" --overwrite"
      }
      return seen.isFrozen
        ? "\(revision) is ready and waits for the end of a freeze window (spec.rollout.windows)"
        : "\(revision): \(pods(release.candidate, scene)) of \(colour(release.candidate)) are ready"
    case .switching: return "\(revision): requests move to \(colour(release.candidate))"
    case .watching:
      if case .unknown(let reason) = seen.verdict {
        return "\(revision) serves on \(colour(release.candidate)), but \(reason): the watch goes on until this "
          + "changes, or until it is annotated \(annotation)=\"skip \(revision)\""
      }
      return
        "\(revision) serves on \(colour(release.candidate)) and is watched for \(policy.watch.components.seconds) s; "
        + "\(colour(release.stable)) stays ready to take over"
    case .draining:
      return "\(revision): clients of \(colour(release.stable)) are sent to \(colour(release.candidate))"
    case .retiring:
      if case .failed(let reason) = seen.contract {
        return "\(revision) serves; its contract migrations failed: \(reason)"
      }
      if release.ending != nil { return "\(revision) serves; the old colour stops" }
      return "\(revision) serves; the old colour stops, then the contract migrations run"
    case .rollingBack: return "\(revision) goes back: \(release.ending?.reason ?? "")"
    }
  }

  private static var annotation: String { PlatformConstants.releaseAnnotation }

  private static func idle(_ release: Release, _ seen: ReleaseObservation) -> String {
    if let failure = release.failure {
      return "\(failure.revision) failed and is not tried again before the spec changes or is annotated "
        + "\(annotation)=\"retry \(failure.revision)\": \(failure.reason)"
    }
    if let obstacle = seen.obstacle { return "\(seen.target) cannot begin: \(obstacle)" }
    return release.stableRevision.map { "\($0) serves on \(colour(release.stable))" } ?? "no release yet"
  }

  private static func waiting(_ task: TaskState, _ what: String) -> String? {
    switch task {
    case .succeeded: nil
    case .notStarted, .running: "waits for the \(what)"
    case .failed(let reason): "\(what): \(reason)"
    }
  }

  private static func pods(_ colour: Colour?, _ scene: ReleaseScene) -> String {
    let deployment = colour.flatMap { scene.deployments[$0] }
    return "\(deployment?.status?.readyReplicas ?? 0) of \(scene.matchingReplicas)"
  }

  private static func colour(_ colour: Colour?) -> String { colour?.rawValue ?? "nothing" }
}
