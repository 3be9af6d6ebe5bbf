import KubernetesClient
import KubernetesModels

extension APIServer {
  func delete(_ call: inout Call) throws -> KubernetesResponse {
    let options = try deleteOptions(&call)
    let (object, isGone) = try delete(named: call.objectName, options, call)
    guard isGone else { return respond(200, object, call) }
    return .json(200, Self.success(object.json, call.info))
  }

  /// Deletes what a list would show, object by object.
  func deleteCollection(_ call: inout Call) throws -> KubernetesResponse {
    let options = try deleteOptions(&call)
    let filter = try ReadFilter(call)
    let objects = store.list(call.info.storage, namespace: filter.namespace).objects
    var items: [JSONValue] = []
    for object in objects where filter.matches(object, call.info) {
      do {
        items.append(call.info.present(try delete(named: object.name, options, call).object))
      } catch let error as APIStatusError where error.code == 404 {
        continue  // Somebody else deleted it in the meantime.
      }
    }
    return .json(
      200,
      [
        "kind": .string(call.info.listKind), "apiVersion": .string(call.info.apiVersion),
        "metadata": ["resourceVersion": .string(String(store.revision))], "items": .array(items),
      ])
  }

  /// Deletes one object as far as its finalizers and its grace period allow.
  ///
  /// - Returns: its last state, and whether it is gone.
  func delete(
    named name: ObjectName, _ options: Deletion.Options, _ call: Call
  ) throws -> (object: StoredObject, isGone: Bool) {
    let info = call.info
    for _ in 0..<20 {
      guard let current = store.get(info.storage, name) else { throw APIStatusError.notFound(info, name.name) }
      try check(options, current, info)
      try admitDelete(current, call)
      do {
        switch Deletion.decide(current.json, info, options) {
        case .remove:
          if call.isDryRun { return (current, true) }
          return (try remove(current, info), true)
        case .mark(let marked):
          if call.isDryRun { return (StoredObject(presenting: marked), false) }
          if marked == current.json { return (current, false) }
          let result = try store.update(info.storage, name, expected: current.revision, marked)
          afterUpdate(result, old: current, info)
          return (result, false)
        }
      } catch StoreError.conflict {
        continue
      } catch StoreError.notFound {
        throw APIStatusError.notFound(info, name.name)
      }
    }
    throw APIStatusError.conflict(info, name.name, APIStatusError.modifiedMeanwhile)
  }

  /// Takes an object out of the store for good.
  func remove(_ object: StoredObject, _ info: ResourceInfo) throws(StoreError) -> StoredObject {
    let last = try store.remove(info.storage, object.name, expected: object.revision)
    release(last.json, info)
    afterRemove(last, info)
    return last
  }

  private func check(_ options: Deletion.Options, _ current: StoredObject, _ info: ResourceInfo) throws(APIStatusError)
  {
    if let uid = options.uid, uid != current.json.metadataUID {
      throw APIStatusError.conflict(
        info, current.name.name,
        "Precondition failed: UID in precondition: \(uid), UID in object meta: \(current.json.metadataUID)")
    }
    if let version = options.resourceVersion, version != String(current.revision) {
      throw APIStatusError.conflict(
        info, current.name.name,
        "Precondition failed: ResourceVersion in precondition: \(version), ResourceVersion in object meta: \(current.revision)"
      )
    }
  }

  /// DeleteOptions come in the body, in the query, or both; the body wins.
  func deleteOptions(_ call: inout Call) throws(APIStatusError) -> Deletion.Options {
    var options = Deletion.Options()
    options.gracePeriod = try call.number("gracePeriodSeconds")
    options.propagation = call.text("propagationPolicy")
    if call.flag("orphanDependents") { options.propagation = "Orphan" }
    if let body = call.request.body, !body.isEmpty {
      let (json, _) = try ObjectReader.parse(body, contentType: call.request.header("Content-Type"))
      options.merge(json)
      if !json.itemsAt("dryRun").isEmpty { call = call.asDryRun() }
    }
    if let policy = options.propagation, !["Background", "Foreground", "Orphan"].contains(policy) {
      throw APIStatusError.badRequest(
        "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"\(policy)\": supported values: "
          + "\"Foreground\", \"Background\", \"Orphan\", \"nil\"")
    }
    return options
  }

  static func success(_ object: JSONValue, _ info: ResourceInfo) -> JSONValue {
    var details: JSONValue = [
      "name": .string(object.metadataName), "kind": .string(info.plural), "uid": .string(object.metadataUID),
    ]
    if !info.group.isEmpty { details["group"] = .string(info.group) }
    return ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "details": details]
  }
}

extension Deletion.Options {
  mutating func merge(_ json: JSONValue) {
    gracePeriod = json.intAt("gracePeriodSeconds") ?? gracePeriod
    propagation = json.textAt("propagationPolicy") ?? propagation
    if let orphan = json.at("orphanDependents")?.boolValue, propagation == nil {
      propagation = orphan ? "Orphan" : "Background"
    }
    uid = json.textAt("preconditions", "uid") ?? uid
    resourceVersion = json.textAt("preconditions", "resourceVersion") ?? resourceVersion
  }
}
