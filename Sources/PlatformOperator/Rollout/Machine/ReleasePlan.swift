/// A piece of work that a release needs done once.
enum ReleaseTask: Sendable, Hashable, CaseIterable {
  case backup, expand, smokeTests, watch, contract
}

/// What is to hold in the cluster for a written status. Carrying it out twice is the same as once, and any part of it
/// may fail: the next observation leads to the rest.
struct ReleasePlan: Sendable, Equatable {
  enum Size: Sendable {
    /// As many as the autoscaler, or the spec, wants.
    case wanted
    /// As many as the live colour has, so that it can take over at once.
    case matching
    case gone
  }

  /// What the live Service is to select; nil leaves it.
  var select: Colour?
  var preview: Colour?
  /// Colours not named are left as they are.
  var sizes: [Colour: Size] = [:]
  /// Colours whose pods are to be as the spec says; others keep the template that they have.
  var fromSpec: Set<Colour> = []
  var tasks: Set<ReleaseTask> = []
  /// The colour that sends its clients away, and can still come back: open connections do not follow a Service, so the
  /// new colour would be watched with next to none of the requests.
  var drain: Colour?
  /// The colour that keeps its clients again.
  var welcome: Colour?

  init(_ release: Release, _ seen: ReleaseObservation) {
    select = Self.selection(release, seen)
    preview = release.candidate ?? release.stable
    for colour in Colour.allCases { sizes[colour] = Self.size(colour, release, seen) }
    if let candidate = release.candidate, seen.target == release.revision, release.step != .preparing {
      fromSpec.insert(candidate)
    }
    if let stable = release.stable, stable != .plain, seen.target == release.stableRevision { fromSpec.insert(stable) }
    // Where somebody made a colour live out of turn, its pods stay as they are while they serve, and so do those of a
    // colour that is just being made live.
    fromSpec = fromSpec.filter { [select] colour in
      let isLive = seen.live == .colour(colour) || select == colour
      return !isLive || !seen.isServing(colour) || seen.colours[colour]?.revision == seen.target
    }
    tasks = Self.tasks(release, seen)
    if [.watching, .draining].contains(release.step), seen.isSettled { drain = release.stable }
    if release.step == .rollingBack { welcome = release.stable }
  }

  /// The colour that takes the requests in this step, when all is well.
  private static func home(_ release: Release) -> Colour? {
    switch release.step {
    case .switching, .watching, .draining: release.candidate
    default: release.stable
    }
  }

  /// Never from a colour that serves to one that does not.
  private static func selection(_ release: Release, _ seen: ReleaseObservation) -> Colour? {
    guard let home = home(release), seen.live != .colour(home) else { return nil }
    if release.step == .switching {
      guard seen.isComplete(home, release.revision) else { return nil }
    }
    if seen.isServing(home) || !seen.someoneServes { return home }
    // Somebody made the Service select everything: one colour is better, even if it is not the right one yet.
    return seen.live == .all ? Colour.allCases.first { seen.isServing($0) } : nil
  }

  private static func size(_ colour: Colour, _ release: Release, _ seen: ReleaseObservation) -> Size? {
    if seen.live == .colour(colour) { return .wanted }
    // Beside a Service that selects every pod, a second colour would take requests at once.
    let isAlone = seen.colours.allSatisfy { $0.key == colour || $0.value.health == .stopping }
    guard isAlone || seen.live != .all else { return nil }
    if colour == release.stable { return [.watching, .draining].contains(release.step) ? .matching : .wanted }
    if colour == release.candidate {
      return [.preparing, .rollingBack].contains(release.step) ? nil : .matching
    }
    return isSafeToRemove(release, seen) ? .gone : nil
  }

  /// Only once requests go to what stays, and to nothing else.
  private static func isSafeToRemove(_ release: Release, _ seen: ReleaseObservation) -> Bool {
    guard let stable = release.stable else { return seen.live == .absent }
    return seen.live == .colour(stable) && seen.isSettled && seen.isServing(stable)
  }

  private static func tasks(_ release: Release, _ seen: ReleaseObservation) -> Set<ReleaseTask> {
    switch release.step {
    case .preparing: seen.backup == .succeeded ? [.backup, .expand] : [.backup]
    case .testing: [.smokeTests]
    case .watching: [.watch]
    case .retiring: othersAreGone(release, seen) ? [.contract] : []
    case .idle, .deploying, .awaitingApproval, .switching, .draining, .rollingBack: []
    }
  }

  /// Whether nothing is left that a contract migration could break.
  static func othersAreGone(_ release: Release, _ seen: ReleaseObservation) -> Bool {
    guard let stable = release.stable else { return false }
    return seen.live == .colour(stable) && seen.colours.keys.allSatisfy { $0 == stable }
  }
}
