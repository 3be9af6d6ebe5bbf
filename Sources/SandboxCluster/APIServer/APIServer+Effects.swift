import KubernetesClient
import KubernetesModels

/// What a write sets off inside the server itself.
extension APIServer {
  /// Gives a Service its addresses and ports. Objects that are not stored in the end must be released again.
  func allocate(_ object: inout JSONValue, old: JSONValue?, isDryRun: Bool, _ info: ResourceInfo) throws {
    guard info.group.isEmpty, info.kind == "Service" else { return }
    try services.allocate(&object, old: old, keeps: !isDryRun, info)
  }

  /// Takes back what a removed or refused object had been given.
  func release(_ object: JSONValue, _ info: ResourceInfo) {
    guard info.group.isEmpty, info.kind == "Service" else { return }
    services.release(object)
  }

  func afterCreate(_ object: StoredObject, _ info: ResourceInfo) {
    switch (info.group, info.kind) {
    case ("", "Namespace"): furnishNamespace(object.name.name)
    case ("apiextensions.k8s.io", "CustomResourceDefinition"): CustomResources.publish(object.json, registry)
    default: break
    }
    if info.isCustom || info.kind == "CustomResourceDefinition" { forgetOpenAPI() }
  }

  func afterUpdate(_ object: StoredObject, old: StoredObject, _ info: ResourceInfo) {
    switch (info.group, info.kind) {
    case ("apiextensions.k8s.io", "CustomResourceDefinition"):
      CustomResources.publish(object.json, registry)
      forgetOpenAPI()
      if object.json.isDeleting { clearInstances(of: object.json) }
    case ("", "Service"): services.releaseDropped(old.json, new: object.json)
    default: break
    }
  }

  func afterRemove(_ object: StoredObject, _ info: ResourceInfo) {
    if info.group == "apiextensions.k8s.io", info.kind == "CustomResourceDefinition" {
      CustomResources.unpublish(object.json, registry)
      forgetOpenAPI()
    }
    if info.isCustom { finishDefinition(of: info) }
  }

  /// What every namespace starts with: the `default` ServiceAccount and the cluster's CA.
  private func furnishNamespace(_ namespace: String) {
    let name = { ObjectName(namespace: namespace, name: $0) }
    let account = systemObject("v1", "ServiceAccount", "default", namespace)
    _ = try? store.insert(StorageKey(group: "", plural: "serviceaccounts"), name("default"), account)
    var bundle = systemObject("v1", "ConfigMap", "kube-root-ca.crt", namespace)
    bundle["data"] = ["ca.crt": .string(certificateAuthority.certificatePEM)]
    _ = try? store.insert(StorageKey(group: "", plural: "configmaps"), name("kube-root-ca.crt"), bundle)
  }

  /// Deletes the objects of a CustomResourceDefinition that is going away.
  private func clearInstances(of definition: JSONValue) {
    let infos = registry.all.filter { $0.isCustom && $0.storage == CustomResources.storage(definition) }
    guard let info = infos.first else { return }
    for object in store.list(info.storage).objects where !object.json.isDeleting {
      let request = KubernetesRequest(method: .delete, path: "/apis")
      guard let call = try? Call(request, RequestInfo(request), info, .component("system:apiserver")) else { continue }
      _ = try? delete(named: object.name, .init(), call)
    }
    if store.count(info.storage) == 0 { finishDefinition(of: info) }
  }

  /// Lets a deleting CustomResourceDefinition go once its last object is gone.
  private func finishDefinition(of info: ResourceInfo) {
    guard store.count(info.storage) == 0 else { return }
    guard
      let definitions = registry.find(group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions")
    else { return }
    let name = ObjectName(namespace: "", name: "\(info.plural).\(info.group)")
    for _ in 0..<20 {
      guard let current = store.get(definitions.storage, name), current.json.isDeleting else { return }
      var json = current.json
      json.setFinalizers(json.finalizers.filter { $0 != CustomResources.finalizer })
      do {
        if json.finalizers.isEmpty {
          _ = try remove(current, definitions)
        } else if json != current.json {
          _ = try store.update(definitions.storage, name, expected: current.revision, json)
        }
        return
      } catch {
        continue
      }
    }
  }
}
