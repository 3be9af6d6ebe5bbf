import KubernetesModels
import OperatorRuntime

/// The pods and claims of a stateful set, with the names that stay. Pure.
enum StatefulSetPods {
  static func claimName(template: String, set: String, ordinal: Int) -> String { "\(template)-\(set)-\(ordinal)" }

  static func pod(
    of set: StatefulSet, template: PodTemplateSpec, ordinal: Int, revision: String
  ) -> Pod {
    let setName = set.metadata.name ?? ""
    let name = "\(setName)-\(ordinal)"
    var pod = Pod(
      from: template, owner: set, name: name,
      labels: [
        "statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": String(ordinal),
        TemplateHash.statefulSetLabel: revision,
      ])
    var spec = pod.spec ?? template.spec ?? PodSpec(containers: [])
    spec.hostname = name
    spec.subdomain = set.spec?.serviceName
    let claims = set.spec?.volumeClaimTemplates ?? []
    let claimVolumes = claims.map { claim in
      let volume = claim.metadata.name ?? ""
      return Volume(
        name: volume,
        persistentVolumeClaim: PersistentVolumeClaimVolumeSource(
          claimName: claimName(template: volume, set: setName, ordinal: ordinal)))
    }
    // A claim template takes the place of a volume of the same name.
    let replaced = Set(claimVolumes.map(\.name))
    spec.volumes = (spec.volumes ?? []).filter { !replaced.contains($0.name) } + claimVolumes
    pod.spec = spec
    return pod
  }

  static func claims(of set: StatefulSet, ordinal: Int) -> [PersistentVolumeClaim] {
    (set.spec?.volumeClaimTemplates ?? []).map { template in
      var claim = template
      claim.status = nil
      claim.metadata.name = claimName(
        template: template.metadata.name ?? "", set: set.metadata.name ?? "", ordinal: ordinal)
      claim.metadata.namespace = set.metadata.namespace
      claim.metadata.labels = (set.spec?.selector.matchLabels ?? [:]).merging(template.metadata.labels ?? [:]) { $1 }
      claim.metadata.creationTimestamp = nil
      if set.spec?.persistentVolumeClaimRetentionPolicy?.whenDeleted == "Delete" {
        claim.metadata.ownerReferences = OwnerReference(controlling: set).map { [$0] }
      }
      return claim
    }
  }
}
