import KubernetesClient
import KubernetesModels
import OperatorRuntime
import RTXPlatformAPI

/// Takes a platform down. What it owns goes by its owner references; this deals with what has none.
///
/// Order matters: while a PostgreSQL member runs, Patroni makes its ConfigMaps again, and a disk cannot be taken away.
struct PlatformDeletion: Sendable {
  let platform: RTXPlatform
  let client: KubernetesClient
  let informers: PlatformInformers
  let writer: ObjectWriter

  private var selector: ListOptions {
    ListOptions(labelSelector: "\(PlatformConstants.platformLabel)=\(platform.name)")
  }

  /// Does what can be done now.
  /// - Returns: What it waits for; nil when everything is done.
  func proceed() async throws -> String? {
    try await deleteOwned(StatefulSet.self)
    try await deleteOwned(CronJob.self)
    try await deleteOwned(Deployment.self)
    // The pods of a release's Jobs have ended and would stay.
    for job in informers.jobs.list(ownedBy: platform.metadata.uid ?? "") where !job.isBeingDeleted {
      try await writer.delete(job)
    }
    let running = informers.pods.list { $0.metadata.namespace == platform.namespace && isLabelled($0.metadata) }
    if !running.isEmpty {
      let names = running.prefix(3).compactMap(\.metadata.name).joined(separator: ", ")
      return "waits for \(running.count) pods to stop, among them \(names)"
    }
    try await deletePatroniRecords()
    if platform.spec.deletionPolicy == "Delete" {
      try await deleteData(PersistentVolumeClaim.self)
      try await deleteData(Secret.self)
    }
    return nil
  }

  private func deleteOwned<Object: KubernetesResource>(_ type: Object.Type) async throws {
    guard let uid = platform.metadata.uid, let informer = informers.informer(type) else { return }
    for object in informer.list(ownedBy: uid) where object.isControlled(by: platform) && !object.isBeingDeleted {
      try await writer.delete(object)
    }
  }

  /// Patroni's ConfigMaps have no owner. Left behind, they would tell a new platform of this name that its database
  /// exists already.
  private func deletePatroniRecords() async throws {
    let own = ListOptions(labelSelector: "\(PlatformConstants.scopeLabel)=\(platform.postgresScope)")
    for record in try await client.list(ConfigMap.self, in: platform.namespace, options: own).items
    where !record.isBeingDeleted {
      try await writer.delete(record)
    }
  }

  private func deleteData<Object: KubernetesResource>(_ type: Object.Type) async throws {
    for object in try await client.list(type, in: platform.namespace, options: selector).items
    where !object.isBeingDeleted && Ownership.of(object.metadata, for: platform) == .ours {
      try await writer.delete(object)
    }
  }

  private func isLabelled(_ metadata: ObjectMeta) -> Bool {
    metadata.labels?[PlatformConstants.platformLabel] == platform.name
  }
}
