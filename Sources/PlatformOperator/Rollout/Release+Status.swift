import KubernetesModels
import RTXPlatformAPI

// The state of releases as `status.rollout` holds it. What is not understood is as if it were not there: the machine
// finds its way from any state.
extension Release {
  init(_ status: RolloutStatus?, now: Timestamp) {
    self.init(since: status?.since ?? now)
    guard let status else { return }
    step = status.step.flatMap(ReleaseStep.init) ?? .idle
    stable = status.stableColour.flatMap(Colour.init)
    stableRevision = status.stableRevision
    candidate = status.colour.flatMap(Colour.init)
    revision = status.revision
    image = status.image
    startedAt = status.startedAt
    attempt = status.attempt ?? 0
    approver = status.approver
    ending = status.ending.flatMap(ReleaseOutcome.init).map { Ending(outcome: $0, reason: status.endingReason ?? "") }
    failure = status.failedRevision.map { Failure(revision: $0, reason: status.failedReason ?? "") }
    handledWish = status.handledRequest
    history = (status.history ?? []).compactMap(ReleaseRecord.init)
  }

  func status(message: String) -> RolloutStatus {
    RolloutStatus(
      approver: approver, attempt: attempt, colour: candidate?.rawValue, ending: ending?.outcome.rawValue,
      endingReason: ending.map { Self.cut($0.reason) }, failedReason: failure.map { Self.cut($0.reason) },
      failedRevision: failure?.revision, handledRequest: handledWish, history: history.map(\.status), image: image,
      message: Self.cut(message), revision: revision, since: since, stableColour: stable?.rawValue,
      stableRevision: stableRevision, startedAt: startedAt, step: step.rawValue)
  }

  /// The schema takes no longer texts.
  fileprivate static func cut(_ text: String) -> String { String(text.prefix(4096)) }
}

extension ReleaseRecord {
  fileprivate init?(_ item: RolloutHistoryItemStatus) {
    guard let colour = Colour(rawValue: item.colour), let outcome = ReleaseOutcome(rawValue: item.outcome) else {
      return nil
    }
    self.init(
      revision: item.revision, image: item.image, colour: colour, startedAt: item.startedAt, endedAt: item.endedAt,
      outcome: outcome, reason: item.reason ?? "", approver: item.approver)
  }

  fileprivate var status: RolloutHistoryItemStatus {
    RolloutHistoryItemStatus(
      approver: approver, colour: colour.rawValue, endedAt: endedAt, image: image, outcome: outcome.rawValue,
      reason: reason.isEmpty ? nil : Release.cut(reason), revision: revision, startedAt: startedAt)
  }
}

extension ReleasePolicy {
  init(_ spec: RolloutSpec) {
    self.init(
      autoPromote: spec.autoPromote, watch: .seconds(spec.watchSeconds),
      scaleDownDelay: .seconds(spec.scaleDownDelaySeconds), progressDeadline: .seconds(spec.progressDeadlineSeconds))
  }
}

extension WatchThresholds {
  init(_ spec: RolloutThresholdsSpec) {
    self.init(
      errorPercent: spec.errorPercent, errorFactor: spec.errorFactor,
      p99Seconds: spec.p99Milliseconds.map { Double($0) / 1000 }, p99Factor: spec.p99Factor, restarts: spec.restarts,
      minimumRequests: Double(spec.minimumRequests))
  }
}
