import KubernetesModels

/// What other objects have to say about a write: the admission chain.
extension APIServer {
  func admitCreate(_ object: inout JSONValue, _ call: inout Call) throws {
    let info = call.info
    if info.isNamespaced { try admitIntoNamespace(object, info) }
    switch (info.group, info.kind) {
    case ("", "Pod"):
      try ServiceAccountAdmission(server: self).apply(to: &object, info)
      try PriorityAdmission(server: self).apply(to: &object, info)
      try LimitRangeAdmission(server: self).apply(to: &object, info)
      PodDefaults.applyTolerations(&object)
      try PodSecurityAdmission(server: self).check(object, info, &call.warnings)
      try QuotaAdmission(server: self).check(object, info)
    case ("", "PersistentVolumeClaim"): StorageClassAdmission(server: self).apply(to: &object)
    case ("networking.k8s.io", "Ingress"): IngressClassAdmission(server: self).apply(to: &object)
    case ("apps", _), ("batch", _): PodSecurityAdmission(server: self).warn(object, info, &call.warnings)
    case ("rbac.authorization.k8s.io", _): try checkEscalation(object, old: nil, call)
    case ("apiextensions.k8s.io", "CustomResourceDefinition"): try CustomResources.admit(&object, old: nil, registry)
    default: break
    }
    if info.kind != "Pod" { try QuotaAdmission(server: self).check(object, info) }
  }

  func admitUpdate(_ object: inout JSONValue, old: JSONValue, _ call: inout Call) throws {
    let info = call.info
    switch (info.group, info.kind) {
    case ("rbac.authorization.k8s.io", _): try checkEscalation(object, old: old, call)
    case ("apiextensions.k8s.io", "CustomResourceDefinition"): try CustomResources.admit(&object, old: old, registry)
    case ("", "PersistentVolumeClaim"): try StorageClassAdmission(server: self).checkResize(object, old: old, info)
    case ("apps", _), ("batch", _): PodSecurityAdmission(server: self).warn(object, info, &call.warnings)
    default: break
    }
  }

  func admitDelete(_ object: StoredObject, _ call: Call) throws(APIStatusError) {
    if call.info.plural == "namespaces", call.info.group.isEmpty,
      ["default", "kube-system", "kube-public"].contains(object.name.name)
    {
      throw APIStatusError.forbidden(call.info, object.name.name, "this namespace may not be deleted")
    }
  }

  /// Namespace life cycle: it must exist, and take nothing new while it ends.
  private func admitIntoNamespace(_ object: JSONValue, _ info: ResourceInfo) throws(APIStatusError) {
    let name = object.metadataNamespace
    guard let namespaces = registry.find(group: "", version: "v1", plural: "namespaces") else { return }
    guard let namespace = store.get(namespaces.storage, ObjectName(namespace: "", name: name)) else {
      throw APIStatusError.notFound(namespaces, name)
    }
    guard namespace.json.isDeleting else { return }
    var refusal = APIStatusError.forbidden(
      info, object.metadataName, "unable to create new content in namespace \(name) because it is being terminated")
    refusal.details?["causes"] = [
      [
        "reason": "NamespaceTerminating", "message": .string("namespace \(name) is being terminated"),
        "field": "metadata.namespace",
      ]
    ]
    throw refusal
  }

  /// Objects of a built-in resource, for rules that look at neighbours.
  func objects(_ group: String, _ plural: String, namespace: String? = nil) -> [JSONValue] {
    store.list(StorageKey(group: group, plural: plural), namespace: namespace).objects.map(\.json)
  }

  func object(_ group: String, _ plural: String, _ namespace: String, _ name: String) -> JSONValue? {
    store.get(StorageKey(group: group, plural: plural), ObjectName(namespace: namespace, name: name))?.json
  }
}
