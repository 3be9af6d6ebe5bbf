import KubernetesClient
import KubernetesModels

extension APIServer {
  /// Replaces an object or one of its subresources.
  func update(_ call: inout Call) throws -> KubernetesResponse {
    let (body, duplicates) = try ObjectReader.parse(call.request.body, contentType: call.request.header("Content-Type"))
    let reader = ObjectReader(info: call.info, validation: call.fieldValidation)
    let proposed = try reader.read(body, duplicates: duplicates, warnings: &call.warnings)
    if !proposed.metadataName.isEmpty, proposed.metadataName != call.target.name {
      throw APIStatusError.badRequest(
        "the name of the object (\(proposed.metadataName)) does not match the name on the URL (\(call.target.name))")
    }
    if call.info.isNamespaced, !proposed.metadataNamespace.isEmpty, proposed.metadataNamespace != call.target.namespace
    {
      throw APIStatusError.badRequest(
        "the namespace of the provided object does not match the namespace sent on the request")
    }
    if proposed.textAt("metadata", "resourceVersion")?.isEmpty != false, call.info.isCustom {
      var found = FieldFindings()
      found.invalid("metadata.resourceVersion", 0, "must be specified for an update")
      throw APIStatusError.invalid(call.info, call.target.name, found.errors)
    }
    let changed = try change(&call) { _, _ in proposed }
    return respond(200, changed, call)
  }

  /// Makes the wanted object of the current one; may add warnings for the client.
  typealias Transform = (_ old: JSONValue, _ warnings: inout [String]) throws -> JSONValue

  /// Reads, transforms and writes an object until nobody wrote in between.
  ///
  /// A transform that names a `resourceVersion` is bound to it: then the first collision is the caller's conflict.
  func change(
    _ call: inout Call, isApply: Bool = false, _ transform: Transform
  ) throws -> StoredObject {
    for _ in 0..<20 {
      let current = try stored(call)
      let old = call.info.present(current)
      var proposed = try transform(old, &call.warnings)
      try checkPreconditions(proposed, current, call)
      proposed = try settle(proposed, old: old, isApply: isApply, &call)
      if FieldOwnership.isSame(proposed, old) { return current }
      do {
        return try commit(proposed, over: current, &call)
      } catch StoreError.notFound {
        throw APIStatusError.notFound(call.info, call.target.name)
      } catch StoreError.conflict {
        continue
      }
    }
    throw APIStatusError.conflict(call.info, call.target.name, APIStatusError.modifiedMeanwhile)
  }

  private func checkPreconditions(_ proposed: JSONValue, _ current: StoredObject, _ call: Call) throws(APIStatusError) {
    let info = call.info
    let uid = proposed.metadataUID
    if !uid.isEmpty, uid != current.json.metadataUID {
      throw APIStatusError.conflict(
        info, call.target.name,
        "Precondition failed: UID in precondition: \(uid), UID in object meta: \(current.json.metadataUID)")
    }
    let version = proposed.textAt("metadata", "resourceVersion") ?? ""
    if !version.isEmpty, version != "0", version != String(current.revision) {
      throw APIStatusError.conflict(info, call.target.name, APIStatusError.modifiedMeanwhile)
    }
  }

  /// Turns what a client proposes into what may be stored: server-owned fields restored, rules checked, ownership
  /// recorded.
  private func settle(
    _ proposed: JSONValue, old: JSONValue, isApply: Bool, _ call: inout Call
  ) throws -> JSONValue {
    let info = call.info
    var object = proposed
    let metadata = restoredMetadata(proposed["metadata"] ?? [:], old["metadata"] ?? [:])
    object["metadata"] = metadata
    if call.target.subresource == "status" {
      object = StatusUpdate.merge(object, over: old, info)
    } else if info.hasStatus, call.target.subresource != "binding" {
      object["status"] = old["status"]
    }
    info.strategy.prepareForUpdate(&object, old: old, subresource: call.target.subresource)
    info.schema.map { $0.applyDefaults(to: &object) }
    info.strategy.applyDefaults(&object)
    object.set(generation(object, old, info), at: ["metadata", "generation"])
    if object["metadata"] != old["metadata"] || object != old {
      try admitUpdate(&object, old: old, &call)
      try Validator(info: info).check(object, old: old)
    }
    if !isApply { object = FieldOwnership.recording(object, old: old, call) }
    return object
  }

  /// Identity and life cycle of an object are the server's.
  private func restoredMetadata(_ proposed: JSONValue, _ old: JSONValue) -> JSONValue {
    var metadata = proposed
    for field in [
      "name", "namespace", "uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds",
      "generateName", "resourceVersion",
    ] {
      metadata[field] = old[field]
    }
    metadata["selfLink"] = nil
    return metadata
  }

  private func generation(_ new: JSONValue, _ old: JSONValue, _ info: ResourceInfo) -> JSONValue? {
    let before = old.intAt("metadata", "generation")
    let changed: Bool
    switch info.generation {
    case .none: return old.at("metadata", "generation")
    case .spec: changed = new["spec"] != old["spec"]
    case .content:
      func content(_ object: JSONValue) -> JSONValue {
        var object = object
        object["metadata"] = nil
        if info.hasStatus { object["status"] = nil }
        return object
      }
      changed = content(new) != content(old)
    }
    return .integer(Int64((before ?? 1) + (changed ? 1 : 0)))
  }

  /// Stores a settled object, or removes it when it was only waiting for its last finalizer.
  private func commit(_ object: JSONValue, over current: StoredObject, _ call: inout Call) throws -> StoredObject {
    let info = call.info
    if Deletion.isComplete(object, info) {
      if call.isDryRun { return StoredObject(presenting: object) }
      return try remove(current, info)
    }
    var stored = info.convertToStorage(object)
    try allocate(&stored, old: current.json, isDryRun: call.isDryRun, info)
    if call.isDryRun { return StoredObject(presenting: stored) }
    let result = try store.update(info.storage, current.name, expected: current.revision, stored)
    afterUpdate(result, old: current, info)
    return result
  }
}
