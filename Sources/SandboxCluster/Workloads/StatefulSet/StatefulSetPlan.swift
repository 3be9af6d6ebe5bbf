import KubernetesModels

/// What a stateful set does next, by ordinals. Pure; the rules are those of "StatefulSets" in the Kubernetes
/// documentation: one pod after the other in order, unless `podManagementPolicy` is Parallel.
struct StatefulSetPlan {
  enum Action: Equatable {
    case create(ordinal: Int, revision: String)
    /// A pod that ended, that is too much, or that has an old revision.
    case delete(ordinal: Int)
  }

  struct Settings {
    var replicas: Int
    var start = 0
    var isParallel = false
    var minReadySeconds = 0
    /// Nil when the update strategy is OnDelete.
    var partition: Int? = 0
    /// The revision of pods below the partition.
    var currentRevision: String
    var updateRevision: String
    var isBeingDeleted = false

    var ordinals: Range<Int> { start..<(start + replicas) }
  }

  let actions: [Action]

  init(_ settings: Settings, pods: [Int: Pod], now: Timestamp) {
    actions = settings.isBeingDeleted ? [] : Self.actions(settings, pods, now)
  }

  private static func actions(_ settings: Settings, _ pods: [Int: Pod], _ now: Timestamp) -> [Action] {
    var actions: [Action] = []
    let isHealthy: (Pod) -> Bool = { pod in
      !pod.isTerminating && pod.isAvailable(minReadySeconds: settings.minReadySeconds, now: now)
    }
    for ordinal in settings.ordinals {
      guard let pod = pods[ordinal] else {
        actions.append(.create(ordinal: ordinal, revision: revision(of: ordinal, settings)))
        if settings.isParallel { continue }
        return actions
      }
      if pod.isFinished, !pod.isTerminating { actions.append(.delete(ordinal: ordinal)) }
      if !settings.isParallel, !isHealthy(pod) { return actions }
    }
    // Scaling down starts when every pod that stays is well, highest ordinal first.
    let condemned = pods.keys.filter { !settings.ordinals.contains($0) }.sorted(by: >)
    for ordinal in condemned {
      guard let pod = pods[ordinal] else { continue }
      if !pod.isTerminating { actions.append(.delete(ordinal: ordinal)) }
      if !settings.isParallel { return actions }
    }
    guard condemned.isEmpty || settings.isParallel else { return actions }
    return actions + update(settings, pods, isHealthy)
  }

  /// One pod at a time from the highest ordinal down to the partition, each well before the next.
  private static func update(_ settings: Settings, _ pods: [Int: Pod], _ isHealthy: (Pod) -> Bool) -> [Action] {
    guard let partition = settings.partition else { return [] }
    for ordinal in settings.ordinals.reversed() where ordinal >= settings.start + partition {
      guard let pod = pods[ordinal] else { return [] }
      if revisionLabel(pod) != settings.updateRevision {
        return pod.isTerminating ? [] : [.delete(ordinal: ordinal)]
      }
      if !isHealthy(pod) { return [] }
    }
    return []
  }

  private static func revision(of ordinal: Int, _ settings: Settings) -> String {
    guard let partition = settings.partition else { return settings.updateRevision }
    return ordinal < settings.start + partition ? settings.currentRevision : settings.updateRevision
  }

  static func revisionLabel(_ pod: Pod) -> String? {
    pod.metadata.labels?[TemplateHash.statefulSetLabel]
  }

  /// `web-3` of stateful set `web` is 3; nil for names of another form.
  static func ordinal(of name: String, in set: String) -> Int? {
    guard name.hasPrefix(set + "-") else { return nil }
    let digits = name.dropFirst(set.count + 1)
    guard let number = Int(digits), String(number) == digits else { return nil }
    return number
  }

  /// The status that `kubectl rollout status` reads.
  static func status(
    _ settings: Settings, of set: StatefulSet, pods: [Int: Pod], now: Timestamp
  ) -> StatefulSetStatus {
    let living = pods.values.filter { !$0.isFinished }
    let active = living.filter { !$0.isTerminating }
    let ready = active.count(where: \.isReady)
    let updated = active.count { revisionLabel($0) == settings.updateRevision }
    var status = StatefulSetStatus(
      availableReplicas: active.count { $0.isAvailable(minReadySeconds: settings.minReadySeconds, now: now) },
      collisionCount: set.status?.collisionCount ?? 0, conditions: set.status?.conditions,
      currentReplicas: active.count { revisionLabel($0) == settings.currentRevision },
      currentRevision: settings.currentRevision, observedGeneration: set.metadata.generation, readyReplicas: ready,
      replicas: living.count, updateRevision: settings.updateRevision, updatedReplicas: updated)
    // The update is through: the new revision is the current one from now on.
    if settings.partition == 0 || settings.currentRevision == settings.updateRevision || settings.partition == nil,
      updated == settings.replicas, ready == settings.replicas, living.count == settings.replicas
    {
      status.currentRevision = settings.updateRevision
      status.currentReplicas = updated
    }
    return status
  }
}
