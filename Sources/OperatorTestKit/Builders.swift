public import KubernetesModels

/// Changes an object in the middle of an expression.
///
/// ```swift
/// let old = build(ConfigMap.configMap("settings")) { $0.metadata.labels = ["tier": "a"] }
/// ```
public func build<Object>(_ object: Object, _ change: (inout Object) throws -> Void) rethrows -> Object {
  var object = object
  try change(&object)
  return object
}

extension ConfigMap {
  public static func configMap(_ name: String, in namespace: String = "default", _ data: [String: String] = [:]) -> Self
  {
    ConfigMap(data: data, metadata: ObjectMeta(name: name, namespace: namespace))
  }
}

extension Secret {
  /// - Parameter text: Plain text; the server encodes it.
  public static func secret(_ name: String, in namespace: String = "default", _ text: [String: String] = [:]) -> Self {
    Secret(metadata: ObjectMeta(name: name, namespace: namespace), stringData: text)
  }
}

extension Namespace {
  public static func namespace(_ name: String) -> Self {
    Namespace(metadata: ObjectMeta(name: name))
  }
}

extension Pod {
  public static func pod(_ name: String, in namespace: String = "default", image: String = "app:1") -> Self {
    Pod(
      metadata: ObjectMeta(labels: ["app": name], name: name, namespace: namespace),
      spec: PodSpec(containers: [Container(image: image, name: "app")]))
  }
}

extension Deployment {
  public static func deployment(
    _ name: String, in namespace: String = "default", image: String = "app:1", replicas: Int = 1
  ) -> Self {
    Deployment(
      metadata: ObjectMeta(name: name, namespace: namespace),
      spec: DeploymentSpec(
        replicas: .init(replicas), selector: LabelSelector(matchLabels: ["app": name]),
        template: PodTemplateSpec(
          metadata: ObjectMeta(labels: ["app": name]),
          spec: PodSpec(containers: [Container(image: image, name: "app")]))))
  }
}

extension CustomResourceDefinition {
  /// A namespaced type with a status, whose fields are not checked.
  public static func definition(_ type: ResourceType) -> Self {
    let anything = JSONSchemaProps(type: "object", xKubernetesPreserveUnknownFields: true)
    return CustomResourceDefinition(
      metadata: ObjectMeta(name: "\(type.plural).\(type.group)"),
      spec: CustomResourceDefinitionSpec(
        group: type.group,
        names: CustomResourceDefinitionNames(
          kind: type.kind, listKind: type.kind + "List", plural: type.plural, singular: type.kind.lowercased()),
        scope: type.isNamespaced ? "Namespaced" : "Cluster",
        versions: [
          CustomResourceDefinitionVersion(
            name: type.version,
            schema: CustomResourceValidation(
              openAPIV3Schema: JSONSchemaProps(
                properties: ["spec": anything, "status": anything], type: "object")),
            served: true, storage: true, subresources: CustomResourceSubresources(status: [:]))
        ]))
  }
}
