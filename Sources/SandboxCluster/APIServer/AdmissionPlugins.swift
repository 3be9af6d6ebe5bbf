import KubernetesModels

/// Gives a Pod its service account and the volume with the account's token (admission plugin ServiceAccount).
struct ServiceAccountAdmission {
  let server: APIServer

  static let mountPath = "/var/run/secrets/kubernetes.io/serviceaccount"

  func apply(to pod: inout JSONValue, _ info: ResourceInfo) throws(APIStatusError) {
    let namespace = pod.metadataNamespace
    var name = pod.textAt("spec", "serviceAccountName") ?? ""
    if name.isEmpty {
      name = "default"
      pod.set("default", at: ["spec", "serviceAccountName"])
      pod.set("default", at: ["spec", "serviceAccount"])
    }
    guard let account = server.object("", "serviceaccounts", namespace, name) else {
      throw APIStatusError.forbidden(
        info, pod.metadataName,
        "error looking up service account \(namespace)/\(name): serviceaccount \"\(name)\" not found")
    }
    let wanted =
      pod.at("spec", "automountServiceAccountToken")?.boolValue
      ?? account["automountServiceAccountToken"]?.boolValue ?? true
    if wanted { mountToken(into: &pod) }
  }

  private func mountToken(into pod: inout JSONValue) {
    var volumes = pod.itemsAt("spec", "volumes")
    let present = volumes.compactMap { $0["name"]?.stringValue }.first { $0.hasPrefix("kube-api-access-") }
    let name = present ?? APIServer.generatedName("kube-api-access-")
    var isMounted = false
    pod.change("spec") { spec in
      for list in ["initContainers", "containers"] {
        spec.changeItems(list) { container in
          var mounts = container.itemsAt("volumeMounts")
          if mounts.contains(where: { $0["mountPath"]?.stringValue == Self.mountPath }) { return }
          mounts.append(["name": .string(name), "mountPath": .string(Self.mountPath), "readOnly": true])
          container["volumeMounts"] = .array(mounts)
          isMounted = true
        }
      }
    }
    guard isMounted, present == nil else { return }
    volumes.append([
      "name": .string(name),
      "projected": [
        "defaultMode": 420,
        "sources": [
          ["serviceAccountToken": ["expirationSeconds": 3607, "path": "token"]],
          ["configMap": ["name": "kube-root-ca.crt", "items": [["key": "ca.crt", "path": "ca.crt"]]]],
          [
            "downwardAPI": [
              "items": [["path": "namespace", "fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.namespace"]]]
            ]
          ],
        ],
      ],
    ])
    pod.set(.array(volumes), at: ["spec", "volumes"])
  }
}

/// Resolves `priorityClassName` (admission plugin Priority).
struct PriorityAdmission {
  let server: APIServer

  func apply(to pod: inout JSONValue, _ info: ResourceInfo) throws(APIStatusError) {
    let classes = server.objects("scheduling.k8s.io", "priorityclasses")
    let name = pod.textAt("spec", "priorityClassName") ?? ""
    let chosen =
      name.isEmpty
      ? classes.first { $0.boolAt("globalDefault") } : classes.first { $0.metadataName == name }
    if chosen == nil, !name.isEmpty {
      throw APIStatusError.forbidden(info, pod.metadataName, "no PriorityClass with name \(name) was found")
    }
    if let chosen { pod.set(.string(chosen.metadataName), at: ["spec", "priorityClassName"]) }
    pod.set(chosen?["value"] ?? 0, at: ["spec", "priority"])
    pod.setDefault(chosen?["preemptionPolicy"] ?? "PreemptLowerPriority", "spec", "preemptionPolicy")
  }
}

/// Fills in and checks container resources by the namespace's LimitRanges (admission plugin LimitRanger).
struct LimitRangeAdmission {
  let server: APIServer

  func apply(to pod: inout JSONValue, _ info: ResourceInfo) throws(APIStatusError) {
    let limits = server.objects("", "limitranges", namespace: pod.metadataNamespace)
      .flatMap { $0.itemsAt("spec", "limits") }.filter { $0.textAt("type") == "Container" }
    guard !limits.isEmpty else { return }
    for limit in limits {
      pod.change("spec") { spec in
        for list in ["initContainers", "containers"] {
          spec.changeItems(list) { fill(&$0, limit) }
        }
      }
    }
    let problems = pod.itemsAt("spec", "containers").flatMap { container in
      limits.flatMap { self.problems(container, $0) }
    }
    guard problems.isEmpty else {
      throw APIStatusError.forbidden(
        info, pod.metadataName, problems.count == 1 ? problems[0] : "[\(problems.joined(separator: ", "))]")
    }
  }

  private func fill(_ container: inout JSONValue, _ limit: JSONValue) {
    for (name, amount) in limit.mapAt("default") { container.setDefault(amount, "resources", "limits", name) }
    for (name, amount) in limit.mapAt("defaultRequest") { container.setDefault(amount, "resources", "requests", name) }
    for (name, amount) in container.mapAt("resources", "limits") {
      container.setDefault(amount, "resources", "requests", name)
    }
  }

  private func problems(_ container: JSONValue, _ limit: JSONValue) -> [String] {
    var found: [String] = []
    for (name, bound) in limit.mapAt("max") {
      guard let most = PodRules.quantity(bound) else { continue }
      guard let amount = container.at("resources", "limits", name).flatMap(PodRules.quantity) else {
        found.append("maximum \(name) usage per Container is \(most.description).  No limit is specified")
        continue
      }
      if amount > most {
        found.append("maximum \(name) usage per Container is \(most.description), but limit is \(amount.description)")
      }
    }
    for (name, bound) in limit.mapAt("min") {
      guard let least = PodRules.quantity(bound) else { continue }
      guard let amount = container.at("resources", "requests", name).flatMap(PodRules.quantity) else {
        found.append("minimum \(name) usage per Container is \(least.description).  No request is specified")
        continue
      }
      if amount < least {
        found.append(
          "minimum \(name) usage per Container is \(least.description), but request is \(amount.description)")
      }
    }
    return found
  }
}

/// Gives claims the default StorageClass, and lets only expandable classes grow.
struct StorageClassAdmission {
  let server: APIServer

  func apply(to claim: inout JSONValue) {
    guard claim.at("spec", "storageClassName") == nil else { return }
    let key = "storageclass.kubernetes.io/is-default-class"
    let chosen = server.objects("storage.k8s.io", "storageclasses")
      .first { $0.textAt("metadata", "annotations", key) == "true" }
    if let chosen { claim.set(.string(chosen.metadataName), at: ["spec", "storageClassName"]) }
  }

  func checkResize(_ claim: JSONValue, old: JSONValue, _ info: ResourceInfo) throws(APIStatusError) {
    let path = ["spec", "resources", "requests", "storage"]
    guard let wanted = claim.value(at: path).flatMap(PodRules.quantity),
      let held = old.value(at: path).flatMap(PodRules.quantity),
      wanted > held
    else { return }
    let name = claim.textAt("spec", "storageClassName") ?? ""
    let storage = server.object("storage.k8s.io", "storageclasses", "", name)
    guard storage?.boolAt("allowVolumeExpansion") == true else {
      throw APIStatusError.forbidden(
        info, claim.metadataName,
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
      )
    }
  }
}

/// Gives an Ingress the default IngressClass.
struct IngressClassAdmission {
  let server: APIServer

  func apply(to ingress: inout JSONValue) {
    guard ingress.at("spec", "ingressClassName") == nil,
      ingress.at("metadata", "annotations", "kubernetes.io/ingress.class") == nil
    else { return }
    let key = "ingressclass.kubernetes.io/is-default-class"
    let chosen = server.objects("networking.k8s.io", "ingressclasses")
      .first { $0.textAt("metadata", "annotations", key) == "true" }
    if let chosen { ingress.set(.string(chosen.metadataName), at: ["spec", "ingressClassName"]) }
  }
}

/// Refuses what a namespace's ResourceQuotas have no room for, counting what is stored (admission plugin
/// ResourceQuota).
struct QuotaAdmission {
  let server: APIServer

  func check(_ object: JSONValue, _ info: ResourceInfo) throws(APIStatusError) {
    guard info.isNamespaced else { return }
    let quotas = server.objects("", "resourcequotas", namespace: object.metadataNamespace)
    guard !quotas.isEmpty else { return }
    let wanted = Self.usage(of: object, info)
    guard !wanted.isEmpty else { return }
    let present = server.store.list(info.storage, namespace: object.metadataNamespace).objects.map(\.json)
      .filter { !["Succeeded", "Failed"].contains($0.textAt("status", "phase")) }
    for quota in quotas {
      for (resource, hard) in quota.mapAt("spec", "hard") {
        guard let limit = PodRules.quantity(hard), let more = wanted[resource] else { continue }
        let used = present.reduce(Quantity.zero) { $0 + (Self.usage(of: $1, info)[resource] ?? .zero) }
        guard used + more > limit else { continue }
        throw APIStatusError.forbidden(
          info, object.metadataName,
          "exceeded quota: \(quota.metadataName), requested: \(resource)=\(more.description), "
            + "used: \(resource)=\(used.description), limited: \(resource)=\(limit.description)")
      }
    }
  }

  /// What one object takes of every quota that it counts for.
  static func usage(of object: JSONValue, _ info: ResourceInfo) -> [String: Quantity] {
    var usage = ["count/\(info.qualifiedPlural)": Quantity(1)]
    guard info.group.isEmpty else { return usage }
    usage[info.plural] = Quantity(1)
    if info.kind == "PersistentVolumeClaim" {
      usage["requests.storage"] = object.at("spec", "resources", "requests", "storage").flatMap(PodRules.quantity)
    }
    guard info.kind == "Pod" else { return usage }
    for name in ["cpu", "memory"] {
      let containers = object.itemsAt("spec", "containers")
      func sum(_ kind: String) -> Quantity {
        containers.reduce(Quantity.zero) { $0 + ($1.at("resources", kind, name).flatMap(PodRules.quantity) ?? .zero) }
      }
      usage["requests.\(name)"] = sum("requests")
      usage[name] = sum("requests")
      usage["limits.\(name)"] = sum("limits")
    }
    return usage
  }
}
