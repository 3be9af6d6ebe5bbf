import KubernetesModels

/// Rules that all workloads with a selector and a Pod template share (apps/v1 validation).
enum WorkloadRules {
  static func applyTemplateDefaults(_ object: inout JSONValue) {
    object.change("spec") { spec in
      spec.change("template") { template in
        template.setDefault([:], "metadata")
        template.change("spec") { PodDefaults.apply(to: &$0) }
      }
    }
  }

  static func validateSelectorAndTemplate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    let selector = object.at("spec", "selector")
    if selector == nil {
      found.required("spec.selector")
    } else if LabelSelector(object: selector)?.isEmpty != false {
      found.invalid(
        "spec.selector", selector,
        "empty selector is invalid for \(object["kind"]?.stringValue?.lowercased() ?? "workload")")
    }
    if let old { found.immutable("spec.selector", selector, old.at("spec", "selector")) }
    guard let template = object.at("spec", "template") else { return found.required("spec.template") }
    let labels = template.mapAt("metadata", "labels")
    if let selector = LabelSelector(object: selector), !selector.isEmpty, !selector.matches(labels) {
      found.invalid(
        "spec.template.metadata.labels", template.at("metadata", "labels") ?? [:],
        "`selector` does not match template `labels`")
    }
    PodRules.validateTemplate(template, path: "spec.template", &found)
    found.atLeast("spec.replicas", object.at("spec", "replicas"), 0)
  }

  static func requireRestartAlways(_ object: JSONValue, _ found: inout FieldFindings) {
    if let policy = object.textAt("spec", "template", "spec", "restartPolicy"), policy != "Always" {
      found.notSupported("spec.template.spec.restartPolicy", .string(policy), ["Always"])
    }
  }

  /// An amount or a percentage of Pods.
  static func checkAmount(_ value: JSONValue?, _ path: String, _ found: inout FieldFindings) {
    switch value {
    case .integer(let number) where number < 0: found.invalid(path, value, "must be greater than or equal to 0")
    case .string(let text):
      let digits = text.dropLast()
      if !text.hasSuffix("%") || digits.isEmpty || !digits.allSatisfy(\.isNumber) {
        found.invalid(
          path, value,
          "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%')")
      }
    default: break
    }
  }
}

struct DeploymentStrategy: ResourceStrategy {
  func applyDefaults(_ object: inout JSONValue) {
    WorkloadRules.applyTemplateDefaults(&object)
    object.change("spec") { spec in
      spec.setDefault(1, "replicas")
      spec.setDefault(10, "revisionHistoryLimit")
      spec.setDefault(600, "progressDeadlineSeconds")
      spec.setDefault("RollingUpdate", "strategy", "type")
      if spec.textAt("strategy", "type") == "RollingUpdate" {
        spec.setDefault("25%", "strategy", "rollingUpdate", "maxUnavailable")
        spec.setDefault("25%", "strategy", "rollingUpdate", "maxSurge")
      }
    }
  }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    WorkloadRules.validateSelectorAndTemplate(object, old: old, &found)
    WorkloadRules.requireRestartAlways(object, &found)
    let strategy = object.at("spec", "strategy") ?? [:]
    found.oneOf("spec.strategy.type", strategy["type"], ["Recreate", "RollingUpdate"])
    if strategy.textAt("type") == "Recreate", strategy["rollingUpdate"] != nil {
      found.forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
    }
    let unavailable = strategy.at("rollingUpdate", "maxUnavailable")
    let surge = strategy.at("rollingUpdate", "maxSurge")
    WorkloadRules.checkAmount(unavailable, "spec.strategy.rollingUpdate.maxUnavailable", &found)
    WorkloadRules.checkAmount(surge, "spec.strategy.rollingUpdate.maxSurge", &found)
    if let unavailable, let surge, isZero(unavailable), isZero(surge) {
      found.invalid("spec.strategy.rollingUpdate.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
    }
    let deadline = object.intAt("spec", "progressDeadlineSeconds") ?? 600
    if deadline <= object.intAt("spec", "minReadySeconds") ?? 0 {
      found.invalid("spec.progressDeadlineSeconds", .integer(Int64(deadline)), "must be greater than minReadySeconds")
    }
  }

  private func isZero(_ value: JSONValue) -> Bool { value == 0 || value == "0%" }
}

struct ReplicaSetStrategy: ResourceStrategy {
  func applyDefaults(_ object: inout JSONValue) {
    WorkloadRules.applyTemplateDefaults(&object)
    object.change("spec") { $0.setDefault(1, "replicas") }
  }

  func prepareForCreate(_ object: inout JSONValue) { object["status"] = ["replicas": 0] }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    WorkloadRules.validateSelectorAndTemplate(object, old: old, &found)
    WorkloadRules.requireRestartAlways(object, &found)
  }
}

struct DaemonSetStrategy: ResourceStrategy {
  func applyDefaults(_ object: inout JSONValue) {
    WorkloadRules.applyTemplateDefaults(&object)
    object.change("spec") { spec in
      spec.setDefault(10, "revisionHistoryLimit")
      spec.setDefault("RollingUpdate", "updateStrategy", "type")
      if spec.textAt("updateStrategy", "type") == "RollingUpdate" {
        spec.setDefault(1, "updateStrategy", "rollingUpdate", "maxUnavailable")
        spec.setDefault(0, "updateStrategy", "rollingUpdate", "maxSurge")
      }
    }
  }

  func prepareForCreate(_ object: inout JSONValue) {
    object["status"] = [
      "currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0,
    ]
  }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    WorkloadRules.validateSelectorAndTemplate(object, old: old, &found)
    WorkloadRules.requireRestartAlways(object, &found)
  }
}

struct StatefulSetStrategy: ResourceStrategy {
  func applyDefaults(_ object: inout JSONValue) {
    WorkloadRules.applyTemplateDefaults(&object)
    object.change("spec") { spec in
      spec.setDefault(1, "replicas")
      spec.setDefault(10, "revisionHistoryLimit")
      spec.setDefault("OrderedReady", "podManagementPolicy")
      spec.setDefault("RollingUpdate", "updateStrategy", "type")
      if spec.textAt("updateStrategy", "type") == "RollingUpdate" {
        spec.setDefault(0, "updateStrategy", "rollingUpdate", "partition")
      }
      spec.setDefault("Retain", "persistentVolumeClaimRetentionPolicy", "whenDeleted")
      spec.setDefault("Retain", "persistentVolumeClaimRetentionPolicy", "whenScaled")
      spec.changeItems("volumeClaimTemplates") { claim in
        claim["apiVersion"] = "v1"
        claim["kind"] = "PersistentVolumeClaim"
        claim.change("metadata") { $0["creationTimestamp"] = nil }
        claim.change("spec") { ClaimDefaults.apply(to: &$0) }
        claim.setDefault(["phase": "Pending"], "status")
      }
    }
  }

  func prepareForCreate(_ object: inout JSONValue) { object["status"] = ["replicas": 0, "availableReplicas": 0] }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    var withClaims = object
    // Claim templates are volumes of every Pod.
    let claims: [JSONValue] = object.itemsAt("spec", "volumeClaimTemplates").map {
      ["name": .string($0.metadataName), "emptyDir": [:]]
    }
    let names = Set(claims.compactMap { $0["name"]?.stringValue })
    let own = object.itemsAt("spec", "template", "spec", "volumes").filter {
      !names.contains($0["name"]?.stringValue ?? "")
    }
    withClaims.set(.array(own + claims), at: ["spec", "template", "spec", "volumes"])
    WorkloadRules.validateSelectorAndTemplate(withClaims, old: nil, &found)
    WorkloadRules.requireRestartAlways(object, &found)
    found.oneOf("spec.podManagementPolicy", object.at("spec", "podManagementPolicy"), ["OrderedReady", "Parallel"])
    found.oneOf("spec.updateStrategy.type", object.at("spec", "updateStrategy", "type"), ["RollingUpdate", "OnDelete"])
    guard let old else { return }
    var rest = object["spec"] ?? [:]
    let before = old["spec"] ?? [:]
    for field in [
      "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
      "persistentVolumeClaimRetentionPolicy",
      "minReadySeconds",
    ] {
      rest[field] = before[field]
    }
    if rest != before {
      found.forbidden(
        "spec",
        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
          + "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden")
    }
  }
}

/// ControllerRevisions never change their data.
struct ControllerRevisionStrategy: ResourceStrategy {
  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    if let old { found.immutable("data", object["data"], old["data"]) }
  }
}
