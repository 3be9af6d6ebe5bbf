import KubernetesClient
import KubernetesModels
import OperatorRuntime

/// Reclaims volumes whose claim is gone: removes the folder, or keeps it as Released.
struct VolumeReconciler: Reconciler {
  let context: WorkloadContext
  let volumes: DynamicInformer

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let volume = volumes.get(key.name), !volume.isBeingDeleted else { return .done }
    guard let reference = volume.json.value(at: ["spec", "claimRef"]), let uid = reference["uid"]?.stringValue else {
      try await setPhase("Available", of: volume)
      return .done
    }
    let name = reference["name"]?.stringValue ?? ""
    let namespace = reference["namespace"]?.stringValue
    if context.claims.get(name, in: namespace)?.metadata.uid == uid { return .done }
    // The store may be behind: data is deleted only when the server says so too.
    if let claim = try await context.client.getIfPresent(PersistentVolumeClaim.self, name, in: namespace),
      claim.metadata.uid == uid
    {
      return .requeue(after: .seconds(1))
    }
    try await setPhase("Released", of: volume)
    guard volume.json.value(at: ["spec", "persistentVolumeReclaimPolicy"])?.stringValue == "Delete",
      volume.annotations[VolumePlan.provisionedBy] == VolumePlan.provisioner,
      let path = volume.json.value(at: ["spec", "hostPath", "path"])?.stringValue
    else { return .done }
    try VolumeFolder.remove(path, below: context.configuration.volumeRoot)
    do {
      try await context.client.delete(
        VolumePlan.volumeType, key.name, in: nil, options: DeleteOptions(uid: volume.uid))
    } catch let error as KubernetesError where error.isNotFound {
      return .done
    }
    return .done
  }

  private func setPhase(_ phase: String, of volume: DynamicObject) async throws {
    guard volume.json.value(at: ["status", "phase"])?.stringValue != phase else { return }
    _ = try await context.client.patch(
      VolumePlan.volumeType, volume.name ?? "", in: nil, .merge(["status": ["phase": .string(phase)]]),
      subresource: "status")
  }
}
