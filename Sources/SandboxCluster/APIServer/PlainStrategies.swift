import FoundationEssentials
import KubernetesModels

struct NamespaceStrategy: ResourceStrategy {
  func nameError(_ name: String) -> String? { NameRules.labelError(name) }

  func prepareForCreate(_ object: inout JSONValue) {
    object["spec"] = ["finalizers": ["kubernetes"]]
    object["status"] = ["phase": "Active"]
    object.set(.string(object.metadataName), at: ["metadata", "labels", "kubernetes.io/metadata.name"])
  }

  /// Only `/finalize` changes the finalizers.
  func prepareForUpdate(_ object: inout JSONValue, old: JSONValue, subresource: String) {
    if subresource != "finalize" { object["spec"] = old["spec"] }
    object.set(.string(object.metadataName), at: ["metadata", "labels", "kubernetes.io/metadata.name"])
  }
}

struct ConfigMapStrategy: ResourceStrategy {
  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    var size = 0
    for field in ["data", "binaryData"] {
      for (key, value) in object.mapAt(field).sorted(by: { $0.key < $1.key }) {
        size += value.stringValue?.utf8.count ?? 0
        if let why = NameRules.configMapKeyError(key) { found.invalid("\(field)[\(key)]", .string(key), why) }
        if field == "binaryData", object.at("data", key) != nil {
          found.invalid("binaryData[\(key)]", .string(key), "duplicate of key present in data")
        }
      }
    }
    if size > 1 << 20 { found.tooLong("data", limit: 1 << 20) }
    Immutability.check(object, old: old, fields: ["data", "binaryData"], &found)
  }
}

struct SecretStrategy: ResourceStrategy {
  /// Keys that a type cannot do without (core `SecretType`).
  private static let requiredKeys: [String: [String]] = [
    "kubernetes.io/tls": ["tls.crt", "tls.key"], "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
    "kubernetes.io/dockercfg": [".dockercfg"], "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  ]

  /// `stringData` is only a way of writing `data`.
  func applyDefaults(_ object: inout JSONValue) {
    object.setDefault("Opaque", "type")
    guard let texts = object["stringData"]?.objectValue else { return }
    for (key, text) in texts {
      let encoded = Data((text.stringValue ?? "").utf8).base64EncodedString()
      object.set(.string(encoded), at: ["data", key])
    }
    object["stringData"] = nil
  }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    var size = 0
    for (key, value) in object.mapAt("data").sorted(by: { $0.key < $1.key }) {
      if let why = NameRules.configMapKeyError(key) { found.invalid("data[\(key)]", .string(key), why) }
      guard let decoded = Data(base64Encoded: value.stringValue ?? "") else {
        found.invalid("data[\(key)]", "<redacted>", "illegal base64 data")
        continue
      }
      size += decoded.count
    }
    if size > 1 << 20 { found.tooLong("data", limit: 1 << 20) }
    let type = object.textAt("type") ?? ""
    for key in Self.requiredKeys[type] ?? [] where object.at("data", key) == nil { found.required("data[\(key)]") }
    if type == "kubernetes.io/basic-auth", object.at("data", "username") == nil, object.at("data", "password") == nil {
      found.required("data[username]")
      found.required("data[password]")
    }
    if let old { found.immutable("type", object["type"], old["type"]) }
    Immutability.check(object, old: old, fields: ["data"], &found)
  }
}

/// The `immutable` switch of ConfigMaps and Secrets: once on, for ever on.
enum Immutability {
  static func check(_ object: JSONValue, old: JSONValue?, fields: [String], _ found: inout FieldFindings) {
    guard let old, old.boolAt("immutable") else { return }
    if !object.boolAt("immutable") { found.forbidden("immutable", "field is immutable when `immutable` is set") }
    for field in fields where object[field] != old[field] {
      found.forbidden(field, "field is immutable when `immutable` is set")
    }
  }
}

struct EventStrategy: ResourceStrategy {
  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    let field = object.textAt("apiVersion") == "v1" ? "involvedObject" : "regarding"
    let namespace = object.textAt(field, "namespace") ?? ""
    // Events about cluster-scoped objects live in the namespace default.
    if namespace.isEmpty
      ? object.metadataNamespace != "default" && object.metadataNamespace != "kube-system"
      : namespace != object.metadataNamespace
    {
      found.invalid("\(field).namespace", .string(namespace), "does not match event.namespace")
    }
  }
}

/// RBAC objects are named freely, even with colons.
struct RBACStrategy: ResourceStrategy {
  func nameError(_ name: String) -> String? { NameRules.pathSegmentError(name) }

  func applyDefaults(_ object: inout JSONValue) {
    object.change("roleRef") { $0.setDefault(.string(Authorizer.group), "apiGroup") }
    object.changeItems("subjects") { subject in
      guard subject["apiGroup"] == nil, ["User", "Group"].contains(subject.textAt("kind")) else { return }
      subject["apiGroup"] = .string(Authorizer.group)
    }
  }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    for (index, rule) in object.itemsAt("rules").enumerated() {
      let place = "rules[\(index)]"
      if rule.itemsAt("verbs").isEmpty { found.required("\(place).verbs", "verbs must contain at least one value") }
      if !rule.itemsAt("nonResourceURLs").isEmpty {
        if object.textAt("kind") == "Role" {
          found.invalid(
            "\(place).nonResourceURLs", rule["nonResourceURLs"], "namespaced rules cannot apply to non-resource URLs")
        }
        continue
      }
      if rule.itemsAt("apiGroups").isEmpty {
        found.required("\(place).apiGroups", "resource rules must supply at least one api group")
      }
      if rule.itemsAt("resources").isEmpty {
        found.required("\(place).resources", "resource rules must supply at least one resource")
      }
    }
    guard object.textAt("kind")?.hasSuffix("Binding") == true else { return }
    found.oneOf("roleRef.kind", object.at("roleRef", "kind"), ["ClusterRole", "Role"])
    if object.textAt("roleRef", "name")?.isEmpty != false { found.required("roleRef.name") }
    for (index, subject) in object.itemsAt("subjects").enumerated() {
      let place = "subjects[\(index)]"
      found.oneOf("\(place).kind", subject["kind"], ["ServiceAccount", "User", "Group"])
      if subject.textAt("name")?.isEmpty != false { found.required("\(place).name") }
      if subject.textAt("kind") == "ServiceAccount", subject.textAt("namespace")?.isEmpty != false {
        found.required("\(place).namespace")
      }
    }
    if let old, old["roleRef"] != object["roleRef"] {
      found.invalid("roleRef", object["roleRef"], "cannot change roleRef")
    }
  }
}

struct LeaseStrategy: ResourceStrategy {
  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    if let seconds = object.intAt("spec", "leaseDurationSeconds"), seconds <= 0 {
      found.invalid("spec.leaseDurationSeconds", .integer(Int64(seconds)), "must be greater than 0")
    }
    if let count = object.intAt("spec", "leaseTransitions"), count < 0 {
      found.invalid("spec.leaseTransitions", .integer(Int64(count)), "must be greater than or equal to 0")
    }
  }
}

struct DisruptionBudgetStrategy: ResourceStrategy {
  func prepareForCreate(_ object: inout JSONValue) {
    object["status"] = ["currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0]
  }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    let (minimum, maximum) = (object.at("spec", "minAvailable"), object.at("spec", "maxUnavailable"))
    if minimum != nil, maximum != nil {
      found.invalid("spec", object["spec"], "minAvailable and maxUnavailable cannot be both set")
    }
    WorkloadRules.checkAmount(minimum, "spec.minAvailable", &found)
    WorkloadRules.checkAmount(maximum, "spec.maxUnavailable", &found)
  }
}

struct AutoscalerStrategy: ResourceStrategy {
  func applyDefaults(_ object: inout JSONValue) {
    object.change("spec") { spec in
      spec.setDefault(1, "minReplicas")
      spec.setDefault(
        [
          [
            "type": "Resource",
            "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": 80]],
          ]
        ], "metrics")
      guard spec["behavior"] != nil else { return }
      spec.setDefault(
        [
          "stabilizationWindowSeconds": 0, "selectPolicy": "Max",
          "policies": [
            ["type": "Pods", "value": 4, "periodSeconds": 15], ["type": "Percent", "value": 100, "periodSeconds": 15],
          ],
        ], "behavior", "scaleUp")
      spec.setDefault(
        ["selectPolicy": "Max", "policies": [["type": "Percent", "value": 100, "periodSeconds": 15]]], "behavior",
        "scaleDown")
      for direction in ["scaleUp", "scaleDown"] { spec.setDefault("Max", "behavior", direction, "selectPolicy") }
    }
  }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    let low = object.intAt("spec", "minReplicas") ?? 1
    let high = object.intAt("spec", "maxReplicas") ?? 0
    if high < 1 { found.invalid("spec.maxReplicas", .integer(Int64(high)), "must be greater than 0") }
    if low < 1 { found.invalid("spec.minReplicas", .integer(Int64(low)), "must be greater than or equal to 1") }
    if high < low {
      found.invalid("spec.maxReplicas", .integer(Int64(high)), "must be greater than or equal to `minReplicas`")
    }
    for field in ["kind", "name"] where object.textAt("spec", "scaleTargetRef", field)?.isEmpty != false {
      found.required("spec.scaleTargetRef.\(field)")
    }
    for (index, metric) in object.itemsAt("spec", "metrics").enumerated() {
      let kinds = ["Resource", "ContainerResource", "Pods", "Object", "External"]
      found.oneOf("spec.metrics[\(index)].type", metric["type"], kinds)
    }
  }
}

/// The older version shows the same objects; what it can't say is checked where they are stored.
struct AutoscalerV1Strategy: ResourceStrategy {
  func applyDefaults(_ object: inout JSONValue) {
    object.change("spec") { spec in
      spec.setDefault(1, "minReplicas")
      spec.setDefault(80, "targetCPUUtilizationPercentage")
    }
  }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    AutoscalerStrategy().validate(object, old: old, &found)
  }
}
