import KubernetesModels

struct ClaimStrategy: ResourceStrategy {
  func applyDefaults(_ object: inout JSONValue) {
    object.change("spec") { ClaimDefaults.apply(to: &$0) }
  }

  func prepareForCreate(_ object: inout JSONValue) { object["status"] = ["phase": "Pending"] }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    let spec = object["spec"] ?? [:]
    if spec.itemsAt("accessModes").isEmpty { found.required("spec.accessModes", "at least 1 access mode is required") }
    for mode in spec.itemsAt("accessModes") {
      found.oneOf("spec.accessModes", mode, ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"])
    }
    let size = spec.at("resources", "requests", "storage")
    if let size {
      PodRules.checkQuantity(size, "spec.resources[storage]", &found)
      if PodRules.quantity(size)?.isZero == true {
        found.invalid("spec.resources[storage]", size, "must be greater than zero")
      }
    } else {
      found.required("spec.resources[storage]")
    }
    guard let old else { return }
    var rest = spec
    let before = old["spec"] ?? [:]
    rest["resources"] = before["resources"]
    if before.textAt("volumeName")?.isEmpty != false { rest["volumeName"] = before["volumeName"] }
    if before["storageClassName"] == nil { rest["storageClassName"] = nil }
    rest["volumeAttributesClassName"] = before["volumeAttributesClassName"]
    if rest != before {
      found.forbidden(
        "spec",
        "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims")
    }
    if let size, let wanted = PodRules.quantity(size),
      let held = before.at("resources", "requests", "storage").flatMap(PodRules.quantity), wanted < held
    {
      found.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")
    }
  }
}

struct VolumeStrategy: ResourceStrategy {
  func applyDefaults(_ object: inout JSONValue) {
    object.change("spec") { spec in
      spec.setDefault("Retain", "persistentVolumeReclaimPolicy")
      spec.setDefault("Filesystem", "volumeMode")
    }
  }

  func prepareForCreate(_ object: inout JSONValue) { object["status"] = ["phase": "Pending"] }
}

struct StorageClassStrategy: ResourceStrategy {
  func applyDefaults(_ object: inout JSONValue) {
    object.setDefault("Delete", "reclaimPolicy")
    object.setDefault("Immediate", "volumeBindingMode")
  }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    if object.textAt("provisioner")?.isEmpty != false { found.required("provisioner") }
    guard let old else { return }
    for field in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] where object[field] != old[field] {
      found.forbidden(field, "updates to \(field) are forbidden.")
    }
  }
}
