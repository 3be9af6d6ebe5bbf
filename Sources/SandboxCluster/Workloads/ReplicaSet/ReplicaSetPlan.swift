import KubernetesModels

/// Which pods a replica set has to make, to delete, to adopt and to let go. Pure.
struct ReplicaSetPlan: Equatable {
  var create = 0
  var delete: [Pod] = []
  /// Pods without a controller that the selector chooses.
  var adopt: [Pod] = []
  /// Own pods that the selector no longer chooses.
  var release: [Pod] = []

  /// - Parameters:
  ///   - owned: Pods that this replica set controls.
  ///   - orphans: Pods of the namespace that nobody controls.
  init(_ set: ReplicaSet, owned: [Pod], orphans: [Pod]) {
    guard let spec = set.spec else { return }
    release = owned.filter { !spec.selector.selects($0.metadata.labels) && !$0.isTerminating }
    // A replica set that is being deleted only lets the garbage collector do its work.
    guard set.metadata.deletionTimestamp == nil else { return }
    adopt = orphans.filter { spec.selector.selects($0.metadata.labels) && $0.isActive }
    let active = owned.filter { $0.isActive && spec.selector.selects($0.metadata.labels) } + adopt
    let wanted = spec.replicas ?? 1
    if active.count < wanted {
      create = wanted - active.count
    } else {
      delete = Array(active.sorted(by: Self.isLessWorthKeeping).prefix(active.count - wanted))
    }
  }

  /// The order in which pods go when there are too many (Kubernetes: "ReplicaSet", "Scaling a ReplicaSet").
  static func isLessWorthKeeping(_ left: Pod, _ right: Pod) -> Bool {
    let (a, b) = (rank(left), rank(right))
    if a != b { return a.lexicographicallyPrecedes(b) }
    // Then those that have been ready, and have existed, for the shortest time.
    let ready = (left.readyCondition?.lastTransitionTime, right.readyCondition?.lastTransitionTime)
    if left.isReady, let first = ready.0, let second = ready.1, first != second { return first > second }
    if left.restartCount != right.restartCount { return left.restartCount > right.restartCount }
    let created = (left.metadata.creationTimestamp, right.metadata.creationTimestamp)
    if let first = created.0, let second = created.1, first != second { return first > second }
    return (left.metadata.name ?? "") < (right.metadata.name ?? "")
  }

  private static func rank(_ pod: Pod) -> [Int] {
    let phase = ["Pending": 0, "Unknown": 1, "Running": 2][pod.phase] ?? 3
    let cost = pod.metadata.annotations?["controller.kubernetes.io/pod-deletion-cost"].flatMap { Int($0) } ?? 0
    return [(pod.spec?.nodeName ?? "").isEmpty ? 0 : 1, phase, pod.isReady ? 1 : 0, cost]
  }
}
