import KubernetesModels

// The ways back, and what all steps share.
extension ReleaseMachine {
  /// Whether the old colour is still there.
  var canGoBack: Bool {
    guard let stable = release.stable, let state = seen.colours[stable] else { return false }
    return state.health != .stopping
  }

  /// What ends a release after the switch from outside: a newer target, the old one wanted again, or a wish.
  mutating func leave() -> Bool {
    guard let revision = release.revision else {
      end(.failed, "the status named no revision")
      return true
    }
    if release.stable != nil, !canGoBack { return false }
    if seen.target == release.stableRevision {
      goBack(.rolledBack, "the spec went back to \(seen.target)")
    } else if seen.target != revision {
      goBack(.superseded, "the spec asks for \(seen.target)")
    } else if take(.rollback, revision) || take(.abort, revision) {
      goBack(.rolledBack, by("rolled back"))
    } else {
      return false
    }
    return true
  }

  mutating func goBack(_ outcome: ReleaseOutcome, _ reason: String) {
    release.ending = Release.Ending(outcome: outcome, reason: reason)
    enter(.rollingBack)
  }

  mutating func rollingBack() {
    let ending = release.ending ?? Release.Ending(outcome: .failed, reason: "")
    guard let stable = release.stable else { return end(ending.outcome, ending.reason) }
    // It need not serve: a release that was to repair it must be able to fail, and the next one to begin.
    if seen.live == .colour(stable), seen.isSettled { return end(ending.outcome, ending.reason) }
    // There is nothing to go back to any more, or not soon: what serves stays.
    let isGone = seen.colours[stable] == nil && (release.stableRevision != seen.target || stable == .plain)
    if isGone || (hasElapsed(policy.progressDeadline) && !seen.isServing(stable)), seen.isServing(release.candidate) {
      release.ending?.reason += "; but the old colour does not serve any more"
      let there = release.candidate.flatMap { seen.colours[$0]?.revision }
      commit()
      // It may be what ran there before, where this release never came to make its own pods.
      release.stableRevision = there
    } else if isGone {
      release.stable = nil
      release.stableRevision = nil
    }
  }

  mutating func end(_ outcome: ReleaseOutcome, _ reason: String) {
    record(outcome, reason)
    let wasRefused = [.failed, .aborted, .rolledBack].contains(outcome) && seen.target == release.revision
    if wasRefused, let revision = release.revision {
      release.failure = Release.Failure(revision: revision, reason: reason)
    }
    release.candidate = nil
    release.revision = nil
    release.image = nil
    release.startedAt = nil
    release.approver = nil
    release.ending = nil
    enter(.idle)
  }

  mutating func record(_ outcome: ReleaseOutcome, _ reason: String) {
    guard let revision = release.revision, let colour = release.candidate ?? release.stable else { return }
    let entry = ReleaseRecord(
      revision: revision, image: release.image, colour: colour, startedAt: release.startedAt ?? now, endedAt: now,
      outcome: outcome,
      reason: reason, approver: release.approver)
    release.history = Array(([entry] + release.history).prefix(Release.historyLimit))
  }

  mutating func enter(_ step: ReleaseStep) {
    release.step = step
    release.since = now
  }

  func hasElapsed(_ duration: Duration) -> Bool { now - release.since >= duration }

  // MARK: Wishes

  func isPaused(_ revision: String) -> Bool { seen.wish?.verb == .pause && seen.wish?.revision == revision }

  /// Whether this is wished for and was not dealt with before; from now on it was.
  mutating func take(_ verb: ReleaseWish.Verb, _ revision: String) -> Bool {
    guard let wish = seen.wish, wish.verb == verb, wish.revision == revision, wish.token != release.handledWish else {
      return false
    }
    release.handledWish = wish.token
    return true
  }

  /// An approval counts from the moment it is given, also while tests still run.
  mutating func takeApproval(_ revision: String) -> Bool {
    guard take(.approve, revision) else { return false }
    release.approver = seen.wish?.author ?? "unknown"
    return true
  }

  func by(_ what: String) -> String { seen.wish?.author.map { "\(what) by \($0)" } ?? what }
}
