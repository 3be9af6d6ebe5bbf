import KubernetesModels
import RTXPlatformAPI

extension RTXPlatform {
  /// The claim of a component with one disk. It has no owner: data outlives the platform unless told otherwise.
  func claim(_ component: PlatformComponent, size: String, storageClassName: String?) -> PersistentVolumeClaim {
    PersistentVolumeClaim(
      metadata: dataMetadata(component), spec: claimSpec(size: size, storageClassName: storageClassName))
  }

  func claimSpec(size: String, storageClassName: String?) -> PersistentVolumeClaimSpec {
    PersistentVolumeClaimSpec(
      accessModes: ["ReadWriteOnce"],
      resources: VolumeResourceRequirements(requests: ["storage": Quantity(size) ?? .zero]),
      storageClassName: storageClassName)
  }
}

/// A disk that there is, against the one that is wanted (Kubernetes: "Persistent Volumes", expanding claims).
enum ClaimGrowth {
  /// - Throws: `SpecProblem` when the claim is larger than wanted: it was made by an earlier platform of the name.
  static func check(_ claim: PersistentVolumeClaim?, wanted: String, path: String) throws(SpecProblem) {
    guard let present = claim?.spec?.resources?.requests?["storage"], let wanted = Quantity(wanted) else { return }
    if present > wanted {
      throw SpecProblem(
        path,
        "cannot shrink from \(present) to \(wanted), the size of PersistentVolumeClaim \(claim?.metadata.name ?? "")",
        remedy: "set it to \(present), or restore into a new platform")
    }
  }

  /// Whether the claim has to be made larger.
  static func isNeeded(_ claim: PersistentVolumeClaim, wanted: String) -> Bool {
    guard let present = claim.spec?.resources?.requests?["storage"], let wanted = Quantity(wanted) else { return false }
    return present < wanted
  }
}
