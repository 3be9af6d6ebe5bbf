import FoundationEssentials
import KubernetesModels

extension APIServer {
  /// Stores what every cluster starts with.
  func bootstrap() throws {
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
      var namespace = systemObject("v1", "Namespace", name, nil)
      namespace.set(.string(name), at: ["metadata", "labels", "kubernetes.io/metadata.name"])
      namespace["spec"] = ["finalizers": ["kubernetes"]]
      namespace["status"] = ["phase": "Active"]
      guard let info = registry.find(group: "", version: "v1", plural: "namespaces") else { continue }
      afterCreate(try store.insert(info.storage, ObjectName(namespace: "", name: name), namespace), info)
    }
    let rbac = "rbac.authorization.k8s.io/v1"
    for (name, rules) in BootstrapPolicy.clusterRoles {
      var role = systemObject(rbac, "ClusterRole", name, nil)
      role.set("rbac-defaults", at: ["metadata", "labels", "kubernetes.io/bootstrapping"])
      role["rules"] = rules
      // Custom resources add their rules to these three by label.
      if ["admin", "edit", "view"].contains(name) {
        let labels: JSONValue = ["rbac.authorization.k8s.io/aggregate-to-\(name)": "true"]
        role["aggregationRule"] = ["clusterRoleSelectors": [["matchLabels": labels]]]
      }
      try put(Authorizer.group, "clusterroles", role)
    }
    for (name, target, groups) in BootstrapPolicy.clusterRoleBindings {
      var binding = systemObject(rbac, "ClusterRoleBinding", name, nil)
      binding.set("rbac-defaults", at: ["metadata", "labels", "kubernetes.io/bootstrapping"])
      binding["roleRef"] = ["apiGroup": .string(Authorizer.group), "kind": "ClusterRole", "name": .string(target)]
      binding["subjects"] = .array(
        groups.map { ["apiGroup": .string(Authorizer.group), "kind": "Group", "name": .string($0)] })
      try put(Authorizer.group, "clusterrolebindings", binding)
    }
    for (name, value) in [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)] {
      var priority = systemObject("scheduling.k8s.io/v1", "PriorityClass", name, nil)
      priority["value"] = JSONValue(value)
      priority["preemptionPolicy"] = "PreemptLowerPriority"
      try put("scheduling.k8s.io", "priorityclasses", priority)
    }
    var storage = systemObject("storage.k8s.io/v1", "StorageClass", "standard", nil)
    storage.set("true", at: ["metadata", "annotations", "storageclass.kubernetes.io/is-default-class"])
    storage["provisioner"] = "sandbox.rtx.trading/directory"
    storage["reclaimPolicy"] = "Delete"
    storage["volumeBindingMode"] = "Immediate"
    storage["allowVolumeExpansion"] = true
    try put("storage.k8s.io", "storageclasses", storage)
    try bootstrapService()
  }

  /// The Service through which Pods reach this server.
  private func bootstrapService() throws {
    var service = systemObject("v1", "Service", "kubernetes", "default")
    service.set(["component": "apiserver", "provider": "kubernetes"], at: ["metadata", "labels"])
    service["spec"] = [
      "type": "ClusterIP", "clusterIP": .string(services.first), "clusterIPs": [.string(services.first)],
      "ports": [["name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443]],
      "sessionAffinity": "None", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
      "internalTrafficPolicy": "Cluster",
    ]
    service["status"] = ["loadBalancer": [:]]
    services.reserve(services.first)
    try put("", "services", service)
  }

  /// Says where the server can be reached behind the Service `kubernetes`; replaces what was said before.
  public func advertise(address: String, port: Int) throws {
    let slices = StorageKey(group: "discovery.k8s.io", plural: "endpointslices")
    let name = ObjectName(namespace: "default", name: "kubernetes")
    var slice = systemObject("discovery.k8s.io/v1", "EndpointSlice", "kubernetes", "default")
    slice.set("kubernetes", at: ["metadata", "labels", "kubernetes.io/service-name"])
    slice["addressType"] = "IPv4"
    slice["endpoints"] = [["addresses": [.string(address)], "conditions": ["ready": true]]]
    slice["ports"] = [["name": "https", "port": JSONValue(port), "protocol": "TCP"]]
    var endpoints = systemObject("v1", "Endpoints", "kubernetes", "default")
    endpoints["subsets"] = [
      [
        "addresses": [["ip": .string(address)]],
        "ports": [["name": "https", "port": JSONValue(port), "protocol": "TCP"]],
      ]
    ]
    for (key, object) in [(slices, slice), (StorageKey(group: "", plural: "endpoints"), endpoints)] {
      if let old = store.get(key, name) {
        _ = try store.update(key, name, expected: old.revision, object)
      } else {
        _ = try store.insert(key, name, object)
      }
    }
  }

  /// An object with the metadata that the server itself gives.
  func systemObject(_ apiVersion: String, _ kind: String, _ name: String, _ namespace: String?) -> JSONValue {
    var metadata: JSONValue = [
      "name": .string(name), "uid": .string(UUID().uuidString.lowercased()), "creationTimestamp": ServerTime.now,
    ]
    if let namespace { metadata["namespace"] = .string(namespace) }
    return ["apiVersion": .string(apiVersion), "kind": .string(kind), "metadata": metadata]
  }

  private func put(_ group: String, _ plural: String, _ object: JSONValue) throws {
    let name = ObjectName(namespace: object.metadataNamespace, name: object.metadataName)
    _ = try store.insert(StorageKey(group: group, plural: plural), name, object)
  }
}
