import KubernetesModels

/// What to do next: either a status to be written, or effects to be carried out, never both.
///
/// Effects follow from a status that is already written. A crash between the two therefore only repeats: a written status
/// leads to its effects in the next run, and effects without a newer status lead to the same effects again.
enum ReleaseDecision: Sendable, Equatable {
  case write(Release)
  case carryOut(ReleasePlan)
}

extension Release {
  /// One step. Call again after a status was written; carry effects out as often as they come.
  func step(_ seen: ReleaseObservation, policy: ReleasePolicy, now: Timestamp) -> ReleaseDecision {
    var machine = ReleaseMachine(release: self, seen: seen, policy: policy, now: now)
    machine.run()
    return machine.release == self ? .carryOut(ReleasePlan(self, seen)) : .write(machine.release)
  }
}

/// The transitions. Forward steps stand here, the ways back in an extension.
struct ReleaseMachine {
  var release: Release
  let seen: ReleaseObservation
  let policy: ReleasePolicy
  let now: Timestamp

  mutating func run() {
    switch release.step {
    case .idle: idle()
    case .preparing, .deploying, .testing, .awaitingApproval: beforeSwitch()
    case .switching: switching()
    case .watching: watching()
    case .draining: draining()
    case .retiring: retiring()
    case .rollingBack: rollingBack()
    }
  }

  // MARK: Between releases

  private mutating func idle() {
    if adopt() { return }
    guard seen.target != release.stableRevision else {
      // The failed revision is not wanted any more.
      if release.failure != nil { release.failure = nil }
      return
    }
    if let failure = release.failure {
      if failure.revision != seen.target {
        release.failure = nil
      } else if take(.retry, seen.target) || (release.stable == nil && hasElapsed(policy.retryDelay)) {
        release.failure = nil
      } else {
        return
      }
    }
    guard !isPaused(seen.target), seen.obstacle == nil else { return }
    // A Service that somebody edited is put right first.
    if let stable = release.stable, seen.live != .colour(stable) { return }
    begin()
  }

  /// Takes as stable what the live Service selects, where the status knows of none that serves; forgets one that is gone
  /// and that the spec cannot bring back.
  private mutating func adopt() -> Bool {
    if case .colour(let colour) = seen.live, colour != release.stable, seen.isServing(colour),
      !seen.isServing(release.stable)
    {
      settle(on: colour, seen.colours[colour]?.revision)
      return true
    }
    if release.stable == nil, let colour = takenOver ?? onlyOne {
      settle(on: colour, seen.colours[colour]?.revision)
      return true
    }
    return forgetLost()
  }

  /// A colour that takes requests, or will, although the release did not make it. Beside a Service that selects everything
  /// no second colour can be made, were the first one never to start: what is there is where it goes on from.
  private var takenOver: Colour? {
    switch seen.live {
    case .colour(let colour): return seen.isServing(colour) ? colour : nil
    case .all:
      let others = running.filter { $0 != release.candidate }
      return others.first { seen.isServing($0) } ?? others.first
    case .absent, .foreign: return nil
    }
  }

  /// The candidate, where older pods of it are all that serves: they stay, so it would never be of this release.
  private var strayCandidate: Colour? {
    guard let colour = release.candidate, seen.live == .colour(colour), seen.isServing(colour) else { return nil }
    return seen.isServing(release.stable) || seen.colours[colour]?.revision == release.revision ? nil : colour
  }

  /// What can take requests at once where nothing does.
  private var onlyOne: Colour? {
    guard !seen.someoneServes, running.count == 1 else { return nil }
    return running.first { seen.isServing($0) }
  }

  private var running: [Colour] {
    Colour.allCases.filter { colour in seen.colours[colour].map { $0.health != .stopping } ?? false }
  }

  private mutating func settle(on colour: Colour?, _ revision: String?) {
    release.stable = colour
    release.stableRevision = revision
  }

  /// What served was deleted by somebody, and the spec has moved on: there is nothing left to go back to.
  private mutating func forgetLost() -> Bool {
    guard let stable = release.stable, release.stableRevision != seen.target || stable == .plain else { return false }
    guard seen.colours[stable] == nil else { return false }
    settle(on: nil, nil)
    return true
  }

  private mutating func begin() {
    release.revision = seen.target
    release.image = seen.image
    release.candidate = release.stable?.other ?? .blue
    release.attempt += 1
    release.startedAt = now
    release.approver = nil
    release.ending = nil
    enter(.preparing)
  }

  // MARK: Before the switch

  private mutating func beforeSwitch() {
    guard let revision = release.revision else { return end(.failed, "the status named no revision") }
    if forgetLost() { return }
    if let colour = release.stable == nil ? takenOver : strayCandidate {
      return goBack(.superseded, "\(colour.rawValue) was made live by somebody else")
    }
    if seen.target != revision {
      guard seen.target != release.stableRevision else {
        return goBack(.superseded, "the spec went back to \(seen.target)")
      }
      record(.superseded, "the spec asks for \(seen.target)")
      return begin()
    }
    if take(.abort, revision) || take(.rollback, revision) { return goBack(.aborted, by("aborted")) }
    if takeApproval(revision) || isPaused(revision) { return }
    switch release.step {
    case .preparing: preparing()
    case .deploying: deploying(revision)
    case .testing: testing(revision)
    default: awaitingApproval(revision)
    }
  }

  private mutating func preparing() {
    switch (seen.backup, seen.expand) {
    case (.failed(let reason), _): goBack(.failed, "backup: \(reason)")
    case (_, .failed(let reason)): goBack(.failed, "expand migrations: \(reason)")
    case (.succeeded, .succeeded): enter(.deploying)
    default: return
    }
  }

  private mutating func deploying(_ revision: String) {
    if seen.isComplete(release.candidate, revision) { return enter(.testing) }
    // A first release has nothing to protect, and goes on trying.
    guard release.stable != nil else { return }
    guard let state = release.candidate.flatMap({ seen.colours[$0] }), state.revision == revision else { return }
    if let trouble = state.trouble { return goBack(.failed, trouble) }
    if hasElapsed(policy.progressDeadline) {
      goBack(.failed, "not ready after \(policy.progressDeadline.components.seconds) s")
    }
  }

  private mutating func testing(_ revision: String) {
    guard seen.isServing(release.candidate) else { return enter(.deploying) }
    if take(.skip, revision) { return enter(.awaitingApproval) }
    switch seen.smokeTests {
    case .succeeded: enter(.awaitingApproval)
    case .failed(let reason): goBack(.failed, "smoke tests: \(reason)")
    case .notStarted, .running: return
    }
  }

  private mutating func awaitingApproval(_ revision: String) {
    guard seen.isServing(release.candidate) else { return enter(.deploying) }
    guard seen.isComplete(release.candidate, revision) else { return }
    // With nothing live, waiting would be downtime.
    if release.stable != nil {
      guard policy.autoPromote || release.approver != nil else { return }
      guard !seen.isFrozen || take(.skip, revision) else { return }
    }
    enter(.switching)
  }

  // MARK: After the switch

  private mutating func switching() {
    if leave() { return }
    guard seen.live == release.candidate.map(LiveSelection.colour) else {
      if !seen.isServing(release.candidate) {
        enter(.deploying)
      } else if !seen.isComplete(release.candidate, release.revision), hasElapsed(policy.progressDeadline) {
        goBack(.failed, "not all pods were ready when it was to switch")
      }
      return
    }
    if !seen.isServing(release.candidate), seen.isServing(release.stable) {
      return goBack(.failed, "no pod was ready after the switch")
    }
    guard seen.isSettled, seen.isServing(release.candidate) else { return }
    if release.stable == nil { commit() } else { enter(.watching) }
  }

  private mutating func watching() {
    if leave() { return }
    if canGoBack {
      if !seen.isServing(release.candidate), seen.isServing(release.stable) {
        return goBack(.failed, "no pod was ready any more")
      }
      if case .failed(let reason) = seen.verdict { return goBack(.failed, reason) }
    }
    guard let revision = release.revision, !isPaused(revision) else { return }
    if take(.skip, revision) || (hasElapsed(policy.watch) && seen.verdict == .healthy) || !canGoBack {
      enter(.draining)
    }
  }

  private mutating func draining() {
    if seen.target == release.stableRevision || seen.target == release.revision {
      if leave() { return }
    }
    if canGoBack, !seen.isServing(release.candidate), seen.isServing(release.stable) {
      return goBack(.failed, "no pod was ready any more")
    }
    guard let revision = release.revision, !isPaused(revision) else { return }
    guard seen.live == release.candidate.map(LiveSelection.colour), seen.isSettled, seen.isServing(release.candidate)
    else { return }
    // A newer target has passed the old colour by: its release begins when this one has ended.
    if seen.target != revision || !canGoBack || hasElapsed(policy.scaleDownDelay) || take(.skip, revision) { commit() }
  }

  /// From here there is no way back.
  mutating func commit() {
    settle(on: release.candidate, release.revision)
    release.candidate = nil
    enter(.retiring)
  }

  private mutating func retiring() {
    let colour = release.stable
    if forgetLost() {
      release.candidate = colour
      return end(release.ending?.outcome ?? .failed, release.ending?.reason ?? "its trading servers were deleted")
    }
    guard ReleasePlan.othersAreGone(release, seen) else {
      // The old colour is not removed while it is all that serves; what the spec asks for now may be what helps.
      if !seen.isServing(colour), seen.target != release.stableRevision, hasElapsed(policy.progressDeadline) {
        let ending = release.ending
        end(ending?.outcome ?? .failed, ending?.reason ?? "its pods did not stay ready, and no contract migration ran")
      }
      return
    }
    // What is kept for want of anything to go back to may yet have to give way to the version before.
    if let ending = release.ending { return end(ending.outcome, ending.reason) }
    switch seen.contract {
    case .succeeded: end(.succeeded, "")
    case .failed(let reason):
      if seen.target != release.revision {
        // What comes next may bring the migration that works.
        end(.succeeded, "without its contract migrations: \(reason)")
      } else if take(.retry, release.revision ?? "") || hasElapsed(policy.retryDelay) {
        release.attempt += 1
        release.since = now
      }
    case .notStarted, .running: return
    }
  }
}
