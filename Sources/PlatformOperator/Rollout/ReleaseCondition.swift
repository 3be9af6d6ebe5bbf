import RTXPlatformAPI

/// What a release means for the platform as a whole: kstatus, and so Flux and `kubectl wait`, read it from conditions.
enum ReleaseCondition {
  static func of(_ rollout: RolloutStatus) -> ComponentCondition {
    let message = rollout.message ?? ""
    switch rollout.step.flatMap(ReleaseStep.init) ?? .idle {
    case .idle:
      if rollout.failedRevision != nil { return .stalled(.releaseFailed, message) }
      return rollout.stableRevision == nil ? .progressing(.releasing, message) : .available(message)
    case .awaitingApproval: return .progressing(.awaitingApproval, message)
    default: return .progressing(.releasing, message)
    }
  }
}
