import KubernetesClient
import KubernetesModels

extension APIServer {
  /// Changes an object by one of the four patch types.
  func patch(_ call: inout Call) throws -> KubernetesResponse {
    let media = call.request.header("Content-Type")?.split(separator: ";").first.map { trimmed(String($0)) } ?? ""
    if media == "application/apply-patch+yaml" { return try apply(&call) }
    let transform = try patchTransform(media, call)
    do {
      return respond(200, try change(&call, transform), call)
    } catch let error as APIStatusError where error.isMisfit && !media.hasPrefix("application/strategic") {
      throw Self.invalidPatch(call.info, call.target.name, error.message)
    }
  }

  /// What a patch does to an object, in the version's own form.
  func patchTransform(_ media: String, _ call: Call) throws(APIStatusError) -> Transform {
    guard let body = call.request.body, let patch = try? JSONValue(parsing: body) else {
      throw APIStatusError.badRequest("error decoding patch: the body is not valid JSON")
    }
    let info = call.info
    let accepted = ["application/json-patch+json", "application/merge-patch+json"]
    let merge: (JSONValue) throws -> JSONValue
    switch media {
    case "application/json-patch+json":
      guard let operations = patch.arrayValue else {
        throw APIStatusError.badRequest("error decoding patch: json: cannot unmarshal object into a list of operations")
      }
      merge = { try Patching.json(operations, to: $0) }
    case "application/merge-patch+json":
      merge = { Patching.merge(patch, to: $0) }
    case "application/strategic-merge-patch+json" where !info.isCustom:
      merge = { try Patching.strategicMerge(patch, to: $0, schema: info.schema) }
    default:
      throw APIStatusError.unsupportedMediaType(
        media, accepted: info.isCustom ? accepted : accepted + ["application/strategic-merge-patch+json"])
    }
    let name = call.target.name
    let validation = call.fieldValidation
    return { old, warnings in
      do {
        let patched = try merge(old)
        try Self.checkIdentity(patched, old, info)
        return try ObjectReader(info: info, validation: validation).read(patched, warnings: &warnings)
      } catch let error as PatchError {
        switch error.kind {
        case .malformed: throw APIStatusError.badRequest(error.message)
        case .tooLarge:
          throw APIStatusError(code: 413, reason: "RequestEntityTooLarge", message: error.message)
        case .inapplicable:
          throw APIStatusError(
            code: 422, reason: "Invalid",
            message: "the server rejected our request due to an error in our request: \(error.message)",
            details: ["name": .string(name), "kind": .string(info.plural)])
        }
      }
    }
  }

  /// What cannot be read is the body's fault in a create, and the patch's here.
  private static func invalidPatch(_ info: ResourceInfo, _ name: String, _ why: String) -> APIStatusError {
    .invalid(info, name, [FieldError(path: "patch", reason: .invalid, detail: why)])
  }

  /// A patch changes an object, it does not make another one of it.
  private static func checkIdentity(
    _ patched: JSONValue, _ old: JSONValue, _ info: ResourceInfo
  ) throws(APIStatusError) {
    if patched.metadataName != old.metadataName {
      throw APIStatusError.badRequest(
        "the name of the object (\(patched.metadataName)) does not match the name on the URL (\(old.metadataName))")
    }
    if !patched.metadataUID.isEmpty, patched.metadataUID != old.metadataUID {
      let problem = FieldError(
        path: "metadata.uid", reason: .invalid, value: "\"\(patched.metadataUID)\"", detail: "field is immutable")
      throw APIStatusError.invalid(info, old.metadataName, [problem])
    }
  }

  /// Server-side apply: creates the object if it is not there.
  private func apply(_ call: inout Call) throws -> KubernetesResponse {
    guard call.request.value("fieldManager")?.isEmpty == false else {
      throw APIStatusError(
        code: 422, reason: "Invalid",
        message: "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
        details: ["group": "meta.k8s.io", "kind": "PatchOptions"])
    }
    let (body, duplicates) = try ObjectReader.parse(call.request.body, contentType: call.request.header("Content-Type"))
    let applied = try readApplied(body, duplicates, &call)
    let force = call.flag("force")
    if store.get(call.info.storage, call.objectName) == nil {
      guard call.target.subresource.isEmpty else { throw APIStatusError.notFound(call.info, call.target.name) }
      guard applied.metadataUID.isEmpty else {
        throw APIStatusError.conflict(
          call.info, call.target.name,
          "uid mismatch: the provided object specified uid \(applied.metadataUID), and no existing object was found")
      }
      do {
        let created = try insert(try merge(applied, live: nil, force, call), isApplied: true, &call)
        return respond(201, created, call)
      } catch let error as APIStatusError where error.reason == "AlreadyExists" {
        // Somebody else was faster: go on as with any object that is there.
      }
    }
    let snapshot = call
    let changed = try change(&call, isApply: true) { old, _ in
      try self.merge(applied, live: old, force, snapshot)
    }
    return respond(200, changed, call)
  }

  /// Checks an apply configuration without filling in defaults: only what it names becomes owned.
  private func readApplied(_ body: JSONValue, _ duplicates: [String], _ call: inout Call) throws(APIStatusError)
    -> JSONValue
  {
    var applied = body
    for (field, wanted) in [("kind", call.info.kind), ("apiVersion", call.info.apiVersion)]
    where applied[field]?.stringValue != wanted {
      throw APIStatusError.badRequest(
        "invalid object type: \(field) is \"\(applied[field]?.stringValue ?? "")\", must be \"\(wanted)\"")
    }
    if applied.at("metadata", "managedFields")?.arrayValue?.isEmpty == false {
      throw APIStatusError.badRequest("metadata.managedFields must be nil")
    }
    if !applied.metadataName.isEmpty, applied.metadataName != call.target.name {
      throw APIStatusError.badRequest(
        "the name of the object (\(applied.metadataName)) does not match the name on the URL (\(call.target.name))")
    }
    if call.info.isNamespaced, !applied.metadataNamespace.isEmpty, applied.metadataNamespace != call.target.namespace {
      throw APIStatusError.badRequest(
        "the namespace of the provided object does not match the namespace sent on the request")
    }
    let problems =
      duplicates.map { "duplicate field \"\($0)\"" }
      + (call.info.schema?.prune(&applied) ?? []).map { "unknown field \"\($0)\"" }
    if !problems.isEmpty {
      switch call.fieldValidation {
      case .ignore: break
      case .warn: call.warnings += problems
      case .strict:
        throw APIStatusError.badRequest(
          "failed to create typed patch object: strict decoding error: \(problems.joined(separator: ", "))")
      }
    }
    if call.target.subresource == "status" {
      applied = .object((applied.objectValue ?? [:]).filter { $0.key != "spec" })
    } else if call.info.hasStatus {
      applied["status"] = nil
    }
    applied.set(.string(call.target.name), at: ["metadata", "name"])
    if call.info.isNamespaced { applied.set(.string(call.target.namespace), at: ["metadata", "namespace"]) }
    return applied
  }

  private func merge(_ applied: JSONValue, live: JSONValue?, _ force: Bool, _ call: Call) throws(APIStatusError)
    -> JSONValue
  {
    do throws(ApplyConflict) {
      return try ServerSideApply.apply(
        live: live, applied: applied, manager: call.fieldManager, force: force, schema: call.info.schema,
        apiVersion: call.info.apiVersion, subresource: call.target.subresource.isEmpty ? nil : call.target.subresource,
        now: .now)
    } catch {
      throw APIStatusError.applyConflict(error)
    }
  }
}

extension APIStatusError {
  /// A built-in kind that a Go decoder could not read.
  fileprivate var isMisfit: Bool {
    code == 400 && (message.contains("cannot be handled as a") || message.contains("is unrecognized (must be of type"))
  }
}
