import KubernetesModels
import Testing

@testable import PlatformOperator

/// The machine of blue-green releases, in every state that it can get into.
struct ReleaseModelTests {
  /// - Returns: Every reachable state, in the order found.
  private func explore(
    _ model: ReleaseModel, _ check: (ReleaseModel.State) throws -> Void = { _ in }
  ) async throws -> [ReleaseModel.State] {
    var found: [ReleaseModel.State] = []
    var known: Set<ReleaseModel.State> = []
    func visit(_ state: ReleaseModel.State) {
      if known.insert(state).inserted { found.append(state) }
    }
    for start in model.starts { visit(start) }
    var next = 0
    while next < found.count {
      let state = found[next]
      next += 1
      do {
        try check(state)
        for successor in try model.successors(of: state) { visit(successor) }
      } catch {
        Issue.record("\(error) at \(state)")
        throw error
      }
      // Other tests share the threads.
      if next.isMultiple(of: 100) { await Task.yield() }
    }
    return found
  }

  private func everyStateEndsWell(_ model: ReleaseModel, _ states: [ReleaseModel.State]) async throws {
    var good: Set<ReleaseModel.State> = []
    for (index, start) in states.enumerated() {
      var path: [ReleaseModel.State] = [start]
      while let last = path.last, !good.contains(last) {
        guard let next = try model.goodSuccessor(of: last) else {
          let complaint = model.complaint(at: last)
          try #require(complaint == nil, "\(complaint ?? "") at \(last), from \(start)")
          break
        }
        try #require(path.count < 60, "no end from \(start): \(path.suffix(6))")
        path.append(next)
      }
      good.formUnion(path)
      if index.isMultiple(of: 100) { await Task.yield() }
    }
  }

  @Test(.timeLimit(.minutes(4))) func oneColourIsLiveAndReadyWhateverIsWishedForAndWhateverFails() async throws {
    let model = ReleaseModel(surroundings: .orderly)
    let states = try await explore(model) { state in
      guard state.wasServed else { return }
      guard state.world.isServed else { throw Forbidden("nothing is live") }
      guard state.world.live.count == 1 else { throw Forbidden("two colours are live") }
    }
    print("release machine, orderly surroundings: \(states.count) states")
    #expect(Set(states.map(\.release.step)) == Set(ReleaseStep.allCases))
    try await everyStateEndsWell(model, states)
  }
}
