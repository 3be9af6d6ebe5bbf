import KubernetesModels

@testable import PlatformOperator

/// Every state that releases can get into, over all orders of what is observed, wished for and crashed in.
struct ReleaseModel {
  struct State: Hashable {
    var release: Release
    var world: ReleaseWorld
    /// Whether requests were served since the operator looked after them; never forgotten.
    var wasServed = false
  }

  /// What befalls a platform from outside.
  enum Surroundings {
    /// Pods of colours that are not live come and go; specs change; wishes and failures of every kind.
    case orderly
    /// Beside that, anybody edits and deletes anything, and live pods die. With two revisions and two colours whose pods
    /// are ready or not all together, so that it ends in time.
    case hostile

    var revisions: [String] { self == .orderly ? ["r0", "r1", "r2"] : ["r0", "r1"] }
  }

  let surroundings: Surroundings
  private var policy: ReleasePolicy { ReleasePolicy(autoPromote: surroundings == .hostile) }

  static let epoch = Timestamp(secondsSinceEpoch: 0)
  private static let muchLater = Timestamp(secondsSinceEpoch: 10_000_000)

  var starts: [State] {
    let fresh = State(release: Release(since: Self.epoch), world: ReleaseWorld())
    var adopted = fresh
    adopted.world.service = .all
    adopted.world.colours[.plain] = ColourState(revision: "plain", health: .complete)
    adopted.wasServed = true
    var lostStatus = fresh
    lostStatus.world.service = .colour(.green)
    lostStatus.world.colours[.green] = ColourState(revision: "r1", health: .complete)
    lostStatus.wasServed = true
    return surroundings == .orderly ? [fresh, adopted, lostStatus] : [fresh, lostStatus]
  }

  // MARK: What may come next

  /// Throws ``Forbidden`` when the operator could do what it must not.
  func successors(of state: State) throws(Forbidden) -> [State] {
    var next: [State] = []
    for (seen, now) in observations(of: state) {
      switch state.release.step(seen, policy: policy, now: now) {
      case .write(let release):
        next.append(normalised(State(release: release, world: state.world, wasServed: state.wasServed)))
      case .carryOut(let plan):
        // Killed after any one write: whatever is left is found again from there.
        for effect in ReleaseEffect.of(plan) {
          var after = state
          try after.world.apply(effect)
          next.append(normalised(after))
        }
      }
    }
    return next + disturbances(of: state)
  }

  private func normalised(_ state: State) -> State {
    var state = state
    state.release.since = Self.epoch
    state.release.startedAt = state.release.startedAt.map { _ in Self.epoch }
    state.release.attempt = 0
    state.release.handledWish = nil
    if policy.autoPromote { state.release.approver = nil }
    state.release.history = []
    state.release.ending?.reason = ""
    state.release.failure?.reason = ""
    if state.release.step != .retiring { state.world.contracted = nil }
    state.wasServed = state.wasServed || state.world.isServed
    return state
  }

  private func base(_ state: State) -> ReleaseObservation {
    ReleaseObservation(target: state.world.target, live: state.world.service, colours: state.world.colours)
  }

  /// Every way in which this state may be read.
  private func observations(of state: State) -> [(ReleaseObservation, Timestamp)] {
    let base = base(state)
    var variants: [ReleaseObservation] = [base]
    func vary<Value>(_ path: WritableKeyPath<ReleaseObservation, Value>, _ values: [Value]) {
      variants += values.flatMap { value in
        variants.map { variant in
          var variant = variant
          variant[keyPath: path] = value
          return variant
        }
      }
    }
    let bad = TaskState.failed("")
    switch state.release.step {
    case .idle: vary(\.obstacle, ["quota"])
    case .preparing:
      vary(\.backup, [bad, .succeeded])
      vary(\.expand, [bad, .succeeded])
    case .deploying:
      if let candidate = state.release.candidate, base.colours[candidate]?.health == .starting {
        var troubled = base
        troubled.colours[candidate]?.trouble = "image missing"
        variants.append(troubled)
      }
    case .testing: vary(\.smokeTests, [bad, .succeeded])
    case .awaitingApproval: vary(\.isFrozen, [true])
    case .watching: vary(\.verdict, [.failed(""), .healthy])
    case .retiring: vary(\.contract, [bad, .succeeded])
    case .switching, .draining, .rollingBack: vary(\.isSettled, [false])
    }
    let revision = state.release.revision ?? state.world.target
    // A wish comes when nothing else has, and when everything else is in.
    for variant in Set([base, variants[variants.count - 1]]) {
      for verb in ReleaseWish.Verb.allCases {
        var wished = variant
        wished.wish = ReleaseWish(verb: verb, revision: revision, author: "", token: "new")
        variants.append(wished)
      }
    }
    return variants.flatMap { [($0, Self.epoch), ($0, Self.muchLater)] }
  }

  private func disturbances(of state: State) -> [State] {
    var next: [State] = []
    func disturb(_ change: (inout ReleaseWorld) -> Void) {
      var after = state
      change(&after.world)
      if after != state { next.append(normalised(after)) }
    }
    for revision in surroundings.revisions { disturb { $0.target = revision } }
    for (colour, health) in state.world.colours.mapValues(\.health) {
      let isLive = state.world.live.contains(colour)
      switch health {
      case .starting:
        disturb { $0.colours[colour]?.health = .complete }
      case .serving, .complete:
        if surroundings == .orderly {
          disturb { $0.colours[colour]?.health = health == .serving ? .complete : .serving }
        }
        if !isLive || surroundings == .hostile { disturb { $0.colours[colour]?.health = .starting } }
      case .stopping: disturb { $0.colours[colour] = nil }
      }
      if surroundings == .hostile, health != .stopping { disturb { $0.colours[colour]?.health = .stopping } }
    }
    if surroundings == .hostile {
      for edit: LiveSelection in [.absent, .foreign, .all, .colour(.blue), .colour(.green)] {
        disturb { $0.service = edit }
      }
    }
    return next
  }

  // MARK: How it ends

  /// The next state when all goes well from here; nil when it is at rest.
  func goodSuccessor(of state: State) throws(Forbidden) -> State? {
    var seen = base(state)
    seen.backup = .succeeded
    seen.expand = .succeeded
    seen.contract = state.world.contracted == nil ? .notStarted : .succeeded
    seen.smokeTests = .succeeded
    seen.verdict = .healthy
    let revision = state.release.revision ?? state.world.target
    if state.release.approver == nil, !policy.autoPromote {
      seen.wish = ReleaseWish(verb: .approve, revision: revision, author: "", token: "new")
    }
    let isWaiting = [ReleaseStep.idle, .watching, .draining].contains(state.release.step)
    var after = state
    switch state.release.step(seen, policy: policy, now: isWaiting ? Self.muchLater : Self.epoch) {
    case .write(let release): after.release = release
    case .carryOut(let plan):
      for effect in ReleaseEffect.of(plan) { try after.world.apply(effect) }
      for (colour, colourState) in after.world.colours {
        if colourState.health == .stopping {
          after.world.colours[colour] = nil
        } else {
          after.world.colours[colour]?.health = .complete
        }
      }
    }
    after = normalised(after)
    return after == state ? nil : after
  }

  /// Why a state at rest is not as it should be; nil when it is.
  func complaint(at rest: State) -> String? {
    let release = rest.release
    guard release.step == .idle, let stable = release.stable else { return "a release does not end" }
    guard rest.world.service == .colour(stable), rest.world.isServed else { return "the stable colour is not live" }
    guard rest.world.colours.count == 1 else { return "a colour is left over" }
    let isDone = release.stableRevision == rest.world.target || release.failure?.revision == rest.world.target
    return isDone ? nil : "the spec's revision was neither released nor refused"
  }
}
