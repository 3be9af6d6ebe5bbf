import KubernetesModels
import OperatorRuntime

/// The volume that a claim gets, and where it is. Pure.
enum VolumePlan {
  static let provisioner = "sandbox.rtx.trading/directory"
  static let provisionedBy = "pv.kubernetes.io/provisioned-by"
  static let claimProtection = "kubernetes.io/pvc-protection"
  static let volumeType = ResourceType(
    group: "", version: "v1", kind: "PersistentVolume", plural: "persistentvolumes", isNamespaced: false)
  static let classType = ResourceType(
    group: "storage.k8s.io", version: "v1", kind: "StorageClass", plural: "storageclasses", isNamespaced: false)

  static func volumeName(_ claim: PersistentVolumeClaim) -> String { "pvc-\(claim.metadata.uid ?? "")" }

  /// One folder a claim, readable by a person who looks for the data.
  static func folder(_ claim: PersistentVolumeClaim, root: String) -> String {
    "\(root)/\(claim.metadata.namespace ?? "")_\(claim.metadata.name ?? "")_\(volumeName(claim))"
  }

  static func requested(_ claim: PersistentVolumeClaim) -> Quantity? { claim.spec?.resources?.requests?["storage"] }

  static func volume(for claim: PersistentVolumeClaim, root: String, reclaimPolicy: String) throws -> DynamicObject {
    var volume = DynamicObject(type: volumeType, name: volumeName(claim))
    volume.annotations = [provisionedBy: provisioner]
    volume.json["spec"] = [
      "capacity": ["storage": try JSONValue(encoding: requested(claim) ?? Quantity.zero)],
      "accessModes": .array((claim.spec?.accessModes ?? ["ReadWriteOnce"]).map { .string($0) }),
      "persistentVolumeReclaimPolicy": .string(reclaimPolicy),
      "storageClassName": .string(claim.spec?.storageClassName ?? ""),
      "volumeMode": .string(claim.spec?.volumeMode ?? "Filesystem"),
      "hostPath": ["path": .string(folder(claim, root: root)), "type": "DirectoryOrCreate"],
      "claimRef": [
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": .string(claim.metadata.name ?? ""),
        "namespace": .string(claim.metadata.namespace ?? ""), "uid": .string(claim.metadata.uid ?? ""),
      ],
    ]
    return volume
  }

  /// A volume made by hand that fits a claim: same class, large enough, all access modes, free or meant for it.
  static func match(_ claim: PersistentVolumeClaim, among volumes: [DynamicObject]) -> DynamicObject? {
    let wanted = requested(claim) ?? .zero
    let fitting = volumes.filter { volume in
      let spec = volume.json["spec"]
      let reference = spec?["claimRef"]
      let isOurs =
        reference?["name"]?.stringValue == claim.metadata.name
        && reference?["namespace"]?.stringValue == claim.metadata.namespace
        && (reference?["uid"] == nil || reference?["uid"]?.stringValue == claim.metadata.uid)
      guard reference == nil || isOurs, !volume.isBeingDeleted else { return false }
      let modes = spec?["accessModes"]?.arrayValue?.compactMap(\.stringValue) ?? []
      return capacity(volume) >= wanted && (claim.spec?.accessModes ?? []).allSatisfy(modes.contains)
        && spec?["storageClassName"]?.stringValue ?? "" == claim.spec?.storageClassName ?? ""
        && claim.spec?.selector?.selects(volume.labels) ?? true
    }
    return fitting.min { (capacity($0), $0.name ?? "") < (capacity($1), $1.name ?? "") }
  }

  static func capacity(_ volume: DynamicObject) -> Quantity {
    let text = volume.json.value(at: ["spec", "capacity", "storage"])?.stringValue
    return text.flatMap { Quantity($0) } ?? .zero
  }

  /// Whether a pod that still runs, or will run, mounts the claim.
  static func isUsed(_ claim: PersistentVolumeClaim, by pods: [Pod]) -> Bool {
    pods.contains { pod in
      pod.metadata.namespace == claim.metadata.namespace && !pod.isFinished
        && pod.spec?.volumes?.contains { $0.persistentVolumeClaim?.claimName == claim.metadata.name } ?? false
    }
  }
}
