import KubernetesModels

@testable import PlatformOperator

/// Folds states that cannot be told apart into one, which it writes as a number.
///
/// - Revisions are only ever compared, so they are named in the order in which a state mentions them.
/// - Blue and green are each other's mirror image, but for what ``ReleaseModel/State/isLopsided`` names.
/// - Times, counts and texts decide about nothing, or are varied with each observation.
struct ReleaseFolding {
  private var key: UInt64 = 0
  private var names: [String] = []
  private let isMirrored: Bool

  /// Of the state or of its mirror image, whichever is smaller.
  static func key(_ state: ReleaseModel.State) -> UInt64 {
    min(ReleaseFolding(state, isMirrored: false).key, ReleaseFolding(state, isMirrored: true).key)
  }

  private init(_ state: ReleaseModel.State, isMirrored: Bool) {
    self.isMirrored = isMirrored
    let (release, world) = (state.release, state.world)
    // First, so that it is always the same.
    name(world.target)
    add(Self.steps.firstIndex(of: release.step) ?? 0, bits: 4)
    colour(release.stable)
    name(release.stable == nil ? nil : release.stableRevision)
    colour(release.candidate)
    name(release.revision)
    add(release.ending.flatMap { Self.outcomes.firstIndex(of: $0.outcome) }.map { $0 + 1 } ?? 0, bits: 3)
    name(release.failure?.revision)
    add(release.approver == nil ? 0 : 1, bits: 1)
    switch world.service {
    case .absent: add(0, bits: 3)
    case .foreign: add(1, bits: 3)
    case .all: add(2, bits: 3)
    case .colour(let colour): add(3 + index(colour), bits: 3)
    }
    for colour in isMirrored ? [Colour.plain, .green, .blue] : [.plain, .blue, .green] {
      let state = world.colours[colour]
      add(state.flatMap { Self.healths.firstIndex(of: $0.health) }.map { $0 + 1 } ?? 0, bits: 3)
      // What stops is asked for its revision in one place only, where both answers are tried.
      name(state?.health == .stopping ? nil : state?.revision)
      add(world.lagging.contains(colour) ? 1 : 0, bits: 1)
    }
    colour(release.step == .retiring ? world.contracted : nil)
    add(state.wasServed ? 1 : 0, bits: 1)
  }

  private static let steps = ReleaseStep.allCases
  private static let outcomes: [ReleaseOutcome] = [.succeeded, .failed, .aborted, .rolledBack, .superseded]
  private static let healths: [ColourState.Health] = [.starting, .serving, .complete, .stopping]

  private mutating func add(_ value: Int, bits: UInt64) { key = key << bits | UInt64(value) }

  private func index(_ colour: Colour) -> Int {
    switch colour {
    case .plain: 0
    case .blue: isMirrored ? 2 : 1
    case .green: isMirrored ? 1 : 2
    }
  }

  private mutating func colour(_ colour: Colour?) { add(colour.map { index($0) + 1 } ?? 0, bits: 2) }

  private mutating func name(_ revision: String?) {
    guard let revision else { return add(0, bits: 3) }
    let known = names.firstIndex(of: revision)
    if known == nil { names.append(revision) }
    add((known ?? names.count - 1) + 1, bits: 3)
  }
}

/// Reads what ``ReleaseFolding`` wrote, from its end.
struct ReleaseUnfolding {
  private var key: UInt64

  static func state(_ key: UInt64) -> ReleaseModel.State {
    var unfolding = ReleaseUnfolding(key: key)
    return unfolding.read()
  }

  private static let colours: [Colour?] = [nil, .plain, .blue, .green]
  private static let outcomes: [ReleaseOutcome?] = [nil, .succeeded, .failed, .aborted, .rolledBack, .superseded]
  private static let healths: [ColourState.Health?] = [nil, .starting, .serving, .complete, .stopping]
  private static let services: [LiveSelection] = [
    .absent, .foreign, .all, .colour(.plain), .colour(.blue), .colour(.green),
  ]

  private mutating func read() -> ReleaseModel.State {
    var (release, world) = (Release(since: ReleaseModel.epoch), ReleaseWorld())
    let wasServed = take(1) == 1
    world.contracted = Self.colours[take(2)]
    for colour in [Colour.green, .blue, .plain] {
      if take(1) == 1 { world.lagging.insert(colour) }
      let revision = name()
      if let health = Self.healths[take(3)] {
        world.colours[colour] = ColourState(revision: revision ?? "", health: health)
      }
    }
    world.service = Self.services[take(3)]
    release.approver = take(1) == 1 ? "" : nil
    release.failure = name().map { Release.Failure(revision: $0, reason: "") }
    release.ending = Self.outcomes[take(3)].map { Release.Ending(outcome: $0, reason: "") }
    release.revision = name()
    release.candidate = Self.colours[take(2)]
    release.stableRevision = name()
    release.stable = Self.colours[take(2)]
    release.step = ReleaseStep.allCases[take(4)]
    world.target = name() ?? ""
    return ReleaseModel.State(release: release, world: world, wasServed: wasServed)
  }

  private mutating func take(_ bits: UInt64) -> Int {
    defer { key >>= bits }
    return Int(key & (1 << bits - 1))
  }

  private mutating func name() -> String? {
    let number = take(3)
    return number == 0 ? nil : ReleaseModel.revisions[number - 1]
  }
}
