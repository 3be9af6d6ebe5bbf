import KubernetesModels

@testable import PlatformOperator

/// A cluster as the release machine's model check sees it: small enough to visit all of it.
struct ReleaseWorld: Hashable, Sendable {
  var target = "r0"
  var service = LiveSelection.absent
  var colours: [Colour: ColourState] = [:]
  /// The colour whose contract migrations have run in the current release: no other can serve from then on.
  var contracted: Colour?
  /// Colours that the Service does not select any more and that still get requests: endpoints follow a moment later.
  var lagging: Set<Colour> = []

  /// Which colours take requests: pods that stop get none.
  var live: [Colour] {
    let running = colours.filter { $0.value.health != .stopping }.keys
    return switch service {
    case .absent, .foreign: []
    case .colour(let colour): running.filter { $0 == colour }
    case .all: Array(running)
    }
  }

  var isServed: Bool { live.contains { colours[$0]?.isServing == true } }

  private func isLastToServe(_ colour: Colour) -> Bool {
    colours[colour]?.isServing == true && !colours.contains { $0.key != colour && $0.value.isServing }
  }

  mutating func moveRequests(_ selection: LiveSelection) {
    lagging.formUnion(live.filter { colours[$0]?.isServing == true })
    service = selection
    // Without a Service there are no endpoints.
    if service == .absent { lagging = [] }
    lagging = lagging.filter { !live.contains($0) }
  }

  /// What the operator's hand does to the world, one write at a time. Throws what must never be.
  mutating func apply(_ effect: ReleaseEffect) throws(Forbidden) {
    let before = self
    switch effect {
    case .select(let colour):
      moveRequests(.colour(colour))
      if let contracted, contracted != colour { throw Forbidden("a way back after the contract migrations") }
    case .remove(let colour):
      if live.contains(colour) { throw Forbidden("a live colour was removed") }
      if lagging.contains(colour) { throw Forbidden("a colour was removed that still got requests") }
      if isLastToServe(colour), service != .absent { throw Forbidden("the last colour that serves was removed") }
      if colours[colour] != nil { colours[colour]?.health = .stopping }
    case .make(let colour):
      if colours[colour]?.revision == target, colours[colour]?.health != .stopping { return }
      if service == .colour(colour), isServed { throw Forbidden("the pods of the live colour were changed") }
      // Where somebody made the Service select everything, a Deployment still replaces its pods one by one.
      let isReplaced = service == .all && colours[colour]?.isServing == true
      colours[colour] = ColourState(revision: target, health: isReplaced ? .serving : .starting)
      if live.count > 1 { throw Forbidden("two colours live") }
    case .contract:
      if colours.keys.count > 1 { throw Forbidden("contract migrations beside a second colour") }
      contracted = live.first
    }
    if before.isServed, !isServed { throw Forbidden("nothing live after \(effect)") }
  }
}

/// One write of a plan.
enum ReleaseEffect: Hashable {
  case select(Colour), remove(Colour), make(Colour), contract

  static func of(_ plan: ReleasePlan) -> [ReleaseEffect] {
    var effects = plan.select.map { [ReleaseEffect.select($0)] } ?? []
    for colour in Colour.allCases {
      switch plan.sizes[colour] {
      case .gone?: effects.append(.remove(colour))
      case .wanted?, .matching?: if plan.fromSpec.contains(colour) { effects.append(.make(colour)) }
      case nil: break
      }
    }
    return effects + (plan.tasks.contains(.contract) ? [.contract] : [])
  }
}
