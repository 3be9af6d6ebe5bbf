import KubernetesModels
import Testing

@testable import PlatformOperator

/// The machine of blue-green releases, in every state that it can get into.
struct ReleaseModelTests {
  /// - Returns: Every reachable state, in the order found.
  private func explore(
    _ model: ReleaseModel, _ check: (ReleaseModel.State) throws -> Void = { _ in }
  ) async throws -> [UInt64] {
    var found: [UInt64] = []
    /// With what each was found from.
    var known: [UInt64: UInt64] = [:]
    func visit(_ state: ReleaseModel.State, from origin: UInt64) {
      let key = ReleaseFolding.key(state)
      if known.updateValue(known[key] ?? origin, forKey: key) == nil { found.append(key) }
    }
    for start in model.starts { visit(start, from: 0) }
    var next = 0
    while next < found.count {
      let key = found[next]
      let state = ReleaseUnfolding.state(key)
      next += 1
      do {
        try check(state)
        for successor in try model.successors(of: state) { visit(successor, from: key) }
      } catch {
        let path = sequence(first: key) { known[$0].flatMap { $0 == 0 ? nil : $0 } }.map(ReleaseUnfolding.state)
        Issue.record("\(error) at the end of \(path.reversed().map { "\n\($0)" }.joined())")
        throw error
      }
      // Other tests share the threads.
      if next.isMultiple(of: 5) { await Task.yield() }
    }
    return found
  }

  private func everyStateEndsWell(_ model: ReleaseModel, _ states: [UInt64]) async throws {
    for luck in ReleaseModel.Luck.allCases { try await everyStateEndsWell(model, states, luck) }
  }

  private func everyStateEndsWell(
    _ model: ReleaseModel, _ states: [UInt64], _ luck: ReleaseModel.Luck
  ) async throws {
    var good: Set<UInt64> = []
    func follow(_ state: ReleaseModel.State, _ path: [ReleaseModel.State]) throws {
      let key = ReleaseFolding.key(state)
      guard !good.contains(key) else { return }
      try #require(path.count < 60, "no end: \(path.suffix(6))")
      let next = try model.goodSuccessors(of: state, luck)
      let complaint = next.isEmpty ? model.complaint(at: state, luck) : nil
      try #require(complaint == nil, "\(complaint ?? "") at \(state), from \(path.first ?? state)")
      for successor in next { try follow(ReleaseUnfolding.state(ReleaseFolding.key(successor)), path + [state]) }
      good.insert(key)
    }
    for (index, key) in states.enumerated() {
      try follow(ReleaseUnfolding.state(key), [])
      if index.isMultiple(of: 5) { await Task.yield() }
    }
  }

  @Test(.timeLimit(.minutes(10))) func oneColourIsLiveAndReadyWhateverIsWishedForAndWhateverFails() async throws {
    let model = ReleaseModel(surroundings: .orderly)
    let states = try await explore(model) { state in
      guard state.wasServed else { return }
      guard state.world.isServed else { throw Forbidden("nothing is live") }
      guard state.world.live.count == 1 else { throw Forbidden("two colours are live") }
    }
    print("release machine, orderly surroundings: \(states.count) states")
    #expect(Set(states.map { ReleaseUnfolding.state($0).release.step }) == Set(ReleaseStep.allCases))
    try await everyStateEndsWell(model, states)
  }

  @Test(.timeLimit(.minutes(10))) func theOperatorBreaksNothingWhateverOthersBreak() async throws {
    let model = ReleaseModel(surroundings: .hostile)
    let states = try await explore(model)
    print("release machine, hostile surroundings: \(states.count) states")
    try await everyStateEndsWell(model, states)
  }
}
