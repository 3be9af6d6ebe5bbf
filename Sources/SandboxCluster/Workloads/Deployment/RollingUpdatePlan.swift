import KubernetesModels

/// How many replicas each replica set of a deployment should have next. Pure; the names follow "Deployment" in the
/// Kubernetes documentation: never more than `replicas + maxSurge` pods, never fewer than `replicas - maxUnavailable`
/// available ones.
struct RollingUpdatePlan {
  /// One replica set as the plan sees it.
  struct Member: Equatable {
    var name: String
    var replicas: Int
    var available: Int
    /// What the deployment asked for when this set was scaled last (`deployment.kubernetes.io/desired-replicas`).
    var recordedDesired: Int?
    var created: Int64 = 0
  }

  let desired: Int
  let maxSurge: Int
  let maxUnavailable: Int

  init(desired: Int, maxSurge: IntOrString?, maxUnavailable: IntOrString?) {
    self.desired = desired
    let surge = (maxSurge ?? "25%").scaled(of: desired, roundingUp: true) ?? 0
    let unavailable = (maxUnavailable ?? "25%").scaled(of: desired, roundingUp: false) ?? 0
    self.maxSurge = max(0, surge)
    // Rounding may leave both at zero, and then nothing could ever move.
    self.maxUnavailable = surge <= 0 && unavailable <= 0 ? 1 : min(max(0, unavailable), max(desired, 1))
  }

  var minAvailable: Int { max(0, desired - maxUnavailable) }
  var maxTotal: Int { desired + maxSurge }

  /// The size of a replica set that does not exist yet.
  func initialReplicas(old: [Member]) -> Int {
    max(0, min(desired, maxTotal - old.reduce(0) { $0 + $1.replicas }))
  }

  /// The next sizes by name; only those that change. Empty when the rollout is over or waits for pods.
  func next(new: Member, old: [Member]) -> [String: Int] {
    let grown = newReplicas(new: new, old: old)
    if grown != new.replicas { return [new.name: grown] }
    return shrinkOld(new: new, old: old)
  }

  private func newReplicas(new: Member, old: [Member]) -> Int {
    // Scaled down by the user in the middle of a rollout.
    if new.replicas > desired { return desired }
    let room = maxTotal - new.replicas - old.reduce(0) { $0 + $1.replicas }
    return new.replicas + max(0, min(room, desired - new.replicas))
  }

  private func shrinkOld(new: Member, old: [Member]) -> [String: Int] {
    let total = new.replicas + old.reduce(0) { $0 + $1.replicas }
    // Pods of the new set that are not available yet must not be counted on.
    var budget = total - minAvailable - (new.replicas - new.available)
    guard budget > 0 else { return [:] }
    var sizes: [String: Int] = [:]
    let oldestFirst = old.filter { $0.replicas > 0 }.sorted { ($0.created, $0.name) < ($1.created, $1.name) }
    // Pods that are not available go first: losing them costs nothing.
    for member in oldestFirst {
      let drop = min(budget, member.replicas - min(member.available, member.replicas))
      guard drop > 0 else { continue }
      sizes[member.name] = member.replicas - drop
      budget -= drop
    }
    var spare = new.available + old.reduce(0) { $0 + $1.available } - minAvailable
    for member in oldestFirst {
      let size = sizes[member.name] ?? member.replicas
      let drop = min(spare, size, budget)
      guard drop > 0 else { continue }
      sizes[member.name] = size - drop
      spare -= drop
      budget -= drop
    }
    return sizes
  }

  /// The sizes after the user changed `replicas` in the middle of a rollout: each set keeps its share.
  func proportional(_ members: [Member]) -> [String: Int] {
    let active = members.filter { $0.replicas > 0 }
    let total = active.reduce(0) { $0 + $1.replicas }
    guard total > 0 else { return [:] }
    let goal = desired == 0 ? 0 : maxTotal
    var sizes: [String: Int] = [:]
    for member in active { sizes[member.name] = member.replicas * goal / total }
    // What integer division lost goes to the largest sets first.
    var left = goal - sizes.values.reduce(0, +)
    for member in active.sorted(by: { ($1.replicas, $0.name) < ($0.replicas, $1.name) }) where left > 0 {
      sizes[member.name, default: 0] += 1
      left -= 1
    }
    return sizes.filter { name, size in active.contains { $0.name == name && $0.replicas != size } }
  }
}
