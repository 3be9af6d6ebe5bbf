import KubernetesModels

/// Pods: defaults, what may change after creation, and how the status starts.
struct PodStrategy: ResourceStrategy {
  func applyDefaults(_ object: inout JSONValue) {
    object.change("spec") { PodDefaults.apply(to: &$0) }
  }

  func prepareForCreate(_ object: inout JSONValue) {
    object["status"] = ["phase": "Pending", "qosClass": .string(QualityOfService.of(object["spec"] ?? [:]))]
  }

  func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, subresource: String) {
    if object.at("status", "qosClass") == nil, let qos = old.at("status", "qosClass") {
      object.set(qos, at: ["status", "qosClass"])
    }
  }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    PodRules.validateTemplate(object, path: "", &found)
    guard let old else { return }
    var allowed = object["spec"] ?? [:]
    let before = old["spec"] ?? [:]
    // What an update may touch is put back; whatever differs then is forbidden.
    for list in ["containers", "initContainers"] {
      var index = 0
      allowed.changeItems(list) { container in
        container["image"] = before.at(list, String(index), "image")
        index += 1
      }
    }
    allowed["activeDeadlineSeconds"] = before["activeDeadlineSeconds"]
    if before["terminationGracePeriodSeconds"]?.intValue ?? 0 < 0 || object.isDeleting {
      allowed["terminationGracePeriodSeconds"] = before["terminationGracePeriodSeconds"]
    }
    if before.itemsAt("tolerations").allSatisfy(allowed.itemsAt("tolerations").contains) {
      allowed["tolerations"] = before["tolerations"]
    }
    if before.textAt("nodeName")?.isEmpty != false { allowed["nodeName"] = before["nodeName"] }
    if !before.itemsAt("schedulingGates").isEmpty { allowed["schedulingGates"] = before["schedulingGates"] }
    if before.at("ephemeralContainers") == nil { allowed["ephemeralContainers"] = nil }
    if allowed != before {
      found.forbidden(
        "spec",
        "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
          + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
          + "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)")
    }
  }
}

/// Quality of service of a Pod (Kubernetes "Pod Quality of Service Classes").
enum QualityOfService {
  static func of(_ spec: JSONValue) -> String {
    let containers = spec.itemsAt("containers") + spec.itemsAt("initContainers")
    let resources = containers.map { $0["resources"] ?? [:] }
    let isBestEffort = resources.allSatisfy { resource in
      ["requests", "limits"].allSatisfy { kind in ["cpu", "memory"].allSatisfy { resource.at(kind, $0) == nil } }
    }
    if isBestEffort { return "BestEffort" }
    let isGuaranteed = resources.allSatisfy { resource in
      ["cpu", "memory"].allSatisfy { name in
        guard let limit = resource.textAt("limits", name).flatMap({ Quantity($0) }) else { return false }
        let request = resource.textAt("requests", name).flatMap { Quantity($0) } ?? limit
        return request == limit
      }
    }
    return isGuaranteed ? "Guaranteed" : "Burstable"
  }
}
