import FoundationEssentials
import KubernetesClient
import KubernetesModels
import OperatorRuntime

/// Gives claims a folder on this machine, lets them grow, and keeps those in use from going.
struct ClaimReconciler: Reconciler {
  let context: WorkloadContext
  let volumes: DynamicInformer
  let classes: DynamicInformer

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    guard let claim = context.claims.get(key) else { return .done }
    if claim.isBeingDeleted {
      guard claim.hasFinalizer(VolumePlan.claimProtection),
        !VolumePlan.isUsed(claim, by: context.pods.list(namespace: key.namespace))
      else { return .done }
      try await context.client.removeFinalizer(VolumePlan.claimProtection, from: claim)
      return .done
    }
    var current = try await context.client.addFinalizer(VolumePlan.claimProtection, to: claim)
    if current.spec?.volumeName?.isEmpty != false {
      guard let name = try await provision(current) else { return .done }
      current = try await context.patch(
        current,
        [
          "metadata": ["annotations": ["pv.kubernetes.io/bind-completed": "yes"]],
          "spec": ["volumeName": .string(name)],
        ])
    }
    try await bind(current)
    return .done
  }

  /// - Returns: The name of the volume for the claim; nil when nobody can give one.
  private func provision(_ claim: PersistentVolumeClaim) async throws -> String? {
    if let present = VolumePlan.match(claim, among: volumes.list()) {
      try await reserve(present, for: claim)
      return present.name
    }
    let storageClass = claim.spec?.storageClassName.flatMap { classes.get($0) }
    guard storageClass?.json["provisioner"]?.stringValue == VolumePlan.provisioner else {
      await context.events.record(
        .normal, regarding: claim, reason: "FailedBinding",
        message: "no persistent volumes available for this claim and no storage class is set that makes one",
        action: "Bind")
      return nil
    }
    let policy = storageClass?.json["reclaimPolicy"]?.stringValue ?? "Delete"
    let root = context.configuration.volumeRoot
    try VolumeFolder.make(VolumePlan.folder(claim, root: root), below: root)
    let volume = try VolumePlan.volume(for: claim, root: root, reclaimPolicy: policy)
    do {
      _ = try await context.client.create(VolumePlan.volumeType, volume)
    } catch let error as KubernetesError where error.isAlreadyExists {
      return volume.name
    }
    await context.events.record(
      .normal, regarding: claim, reason: "ProvisioningSucceeded",
      message: "Successfully provisioned volume \(volume.name ?? "")", action: "Provision")
    return volume.name
  }

  private func reserve(_ volume: DynamicObject, for claim: PersistentVolumeClaim) async throws {
    let reference: JSONValue = [
      "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": .string(claim.metadata.name ?? ""),
      "namespace": .string(claim.metadata.namespace ?? ""), "uid": .string(claim.metadata.uid ?? ""),
    ]
    guard volume.json.value(at: ["spec", "claimRef", "uid"]) == nil else { return }
    _ = try await context.client.patch(
      VolumePlan.volumeType, volume.name ?? "", in: nil,
      .merge([
        "metadata": ["resourceVersion": .string(volume.resourceVersion ?? "")], "spec": ["claimRef": reference],
      ]))
  }

  /// Both sides say Bound; a claim that asks for more gets it, because a folder has no size of its own.
  private func bind(_ claim: PersistentVolumeClaim) async throws {
    guard let name = claim.spec?.volumeName, !name.isEmpty else { return }
    let volume: DynamicObject
    do {
      volume = try await context.client.get(VolumePlan.volumeType, name, in: nil)
    } catch let error as KubernetesError where error.isNotFound {
      var status = claim.status ?? PersistentVolumeClaimStatus()
      status.phase = "Lost"
      try await context.writeStatus(of: claim, status)
      return
    }
    var capacity = VolumePlan.capacity(volume)
    if let wanted = VolumePlan.requested(claim), wanted > capacity, volume.annotations[VolumePlan.provisionedBy] != nil
    {
      _ = try await context.client.patch(
        VolumePlan.volumeType, name, in: nil,
        .merge(["spec": ["capacity": ["storage": try JSONValue(encoding: wanted)]]]))
      capacity = wanted
    }
    if volume.json.value(at: ["status", "phase"])?.stringValue != "Bound" {
      _ = try await context.client.patch(
        VolumePlan.volumeType, name, in: nil, .merge(["status": ["phase": "Bound"]]), subresource: "status")
    }
    var status = claim.status ?? PersistentVolumeClaimStatus()
    status.phase = "Bound"
    status.accessModes = claim.spec?.accessModes
    status.capacity = ["storage": capacity]
    try await context.writeStatus(of: claim, status)
  }
}
