import KubernetesModels

/// Puts together what is wrong with an object: metadata, schema, the kind's own rules.
struct Validator: Sendable {
  let info: ResourceInfo

  /// - Throws: 400 when a built-in kind has a value of the wrong type (a Go decoder refuses it), else 422 with every
  ///   finding.
  func check(_ object: JSONValue, old: JSONValue?) throws(APIStatusError) {
    var found = FieldFindings()
    metadata(object, old: old, &found)
    if let schema = info.schema {
      let errors = schema.validate(object, old: old)
      if !info.isCustom, let wrong = errors.first(where: { $0.reason == .typeInvalid }) {
        throw APIStatusError.badRequest(
          "\(info.kind) in version \"\(info.version)\" cannot be handled as a \(info.kind): \(wrong.path): \(wrong.message)"
        )
      }
      found.add(errors)
    }
    info.strategy.validate(object, old: old, &found)
    if !found.errors.isEmpty { throw APIStatusError.invalid(info, object.metadataName, found.errors) }
  }

  private func metadata(_ object: JSONValue, old: JSONValue?, _ found: inout FieldFindings) {
    let name = object.metadataName
    if name.isEmpty {
      found.required("metadata.name", "name or generateName is required")
    } else if let why = info.strategy.nameError(name) {
      found.invalid("metadata.name", .string(name), why)
    }
    for (key, value) in object.metadataLabels.sorted(by: { $0.key < $1.key }) {
      if let why = NameRules.qualifiedNameError(key) { found.invalid("metadata.labels", .string(key), why) }
      if let why = NameRules.labelValueError(value.stringValue ?? "") { found.invalid("metadata.labels", value, why) }
    }
    var size = 0
    for (key, value) in object.mapAt("metadata", "annotations") {
      size += key.utf8.count + (value.stringValue?.utf8.count ?? 0)
      if let why = NameRules.qualifiedNameError(key.lowercased()) {
        found.invalid("metadata.annotations", .string(key), why)
      }
    }
    if size > 256 << 10 { found.tooLong("metadata.annotations", limit: 256 << 10) }
    for (index, finalizer) in object.finalizers.enumerated() {
      if let why = NameRules.qualifiedNameError(finalizer) {
        found.invalid("metadata.finalizers[\(index)]", .string(finalizer), why)
      }
    }
    if let old, old.isDeleting {
      let added = object.finalizers.filter { !old.finalizers.contains($0) }
      if !added.isEmpty {
        found.forbidden(
          "metadata.finalizers",
          "no new finalizers can be added if the object is being deleted, found new finalizers [\(added.joined(separator: " "))]"
        )
      }
    }
    owners(object, &found)
  }

  private func owners(_ object: JSONValue, _ found: inout FieldFindings) {
    var controllers = 0
    for (index, owner) in object.itemsAt("metadata", "ownerReferences").enumerated() {
      for field in ["apiVersion", "kind", "name", "uid"] where owner[field]?.stringValue?.isEmpty != false {
        found.invalid("metadata.ownerReferences[\(index)].\(field)", owner[field] ?? "", "must not be empty")
      }
      if owner.boolAt("controller") { controllers += 1 }
    }
    if controllers > 1 {
      found.invalid(
        "metadata.ownerReferences", object.at("metadata", "ownerReferences"),
        "Only one reference can have Controller set to true. Found \"true\" in \(controllers) references")
    }
  }
}
