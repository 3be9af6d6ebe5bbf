import KubernetesModels
import Testing

@testable import SandboxCluster

@Suite struct RollingUpdatePlanTests {
  typealias Member = RollingUpdatePlan.Member

  /// Runs a rollout to its end, checking both limits after every step.
  /// - Returns: The number of steps.
  func simulate(_ plan: RollingUpdatePlan, old start: Int) throws -> Int {
    var new = Member(
      name: "new", replicas: plan.initialReplicas(old: [Member(name: "old", replicas: start, available: start)]),
      available: 0)
    var old = Member(name: "old", replicas: start, available: start)
    for step in 1...1000 {
      let sizes = plan.next(new: new, old: [old])
      if sizes.isEmpty {
        if new.replicas == plan.desired, old.replicas == 0 { return step }
        // Waiting: one more pod becomes available.
        try #require(new.available < new.replicas, "stuck at \(new) and \(old)")
        new.available += 1
        continue
      }
      new.replicas = sizes["new"] ?? new.replicas
      old.replicas = sizes["old"] ?? old.replicas
      old.available = min(old.available, old.replicas)
      #expect(new.replicas + old.replicas <= max(plan.maxTotal, start))
      #expect(new.available + old.available >= min(plan.minAvailable, start))
    }
    Issue.record("no end after 1000 steps")
    return 1000
  }

  @Test(arguments: [
    (3, "25%", "25%"), (3, "1", "0"), (10, "0", "1"), (10, "30%", "20%"), (1, "25%", "25%"), (100, "0%", "0%"),
    (4, "100%", "0"), (4, "0", "100%"),
  ])
  func keepsBothLimitsAndEnds(_ desired: Int, _ surge: String, _ unavailable: String) throws {
    let plan = RollingUpdatePlan(
      desired: desired, maxSurge: Int(surge).map { .int($0) } ?? .string(surge),
      maxUnavailable: Int(unavailable).map { .int($0) } ?? .string(unavailable))
    _ = try simulate(plan, old: desired)
  }

  @Test func percentagesRoundAwayFromUnavailability() {
    let plan = RollingUpdatePlan(desired: 3, maxSurge: "25%", maxUnavailable: "25%")
    #expect(plan.maxSurge == 1)
    #expect(plan.maxUnavailable == 0)
    #expect(plan.maxTotal == 4)
    #expect(plan.minAvailable == 3)
  }

  @Test func noPodGoesBeforeItsReplacementIsAvailable() {
    let plan = RollingUpdatePlan(desired: 3, maxSurge: 1, maxUnavailable: 0)
    let old = Member(name: "old", replicas: 3, available: 3)
    #expect(plan.next(new: Member(name: "new", replicas: 1, available: 0), old: [old]) == [:])
    #expect(plan.next(new: Member(name: "new", replicas: 1, available: 1), old: [old]) == ["old": 2])
  }

  @Test func brokenOldPodsGoFirst() {
    let plan = RollingUpdatePlan(desired: 3, maxSurge: 1, maxUnavailable: 1)
    let sick = Member(name: "sick", replicas: 2, available: 0, created: 2)
    let well = Member(name: "well", replicas: 1, available: 1, created: 1)
    let sizes = plan.next(new: Member(name: "new", replicas: 1, available: 1), old: [well, sick])
    #expect(sizes["sick"] == 0)
    #expect(sizes["well"] == nil)
  }

  @Test func scalingInTheMiddleKeepsTheShares() {
    let plan = RollingUpdatePlan(desired: 20, maxSurge: 0, maxUnavailable: "25%")
    let sizes = plan.proportional([
      Member(name: "old", replicas: 8, available: 8), Member(name: "new", replicas: 2, available: 2),
    ])
    #expect(sizes == ["old": 16, "new": 4])
  }
}
