import FoundationEssentials
import KubernetesClient
import KubernetesModels

extension APIServer {
  func create(_ call: inout Call) throws -> KubernetesResponse {
    guard call.target.name.isEmpty else { throw APIStatusError.methodNotAllowed(call.info, "create") }
    let (body, duplicates) = try ObjectReader.parse(call.request.body, contentType: call.request.header("Content-Type"))
    if let version = body.textAt("metadata", "resourceVersion"), !version.isEmpty, version != "0" {
      // The real server's storage refuses it with a bare 500 as well.
      throw APIStatusError(
        code: 500, reason: "InternalError", message: "resourceVersion should not be set on objects to be created")
    }
    let object = try insert(body, duplicates: duplicates, &call)
    return respond(201, object, call)
  }

  /// Makes a new object out of a request's: everything between the body and the store.
  ///
  /// - Parameter isApplied: the object carries its managed fields already.
  func insert(
    _ body: JSONValue, duplicates: [String] = [], isApplied: Bool = false, _ call: inout Call
  ) throws -> StoredObject {
    let reader = ObjectReader(info: call.info, validation: call.fieldValidation)
    var object = try reader.read(body, duplicates: duplicates, warnings: &call.warnings)
    try claimPlace(&object, call)
    stampNew(&object, call.info)
    call.info.strategy.prepareForCreate(&object)
    let generatedFrom = object.metadataName.isEmpty ? object.textAt("metadata", "generateName") ?? "" : ""
    for attempt in 1...8 {
      if !generatedFrom.isEmpty { object.set(.string(Self.generatedName(generatedFrom)), at: ["metadata", "name"]) }
      do {
        return try commitNew(object, isApplied, &call)
      } catch let error as APIStatusError where error.reason == "AlreadyExists" && !generatedFrom.isEmpty && attempt < 8
      {
        continue
      }
    }
    throw APIStatusError.alreadyExists(call.info, object.metadataName)
  }

  private func commitNew(
    _ prepared: JSONValue, _ isApplied: Bool, _ call: inout Call
  ) throws -> StoredObject {
    let info = call.info
    var object = prepared
    let name = ObjectName(namespace: info.isNamespaced ? object.metadataNamespace : "", name: object.metadataName)
    if store.get(info.storage, name) != nil { throw APIStatusError.alreadyExists(info, name.name) }
    try admitCreate(&object, &call)
    try Validator(info: info).check(object, old: nil)
    if !isApplied { object = FieldOwnership.recording(object, old: nil, call) }
    var stored = info.convertToStorage(object)
    try allocate(&stored, old: nil, isDryRun: call.isDryRun, info)
    if call.isDryRun { return StoredObject(presenting: stored) }
    do {
      let result = try store.insert(info.storage, name, stored)
      afterCreate(result, info)
      return store.get(info.storage, name) ?? result
    } catch {
      release(stored, info)
      throw APIStatusError.alreadyExists(info, name.name)
    }
  }

  /// Namespace and name of body and path must agree.
  private func claimPlace(_ object: inout JSONValue, _ call: Call) throws(APIStatusError) {
    guard call.info.isNamespaced else {
      object.set(nil, at: ["metadata", "namespace"])
      return
    }
    let own = object.metadataNamespace
    guard own.isEmpty || own == call.target.namespace else {
      throw APIStatusError.badRequest(
        "the namespace of the provided object does not match the namespace sent on the request")
    }
    object.set(.string(call.target.namespace), at: ["metadata", "namespace"])
  }

  private func stampNew(_ object: inout JSONValue, _ info: ResourceInfo) {
    var metadata = object["metadata"] ?? [:]
    for field in ["resourceVersion", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"] {
      metadata[field] = nil
    }
    metadata["uid"] = .string(UUID().uuidString.lowercased())
    metadata["creationTimestamp"] = ServerTime.now
    if case .none = info.generation {} else { metadata["generation"] = 1 }
    object["metadata"] = metadata
    // A node registers itself together with its status; every other status starts empty.
    if info.hasStatus, info.kind != "Node" { object["status"] = nil }
    info.schema.map { $0.applyDefaults(to: &object) }
    info.strategy.applyDefaults(&object)
  }

  /// `generateName` plus five characters that spell no words (apiserver `names.SimpleNameGenerator`).
  static func generatedName(_ base: String) -> String {
    let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")
    let suffix = (0..<5).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] }
    return String(base.prefix(58)) + String(suffix)
  }
}
