import KubernetesModels
import OperatorRuntime
import RTXPlatformAPI

/// Whose an object is that has a name which a platform wants.
enum Ownership: Equatable {
  case ours
  /// Made by an earlier platform of the same name, and about to be collected.
  case leftover
  case foreign(owner: String)

  /// Data has no owner reference and is told by its labels; so is an object whose owner reference somebody took away.
  static func of(_ metadata: ObjectMeta, for platform: RTXPlatform) -> Ownership {
    if let owner = metadata.ownerReferences?.first(where: { $0.controller == true }) {
      if owner.uid == platform.metadata.uid { return .ours }
      if owner.kind == RTXPlatform.resourceType.kind, owner.name == platform.name { return .leftover }
      return .foreign(owner: "\(owner.kind) \(owner.name)")
    }
    let labels = metadata.labels ?? [:]
    guard labels[PlatformConstants.platformLabel] == platform.name,
      labels["app.kubernetes.io/managed-by"] == PlatformConstants.manager
    else { return .foreign(owner: "somebody else") }
    return .ours
  }

  /// - Throws: `ReconcileError` when the object cannot be written now, or not at all.
  static func check<Object: KubernetesResource>(_ object: Object, for platform: RTXPlatform) throws {
    let identity = ObjectWriter.identity(object)
    switch of(object.metadata, for: platform) {
    case .ours:
      if object.isBeingDeleted {
        throw ReconcileError.retry("\(identity) is being deleted and will be made again", after: .seconds(1))
      }
    case .leftover:
      throw ReconcileError.retry(
        "\(identity) belongs to a deleted platform of this name and is about to go", after: .seconds(2))
    case .foreign(let owner):
      throw ReconcileError.stalled(
        reason: ConditionReason.nameConflict.rawValue,
        message: "metadata.name: the name of \(identity) is taken by an object of \(owner); delete that object, or "
          + "name the platform differently")
    }
  }
}
