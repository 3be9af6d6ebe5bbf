import FoundationEssentials
import KubernetesClient
import KubernetesModels

/// Which objects a list or a watch is about.
struct ReadFilter: Sendable {
  var namespace: String?
  var labels: LabelSelector
  var fields: FieldSelector

  init(_ call: Call) throws(APIStatusError) {
    namespace = call.info.isNamespaced && !call.target.namespace.isEmpty ? call.target.namespace : nil
    labels = try LabelSelector(parsing: call.text("labelSelector") ?? "")
    fields = FieldSelector()
    if let text = call.text("fieldSelector") { fields = try FieldSelector(parsing: text, for: call.info) }
  }

  var selectsAll: Bool { labels.isEmpty && fields.isEmpty }

  func matches(_ object: StoredObject, _ info: ResourceInfo) -> Bool {
    if let namespace, object.name.namespace != namespace { return false }
    if selectsAll { return true }
    return labels.matches(object: object.json) && (fields.isEmpty || fields.matches(info.present(object)))
  }
}

/// Where the next page of a list starts, and which revision all its pages show.
struct ContinueToken: Sendable, Equatable {
  var revision: UInt64
  var after: ObjectName

  var text: String {
    Data("\(revision)\n\(after.namespace)\n\(after.name)".utf8).base64EncodedString()
  }

  init(revision: UInt64, after: ObjectName) {
    self.revision = revision
    self.after = after
  }

  init(parsing text: String) throws(APIStatusError) {
    let parts = Data(base64Encoded: text).map { String(decoding: $0, as: UTF8.self) }?
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard let parts, parts.count == 3, let revision = UInt64(parts[0]) else {
      throw APIStatusError.badRequest("continue key is not valid: it was not made by this server")
    }
    self.init(revision: revision, after: ObjectName(namespace: parts[1], name: parts[2]))
  }
}

extension APIServer {
  func stored(_ call: Call) throws(APIStatusError) -> StoredObject {
    guard let object = store.get(call.info.storage, call.objectName) else {
      throw APIStatusError.notFound(call.info, call.target.name)
    }
    return object
  }

  func get(_ call: Call) throws -> KubernetesResponse {
    let object = try stored(call)
    return respond(200, object, call)
  }

  /// One object in the form that the client asked for.
  func respond(_ status: Int, _ object: StoredObject, _ call: Call) -> KubernetesResponse {
    switch call.form {
    case .table:
      .json(status, Table(call.info, include: call.text("includeObject")).document([call.info.present(object)]))
    case .partialMetadata: .json(status, partialMetadata(call.info.present(object)))
    default: .json(status, bytes: call.info.bytes(object))
    }
  }

  /// The same for an object that is not stored (dry run).
  func respond(_ status: Int, _ json: JSONValue, _ call: Call) -> KubernetesResponse {
    respond(status, StoredObject(presenting: json), call)
  }

  func list(_ call: Call) throws -> KubernetesResponse {
    let filter = try ReadFilter(call)
    let page = try page(call, filter)
    var metadata: JSONValue = ["resourceVersion": .string(String(page.revision))]
    if let next = page.next {
      metadata["continue"] = .string(next.text)
      if filter.selectsAll { metadata["remainingItemCount"] = .integer(Int64(page.remaining)) }
    }
    let info = call.info
    switch call.form {
    case .table:
      var table = Table(info, include: call.text("includeObject")).document(page.objects.map(info.present))
      table["metadata"] = metadata
      return .json(200, table)
    case .partialMetadata:
      return .json(
        200,
        [
          "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
          "items": .array(page.objects.map { partialMetadata(info.present($0)) }),
        ])
    default:
      var bytes = Array("{\"kind\":\"\(info.listKind)\",\"apiVersion\":\"\(info.apiVersion)\",\"metadata\":".utf8)
      bytes += metadata.serialized()
      bytes += Array(",\"items\":[".utf8)
      for (index, object) in page.objects.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        bytes += info.bytes(object)
      }
      bytes += Array("]}".utf8)
      return .json(200, bytes: bytes)
    }
  }

  struct Page {
    var objects: [StoredObject]
    var revision: UInt64
    var next: ContinueToken?
    var remaining = 0
  }

  /// One page of a list, consistent with the pages before it (API concepts: "Retrieving large results sets in chunks").
  func page(_ call: Call, _ filter: ReadFilter) throws(APIStatusError) -> Page {
    let limit = try call.number("limit") ?? 0
    var (objects, revision) = try snapshot(call, filter)
    if let text = call.text("continue") {
      let token = try ContinueToken(parsing: text)
      guard let earlier = store.list(call.info.storage, namespace: filter.namespace, at: token.revision) else {
        throw APIStatusError.expiredContinue()
      }
      objects = earlier.filter { token.after < $0.name }
      revision = token.revision
    }
    objects = objects.filter { filter.matches($0, call.info) }
    guard limit > 0, objects.count > limit else { return Page(objects: objects, revision: revision) }
    let shown = Array(objects.prefix(limit))
    return Page(
      objects: shown, revision: revision, next: ContinueToken(revision: revision, after: shown[limit - 1].name),
      remaining: objects.count - limit)
  }

  /// Which versions may be asked for in which way (apimachinery, validation of ListOptions).
  private static func checkVersionMatch(_ call: Call) throws(APIStatusError) {
    guard let match = call.text("resourceVersionMatch") else { return }
    let version = call.text("resourceVersion")
    let problem: String
    if version == nil {
      problem = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
    } else if call.text("continue") != nil {
      problem = "Forbidden: resourceVersionMatch is forbidden when continue is provided"
    } else if match == "Exact", version == "0" {
      problem = "Forbidden: resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\""
    } else if match != "Exact", match != "NotOlderThan" {
      problem = "Unsupported value: \"\(match)\": supported values: \"Exact\", \"NotOlderThan\""
    } else {
      return
    }
    throw APIStatusError(
      code: 422, reason: "Invalid",
      message: "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: \(problem)",
      details: ["group": "meta.k8s.io", "kind": "ListOptions"])
  }

  private func snapshot(_ call: Call, _ filter: ReadFilter) throws(APIStatusError) -> ([StoredObject], UInt64) {
    try Self.checkVersionMatch(call)
    if let text = call.text("resourceVersion"), text != "0", call.text("continue") == nil {
      let wanted = try Self.revision(text)
      let current = store.revision
      if wanted > current { throw Self.tooLargeRevision(wanted, current) }
      if call.text("resourceVersionMatch") == "Exact" {
        guard let objects = store.list(call.info.storage, namespace: filter.namespace, at: wanted) else {
          throw APIStatusError.expired(wanted, current: current)
        }
        return (objects, wanted)
      }
    }
    if let name = filter.fields.exactName, !call.info.isNamespaced || filter.namespace != nil {
      let revision = store.revision
      let object = store.get(call.info.storage, ObjectName(namespace: filter.namespace ?? "", name: name))
      return (object.map { [$0] } ?? [], revision)
    }
    let all = store.list(call.info.storage, namespace: filter.namespace)
    return (all.objects, all.revision)
  }

  static func revision(_ text: String) throws(APIStatusError) -> UInt64 {
    guard let revision = UInt64(text) else {
      throw APIStatusError.badRequest(
        "Invalid value: \"\(text)\": resourceVersion must be a number given by the server")
    }
    return revision
  }

  private static func tooLargeRevision(_ wanted: UInt64, _ current: UInt64) -> APIStatusError {
    APIStatusError(
      code: 504, reason: "Timeout", message: "Timeout: Too large resource version: \(wanted), current: \(current)",
      details: [
        "causes": [["reason": "ResourceVersionTooLarge", "message": "Too large resource version"]],
        "retryAfterSeconds": 1,
      ])
  }

  func partialMetadata(_ object: JSONValue) -> JSONValue {
    ["kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] ?? [:]]
  }
}
