import KubernetesClient
import KubernetesModels
import OperatorRuntime

/// Keeps pods with names, disks and an order.
struct StatefulSetReconciler: Reconciler {
  let context: WorkloadContext

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let set = context.statefulSets.get(key), let spec = set.spec, let uid = set.metadata.uid else { return .done }
    let revisions = StatefulSetRevisions(context.revisions.list(ownedBy: uid))
    let data = try StatefulSetRevisions.data(for: spec.template)
    let update = try await updateRevision(set, revisions, data)
    let current = revisions.named(set.status?.currentRevision) ?? update
    let pods = ownedPods(set, uid)
    let settings = Self.settings(set, current: current, update: update)
    let now = Timestamp.now
    let plan = StatefulSetPlan(settings, pods: pods, now: now)

    var failure: (any Error)?
    do {
      for action in plan.actions { try await perform(action, set, pods, current: current) }
      if !set.isBeingDeleted { try await retainClaims(set, pods) }
    } catch {
      failure = error
      await context.events.record(
        .warning, regarding: set, reason: "FailedCreate", message: "\(error)", action: "Create")
    }
    let status = StatefulSetPlan.status(settings, of: set, pods: pods, now: now)
    try await context.writeStatus(of: set, status)
    if let failure { throw failure }
    try await cleanUp(revisions, set, pods, status)
    let wait = ReplicaSetReconciler.nextAvailability(Array(pods.values), spec.minReadySeconds ?? 0, now: now)
    return wait.map { .requeue(after: $0) } ?? .done
  }

  private static func settings(
    _ set: StatefulSet, current: ControllerRevision, update: ControllerRevision
  ) -> StatefulSetPlan.Settings {
    let strategy = set.spec?.updateStrategy
    return StatefulSetPlan.Settings(
      replicas: set.spec?.replicas ?? 1, start: set.spec?.ordinals?.start ?? 0,
      isParallel: set.spec?.podManagementPolicy == "Parallel", minReadySeconds: set.spec?.minReadySeconds ?? 0,
      partition: strategy?.type == "OnDelete" ? nil : strategy?.rollingUpdate?.partition ?? 0,
      currentRevision: current.metadata.name ?? "", updateRevision: update.metadata.name ?? "",
      isBeingDeleted: set.isBeingDeleted)
  }

  private func ownedPods(_ set: StatefulSet, _ uid: String) -> [Int: Pod] {
    var pods: [Int: Pod] = [:]
    for pod in context.pods.list(ownedBy: uid) where pod.controllingOwner?.uid == uid {
      guard let ordinal = StatefulSetPlan.ordinal(of: pod.metadata.name ?? "", in: set.metadata.name ?? "") else {
        continue
      }
      pods[ordinal] = pod
    }
    return pods
  }

  private func updateRevision(
    _ set: StatefulSet, _ revisions: StatefulSetRevisions, _ data: JSONValue
  ) async throws -> ControllerRevision {
    if let known = revisions.revision(equalTo: data) {
      // A template from the past became the newest again.
      guard known.revision < revisions.highest, !set.isBeingDeleted else { return known }
      return try await context.client.patch(
        ControllerRevision.self, known.metadata.name ?? "", in: known.metadata.namespace,
        .merge(["revision": .integer(Int64(revisions.highest + 1))]))
    }
    let new = revisions.new(for: set, data: data)
    guard !set.isBeingDeleted else { return new }
    do {
      return try await context.client.create(new)
    } catch let error as KubernetesError where error.isAlreadyExists {
      let existing = try await context.client.get(
        ControllerRevision.self, new.metadata.name ?? "", in: new.metadata.namespace)
      guard existing.isControlled(by: set) else {
        throw ReconcileError.retry("controller revision \(new.metadata.name ?? "") belongs to somebody else")
      }
      return existing
    }
  }

  private func perform(
    _ action: StatefulSetPlan.Action, _ set: StatefulSet, _ pods: [Int: Pod], current: ControllerRevision
  ) async throws {
    switch action {
    case .create(let ordinal, let revision):
      for claim in StatefulSetPods.claims(of: set, ordinal: ordinal) where context.claims.get(claim.key) == nil {
        try await context.createIfAbsent(claim)
      }
      var template = set.spec?.template
      if revision == current.metadata.name { template = try StatefulSetRevisions.template(in: current) ?? template }
      guard let template else { return }
      let pod = StatefulSetPods.pod(of: set, template: template, ordinal: ordinal, revision: revision)
      do {
        _ = try await context.client.create(pod)
      } catch let error as KubernetesError where error.isAlreadyExists {
        // The old one is on its way out, or the store has not seen ours yet; either comes as a change.
        return
      }
      await context.events.record(
        .normal, regarding: set, reason: "SuccessfulCreate",
        message: "create Pod \(pod.metadata.name ?? "") in StatefulSet \(set.metadata.name ?? "") successful",
        action: "Create")
    case .delete(let ordinal):
      guard let pod = pods[ordinal] else { return }
      try await context.delete(pod)
      await context.events.record(
        .normal, regarding: set, reason: "SuccessfulDelete",
        message: "delete Pod \(pod.metadata.name ?? "") in StatefulSet \(set.metadata.name ?? "") successful",
        action: "Delete")
    }
  }

  /// `persistentVolumeClaimRetentionPolicy`: claims go with the set (by owner reference) or with the scale-down.
  private func retainClaims(_ set: StatefulSet, _ pods: [Int: Pod]) async throws {
    guard let spec = set.spec, let templates = spec.volumeClaimTemplates, !templates.isEmpty else { return }
    let policy = spec.persistentVolumeClaimRetentionPolicy
    let wanted = (spec.ordinals?.start ?? 0)..<((spec.ordinals?.start ?? 0) + (spec.replicas ?? 1))
    let names = templates.compactMap(\.metadata.name)
    for claim in context.claims.list(namespace: set.metadata.namespace) where !claim.isBeingDeleted {
      guard let ordinal = Self.ordinal(of: claim, templates: names, set: set.metadata.name ?? "") else { continue }
      if policy?.whenScaled == "Delete", !wanted.contains(ordinal), pods[ordinal] == nil {
        try await context.delete(claim)
        continue
      }
      let isOwned = claim.metadata.ownerReferences?.contains { $0.uid == set.metadata.uid } ?? false
      let shouldBeOwned = policy?.whenDeleted == "Delete"
      guard isOwned != shouldBeOwned, let owner = OwnerReference(controlling: set) else { continue }
      let others = (claim.metadata.ownerReferences ?? []).filter { $0.uid != set.metadata.uid }
      let owners = shouldBeOwned ? others + [owner] : others
      _ = try await context.patch(claim, ["metadata": ["ownerReferences": try JSONValue(encoding: owners)]])
    }
  }

  private static func ordinal(of claim: PersistentVolumeClaim, templates: [String], set: String) -> Int? {
    for template in templates {
      if let ordinal = StatefulSetPlan.ordinal(of: claim.metadata.name ?? "", in: "\(template)-\(set)") {
        return ordinal
      }
    }
    return nil
  }

  private func cleanUp(
    _ revisions: StatefulSetRevisions, _ set: StatefulSet, _ pods: [Int: Pod], _ status: StatefulSetStatus
  ) async throws {
    guard !set.isBeingDeleted else { return }
    let inUse = Set(pods.values.compactMap(StatefulSetPlan.revisionLabel))
      .union([status.currentRevision, status.updateRevision].compactMap(\.self))
    for revision in revisions.expendable(keeping: set.spec?.revisionHistoryLimit ?? 10, inUse: inUse) {
      try await context.delete(revision)
    }
  }
}
