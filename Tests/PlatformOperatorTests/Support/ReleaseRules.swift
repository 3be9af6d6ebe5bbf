@testable import PlatformOperator

/// What the operator must never do.
struct Forbidden: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

/// What is checked of every status that is written and of every plan that is carried out, beside what they do to the world.
struct ReleaseRules {
  let old: Release
  let seen: ReleaseObservation
  /// Whether the step has lasted longer than any time that it waits for.
  let isLate: Bool

  func check(_ new: Release) throws(Forbidden) {
    if new.step == .retiring, old.step != .retiring { try checkCommitment(new) }
    if new.step == .idle, old.step != .idle { try checkEnd(new) }
    let isRetried = seen.wish?.verb == .retry || old.stable == nil
    if old.step == .idle, new.step != .idle, old.failure?.revision == seen.target, !isRetried {
      throw Forbidden("a failed revision was tried again by itself")
    }
    if hasFailedWatch, new.step != .rollingBack { throw Forbidden("a colour that failed its watch was kept") }
  }

  /// Where no status is written.
  func checkPatience() throws(Forbidden) {
    if hasFailedWatch { throw Forbidden("a colour that failed its watch was kept") }
  }

  func check(_ plan: ReleasePlan) throws(Forbidden) {
    if plan.tasks.contains(.contract), old.ending != nil {
      throw Forbidden("contract migrations of a release that failed")
    }
    guard old.step == .switching, let colour = plan.select, colour == old.candidate else { return }
    guard seen.someoneServes, seen.live != .all else { return }
    if !seen.isComplete(colour, old.revision) { throw Forbidden("a switch to a colour that is not complete") }
  }

  /// The way back is given up: where there is one, only after the watch and the time that it is kept for.
  private func checkCommitment(_ new: Release) throws(Forbidden) {
    guard old.step != .rollingBack else {
      if seen.isServing(old.stable) { throw Forbidden("an old colour that serves was not gone back to") }
      return
    }
    guard let colour = new.stable, seen.live == .colour(colour), seen.isSettled, seen.isServing(colour) else {
      throw Forbidden("the way back was given up before requests went to the new colour alone")
    }
    guard let stable = old.stable, let state = seen.colours[stable], state.health != .stopping else { return }
    let isAsked = seen.wish?.verb == .skip || seen.target != old.revision
    guard old.step == .draining, isLate || isAsked else { throw Forbidden("the way back was given up early") }
  }

  private func checkEnd(_ new: Release) throws(Forbidden) {
    let isRefused = [.failed, .aborted, .rolledBack].contains(new.history.first?.outcome)
    if isRefused, old.revision == seen.target, new.failure?.revision != seen.target {
      throw Forbidden("a refused revision was forgotten")
    }
    guard let stable = new.stable, seen.isServing(stable) else { return }
    if seen.live != .colour(stable) || (!seen.isSettled && seen.colours.count > 1) {
      throw Forbidden("a release ended before requests went to the stable colour alone")
    }
  }

  private var hasFailedWatch: Bool {
    guard case .failed = seen.verdict, old.step == .watching, seen.wish == nil else { return false }
    return seen.isServing(old.stable) && seen.live == old.candidate.map(LiveSelection.colour)
  }
}
