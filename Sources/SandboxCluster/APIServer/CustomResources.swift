import KubernetesModels

/// Turns CustomResourceDefinitions into served resources (apiextensions.k8s.io/v1).
enum CustomResources {
  static let finalizer = "customresourcecleanup.apiextensions.k8s.io"

  static func storage(_ definition: JSONValue) -> StorageKey {
    StorageKey(
      group: definition.textAt("spec", "group") ?? "", plural: definition.textAt("spec", "names", "plural") ?? "")
  }

  /// Fills in names and conditions, so that a definition is established the moment it is stored.
  static func admit(_ definition: inout JSONValue, old: JSONValue?, _ registry: ResourceRegistry) throws(APIStatusError)
  {
    let names = definition.at("spec", "names") ?? [:]
    let now = ServerTime.now
    let kind = names.textAt("kind") ?? ""
    let taken = registry.all.first {
      $0.group == definition.textAt("spec", "group") && $0.kind == kind && $0.storage != storage(definition)
    }
    var conditions: [JSONValue] = [
      condition(
        "NamesAccepted", taken == nil, taken == nil ? "NoConflicts" : "KindConflict",
        taken.map { "\"\(kind)\" is already in use by \($0.plural)" } ?? "no conflicts found", now)
    ]
    if taken == nil {
      conditions.append(
        condition("Established", true, "InitialNamesAccepted", "the initial names have been accepted", now))
    }
    let kept = old?.itemsAt("status", "conditions") ?? []
    conditions = conditions.map { fresh in
      kept.first { $0["type"] == fresh["type"] && $0["status"] == fresh["status"] } ?? fresh
    }
    if definition.isDeleting {
      conditions.append(
        condition("Terminating", true, "InstanceDeletionInProgress", "CustomResource deletion is in progress", now))
    }
    let stored = definition.itemsAt("spec", "versions").first { $0.boolAt("storage") }?["name"]
    definition["status"] = [
      "acceptedNames": names, "conditions": .array(conditions), "storedVersions": .array([stored].compactMap { $0 }),
    ]
    if old == nil, !definition.finalizers.contains(finalizer) {
      definition.setFinalizers(definition.finalizers + [finalizer])
    }
  }

  private static func condition(_ type: String, _ status: Bool, _ reason: String, _ message: String, _ now: JSONValue)
    -> JSONValue
  {
    [
      "type": .string(type), "status": status ? "True" : "False", "reason": .string(reason),
      "message": .string(message),
      "lastTransitionTime": now,
    ]
  }

  static func publish(_ definition: JSONValue, _ registry: ResourceRegistry) {
    let key = storage(definition)
    registry.replaceCustom(group: key.group, plural: key.plural, with: infos(definition))
  }

  static func unpublish(_ definition: JSONValue, _ registry: ResourceRegistry) {
    let key = storage(definition)
    registry.replaceCustom(group: key.group, plural: key.plural, with: [])
  }

  /// The resource in each served version.
  static func infos(_ definition: JSONValue) -> [ResourceInfo] {
    let spec = definition["spec"] ?? [:]
    let names = spec["names"] ?? [:]
    let key = storage(definition)
    let stored = spec.itemsAt("versions").first { $0.boolAt("storage") }?.textAt("name") ?? ""
    return spec.itemsAt("versions").filter { $0.boolAt("served") }.map { version in
      let name = version.textAt("name") ?? ""
      var info = ResourceInfo(
        group: key.group, version: name, kind: names.textAt("kind") ?? "", plural: key.plural,
        singular: names.textAt("singular") ?? "", isNamespaced: spec.textAt("scope") == "Namespaced", storage: key,
        storedAPIVersion: "\(key.group)/\(stored)")
      info.shortNames = names.itemsAt("shortNames").compactMap(\.stringValue)
      info.categories = names.itemsAt("categories").compactMap(\.stringValue)
      info.conversion = name == stored ? .none : .apiVersion
      info.generation = .content
      info.isCustom = true
      info.hasStatus = version.at("subresources", "status") != nil
      info.scale = version.at("subresources", "scale").map(scalePaths)
      let schema =
        version.at("schema", "openAPIV3Schema") ?? ["type": "object", "x-kubernetes-preserve-unknown-fields": true]
      info.openAPISchema = schema
      info.schema = StructuralSchema(openAPIV3: schema)
      info.definitionRevision = definition.textAt("metadata", "resourceVersion") ?? ""
      info.columns = CustomColumns.columns(version)
      for field in version.itemsAt("selectableFields") {
        if let path = field.textAt("jsonPath") { info.selectableFields.insert(String(path.drop { $0 == "." })) }
      }
      return info
    }
  }

  private static func scalePaths(_ scale: JSONValue) -> ScalePaths {
    func path(_ field: String) -> [String]? {
      scale.textAt(field)?.split(separator: ".").map(String.init)
    }
    return ScalePaths(
      specReplicas: path("specReplicasPath") ?? ["spec", "replicas"],
      statusReplicas: path("statusReplicasPath") ?? ["status", "replicas"], selector: path("labelSelectorPath"))
  }
}

struct DefinitionStrategy: ResourceStrategy {
  func applyDefaults(_ object: inout JSONValue) {
    object.change("spec") { spec in
      spec.setDefault("None", "conversion", "strategy")
      spec.change("names") { names in
        let kind = names.textAt("kind") ?? ""
        names.setDefault(.string(kind.lowercased()), "singular")
        names.setDefault(.string("\(kind)List"), "listKind")
      }
    }
  }

  func validate(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    let spec = object["spec"] ?? [:]
    let group = spec.textAt("group") ?? ""
    let plural = spec.textAt("names", "plural") ?? ""
    if object.metadataName != "\(plural).\(group)" {
      found.invalid("metadata.name", .string(object.metadataName), "must be spec.names.plural+\".\"+spec.group")
    }
    found.oneOf("spec.scope", spec["scope"], ["Cluster", "Namespaced"])
    let versions = spec.itemsAt("versions")
    if versions.filter({ $0.boolAt("storage") }).count != 1 {
      found.invalid("spec.versions", spec["versions"] ?? [], "must have exactly one version marked as storage version")
    }
    for (index, version) in versions.enumerated() {
      let place = "spec.versions[\(index)]"
      guard let schema = version.at("schema", "openAPIV3Schema") else {
        found.required("\(place).schema.openAPIV3Schema", "schemas are required")
        continue
      }
      if schema.textAt("type") != "object" {
        found.invalid("\(place).schema.openAPIV3Schema.type", schema["type"], "must be object at the root")
      }
      let structure = StructuralSchema(openAPIV3: schema)
      for error in structure.structureErrors() + structure.ruleErrors() {
        var placed = error
        placed.path = "\(place).schema.\(error.path)"
        found.add([placed])
      }
    }
    guard let old else { return }
    found.immutable("spec.group", spec["group"], old.at("spec", "group"))
    found.immutable("spec.scope", spec["scope"], old.at("spec", "scope"))
    found.immutable("spec.names.kind", spec.at("names", "kind"), old.at("spec", "names", "kind"))
    found.immutable("spec.names.plural", spec.at("names", "plural"), old.at("spec", "names", "plural"))
  }
}
