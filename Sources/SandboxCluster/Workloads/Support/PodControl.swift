import KubernetesClient
import KubernetesModels
import OperatorRuntime
import Synchronization

/// Creates and deletes pods for controllers that give them random names.
///
/// Such a controller must not count with an old copy, or it makes pods twice. So the version of each creation is
/// remembered until the store shows it, and a pod deleted here is not offered again.
final class PodControl: Sendable {
  private struct Memory {
    /// The newest version that a creation for an owner returned.
    var created: [String: String] = [:]
    var deleted: Set<String> = []
  }

  private let context: WorkloadContext
  private let memory = Mutex(Memory())

  init(_ context: WorkloadContext) {
    self.context = context
    context.pods.observe { [weak self] change in
      guard case .deleted(let pod) = change, let uid = pod.metadata.uid else { return }
      self?.memory.withLock { memory in _ = memory.deleted.remove(uid) }
    }
  }

  /// The owner's pods, without those that were deleted here; nil while the store is behind what was created here.
  func current(ownedBy uid: String) -> [Pod]? {
    let (version, deleted) = memory.withLock { ($0.created[uid], $0.deleted) }
    if let version {
      guard context.pods.hasSeen(resourceVersion: version) else { return nil }
      memory.withLock { memory in
        if memory.created[uid] == version { memory.created[uid] = nil }
      }
    }
    return context.pods.list(ownedBy: uid).filter { pod in
      pod.controllingOwner?.uid == uid && !(pod.metadata.uid.map(deleted.contains) ?? false)
    }
  }

  /// Creates pods at the same time, a few first and more when those succeed, so that a refusal is met once, not often.
  /// - Throws: The first refusal, after a warning event about `owner`.
  func create(_ pods: [Pod], for owner: some KubernetesResource) async throws {
    var remaining = pods[...]
    var batch = 1
    while !remaining.isEmpty {
      let now = Array(remaining.prefix(batch))
      remaining = remaining.dropFirst(batch)
      batch = min(batch * 2, 16)
      do {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for pod in now { group.addTask { try await self.create(pod, for: owner) } }
          try await group.waitForAll()
        }
      } catch {
        await context.events.record(
          .warning, regarding: owner, reason: "FailedCreate", message: "Error creating: \(error)", action: "Create")
        throw error
      }
    }
  }

  private func create(_ pod: Pod, for owner: some KubernetesResource) async throws {
    let created = try await context.client.create(pod)
    if let uid = owner.metadata.uid, let version = created.metadata.resourceVersion {
      memory.withLock { memory in
        let known = memory.created[uid].flatMap(UInt64.init) ?? 0
        if let number = UInt64(version), number > known { memory.created[uid] = version }
      }
    }
    await context.events.record(
      .normal, regarding: owner, reason: "SuccessfulCreate",
      message: "Created pod: \(created.metadata.name ?? "")", action: "Create")
  }

  func delete(_ pod: Pod, for owner: some KubernetesResource) async throws {
    try await context.delete(pod)
    if let uid = pod.metadata.uid {
      memory.withLock { memory in _ = memory.deleted.insert(uid) }
      // Gone while the request was under way: no deletion event will come to take it out again.
      if context.pods.get(pod.key)?.metadata.uid != uid {
        memory.withLock { memory in _ = memory.deleted.remove(uid) }
      }
    }
    await context.events.record(
      .normal, regarding: owner, reason: "SuccessfulDelete",
      message: "Deleted pod: \(pod.metadata.name ?? "")", action: "Delete")
  }
}
