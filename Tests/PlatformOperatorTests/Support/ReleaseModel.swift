import KubernetesModels

@testable import PlatformOperator

/// Every state that releases can get into, over all orders of what is observed, wished for and crashed in.
struct ReleaseModel {
  struct State: Hashable {
    var release: Release
    var world: ReleaseWorld
    /// Whether requests were served since the operator looked after them; never forgotten.
    var wasServed = false

    /// Whether the operator may treat blue otherwise than green: where none of them serves yet, the first one is taken.
    var isLopsided: Bool { release.stable == nil || release.stable == .plain || world.service == .all }

    var mirrored: State {
      var image = self
      image.release.stable = release.stable?.mirrored
      image.release.candidate = release.candidate?.mirrored
      if case .colour(let colour) = world.service { image.world.service = .colour(colour.mirrored) }
      image.world.colours = Dictionary(uniqueKeysWithValues: world.colours.map { ($0.mirrored, $1) })
      image.world.lagging = Set(world.lagging.map(\.mirrored))
      image.world.contracted = world.contracted?.mirrored
      return image
    }

    var revisions: Set<String> {
      Set(
        [world.target, release.stableRevision, release.revision, release.failure?.revision].compactMap { $0 }
          + world.colours.values.filter { $0.health != .stopping }.map(\.revision))
    }
  }

  /// What befalls a platform from outside.
  enum Surroundings {
    /// Pods of colours that are not live come and go; specs change; wishes and failures of every kind.
    case orderly
    /// Beside that, anybody edits and deletes anything, and live pods die. With two revisions and two colours whose pods
    /// are ready or not all together, so that it ends in time.
    case hostile

    /// How many revisions may be there at once.
    var revisions: Int { self == .orderly ? 3 : 2 }
  }

  let surroundings: Surroundings
  private var policy: ReleasePolicy { ReleasePolicy(autoPromote: surroundings == .hostile) }

  static let epoch = Timestamp(secondsSinceEpoch: 0)
  static let revisions = ["r0", "r1", "r2", "r3", "r4", "r5", "r6"]
  private static let muchLater = Timestamp(secondsSinceEpoch: 10_000_000)

  var starts: [State] {
    let fresh = State(release: Release(since: Self.epoch), world: ReleaseWorld())
    var adopted = fresh
    adopted.world.service = .all
    adopted.world.colours[.plain] = ColourState(revision: "r1", health: .complete)
    adopted.wasServed = true
    var lostStatus = fresh
    lostStatus.world.service = .colour(.green)
    lostStatus.world.colours[.green] = ColourState(revision: "r1", health: .complete)
    lostStatus.wasServed = true
    return (surroundings == .orderly ? [fresh, adopted, lostStatus] : [fresh, lostStatus]).map(normalised)
  }

  // MARK: What may come next

  /// Throws ``Forbidden`` when the operator could do what it must not.
  func successors(of state: State) throws(Forbidden) -> [State] {
    var next = try ownSuccessors(of: state)
    if state.isLopsided { next += try ownSuccessors(of: state.mirrored) }
    return next
  }

  private func ownSuccessors(of state: State) throws(Forbidden) -> [State] {
    var written: [Release] = []
    var plans: [ReleasePlan] = []
    /// What tells plans of one state apart; they are costly to make.
    var planned: [(isSettled: Bool, backup: TaskState)] = []
    for (seen, now) in observations(of: state) {
      var machine = ReleaseMachine(release: state.release, seen: seen, policy: policy, now: now)
      machine.run()
      let rules = ReleaseRules(old: state.release, seen: seen, isLate: now == Self.muchLater)
      if machine.release != state.release {
        try rules.check(machine.release)
        let release = normalised(machine.release)
        if !written.contains(release) { written.append(release) }
        continue
      }
      try rules.checkPatience()
      if !planned.contains(where: { $0 == (seen.isSettled, seen.backup) }) {
        planned.append((seen.isSettled, seen.backup))
        let plan = ReleasePlan(state.release, seen)
        try rules.check(plan)
        plans.append(plan)
      }
    }
    var next = written.map { normalised(State(release: $0, world: state.world, wasServed: state.wasServed)) }
    for plan in plans {
      let effects = ReleaseEffect.of(plan)
      // Killed after any one write, or after any number of them: whatever is left is found again from there.
      var all = state
      for effect in effects {
        for isAlone in [true, false] {
          var after = isAlone ? state : all
          try after.world.apply(effect)
          next.append(normalised(after))
          if !isAlone { all = after }
        }
      }
    }
    return next + disturbances(of: state)
  }

  private func normalised(_ release: Release) -> Release {
    var release = release
    release.since = Self.epoch
    release.startedAt = nil
    release.attempt = 0
    release.handledWish = nil
    release.approver = policy.autoPromote || release.approver == nil ? nil : ""
    release.history = []
    release.ending?.reason = ""
    release.failure?.reason = ""
    return release
  }

  private func normalised(_ state: State) -> State {
    var state = state
    state.release = normalised(state.release)
    if state.release.step != .retiring { state.world.contracted = nil }
    for (colour, there) in state.world.colours where there.health == .stopping {
      state.world.colours[colour]?.revision = ""
    }
    // Endpoints of pods that are not ready are gone at once.
    state.world.lagging = state.world.lagging.filter {
      state.world.colours[$0]?.isServing == true && state.world.service != .colour($0) && state.world.service != .all
    }
    state.wasServed = surroundings == .orderly && (state.wasServed || state.world.isServed)
    return state
  }

  private func base(_ state: State) -> ReleaseObservation {
    ReleaseObservation(
      target: state.world.target, live: state.world.service, isSettled: state.world.lagging.isEmpty,
      colours: state.world.colours)
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
      if let candidate = state.release.candidate, base.colours[candidate]?.health == .stopping {
        var stopping = base
        stopping.colours[candidate]?.revision = state.release.revision ?? ""
        variants.append(stopping)
      }
    case .testing: vary(\.smokeTests, [bad, .succeeded])
    case .awaitingApproval: vary(\.isFrozen, [true])
    case .watching: vary(\.verdict, [.failed(""), .healthy])
    case .retiring: vary(\.contract, [bad, .succeeded])
    case .switching, .draining, .rollingBack: break
    }
    // Pods become ready, or not, before their endpoints.
    if base.isSettled {
      variants.insert(base, at: 0)
      variants[0].isSettled = false
    }
    let revision = state.release.revision ?? state.world.target
    // A wish comes when nothing else has, and when everything else is in.
    for variant in variants.count == 1 ? [base] : [base, variants[variants.count - 1]] {
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
    if !state.world.lagging.isEmpty { disturb { $0.lagging = [] } }
    // Those that are mentioned, and one that is new.
    let known = state.revisions
    for revision in known { disturb { $0.target = revision } }
    if known.count < surroundings.revisions, let new = Self.revisions.first(where: { !known.contains($0) }) {
      disturb { $0.target = new }
    }
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
        disturb { $0.moveRequests(edit) }
      }
    }
    return next
  }

  // MARK: How it ends

  /// Which pods get ready in the end.
  enum Luck: CaseIterable {
    case all
    /// Those that start anew only where they are of the revision that the spec asks for: others are beyond repair.
    case newest
  }

  /// The next states when nothing else befalls it from here; none when it is at rest.
  func goodSuccessors(of state: State, _ luck: Luck) throws(Forbidden) -> [State] {
    let images = state.isLopsided ? [state, state.mirrored] : [state]
    var next: [State] = []
    for image in images { if let good = try goodSuccessor(of: image, luck) { next.append(good) } }
    return next
  }

  private func goodSuccessor(of state: State, _ luck: Luck) throws(Forbidden) -> State? {
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
    var waits: Set<ReleaseStep> = [.idle, .watching, .draining]
    if luck == .newest { waits.formUnion([.rollingBack, .retiring]) }
    let isWaiting = waits.contains(state.release.step)
    var after = state
    switch state.release.step(seen, policy: policy, now: isWaiting ? Self.muchLater : Self.epoch) {
    case .write(let release): after.release = release
    case .carryOut(let plan):
      for effect in ReleaseEffect.of(plan) { try after.world.apply(effect) }
      after.world.lagging = []
      for (colour, colourState) in after.world.colours {
        if colourState.health == .stopping {
          after.world.colours[colour] = nil
        } else if luck == .all || colourState.isServing || colourState.revision == after.world.target {
          after.world.colours[colour]?.health = .complete
        }
      }
    }
    after = normalised(after)
    return after == state ? nil : after
  }

  /// Why a state at rest is not as it should be; nil when it is.
  func complaint(at rest: State, _ luck: Luck) -> String? {
    let release = rest.release
    guard release.step == .idle, let stable = release.stable else { return "a release does not end" }
    guard rest.world.service == .colour(stable) else { return "the stable colour is not live" }
    let isBeyondRepair = luck == .newest && release.failure?.revision == rest.world.target
    guard rest.world.isServed || isBeyondRepair else { return "the stable colour does not serve" }
    guard rest.world.colours[stable]?.revision == release.stableRevision else { return "another revision is live" }
    guard rest.world.colours.count == 1 || isBeyondRepair else { return "a colour is left over" }
    let isDone = release.stableRevision == rest.world.target || release.failure?.revision == rest.world.target
    return isDone ? nil : "the spec's revision was neither released nor refused"
  }
}

extension Colour {
  fileprivate var mirrored: Colour { self == .plain ? .plain : other }
}
