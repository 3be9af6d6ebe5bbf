import KubernetesModels
import OperatorRuntime

extension Pod {
  /// A pod made of a controller's template.
  init(
    from template: PodTemplateSpec, owner: some KubernetesResource, name: String? = nil, labels: [String: String] = [:]
  ) {
    var metadata = ObjectMeta()
    metadata.annotations = template.metadata?.annotations
    metadata.labels = (template.metadata?.labels ?? [:]).merging(labels) { $1 }
    metadata.finalizers = template.metadata?.finalizers
    metadata.namespace = owner.metadata.namespace
    metadata.name = name ?? "\(owner.metadata.name ?? "")-\(TemplateHash.randomSuffix())"
    metadata.generateName = name == nil ? "\(owner.metadata.name ?? "")-" : nil
    metadata.ownerReferences = OwnerReference(controlling: owner).map { [$0] }
    self.init(metadata: metadata, spec: template.spec)
  }
}
