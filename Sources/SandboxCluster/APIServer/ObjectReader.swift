import KubernetesModels

/// Reads an object out of a request as the server's decoder does: type, field validation, defaults.
struct ObjectReader: Sendable {
  let info: ResourceInfo
  let validation: Call.FieldValidation

  /// Parses a body in JSON, YAML or protobuf.
  static func parse(_ body: [UInt8]?, contentType: String?) throws(APIStatusError) -> (JSONValue, duplicates: [String])
  {
    guard let body, !body.isEmpty else { throw APIStatusError.badRequest("the request body must not be empty") }
    let media = contentType?.split(separator: ";").first.map { trimmed(String($0)) } ?? "application/json"
    if media == ProtobufBody.mediaType { return (try ProtobufBody.parse(body), []) }
    if media == "application/yaml" || media == "application/apply-patch+yaml", body.first != UInt8(ascii: "{") {
      do {
        return (try YAML.parse(String(decoding: body, as: UTF8.self)).first ?? [:], [])
      } catch {
        throw APIStatusError.badRequest("error decoding YAML: \(error)")
      }
    }
    guard media == "application/json" || media.hasSuffix("+json") || media.hasSuffix("yaml") else {
      throw APIStatusError.unsupportedMediaType(media, accepted: ["application/json", "application/yaml"])
    }
    do {
      let parsed = try JSONValue.parseNotingDuplicates(body)
      return (parsed.value, parsed.duplicates)
    } catch {
      throw APIStatusError.badRequest("the object provided is unrecognized: \(error)")
    }
  }

  /// Checks kind and fields, and fills in defaults. The result is in this version's form.
  func read(_ json: JSONValue, duplicates: [String] = [], warnings: inout [String]) throws(APIStatusError) -> JSONValue
  {
    guard case .object = json else {
      throw APIStatusError.badRequest("the object provided is unrecognized: it must be an object of kind \(info.kind)")
    }
    var object = json
    try checkType(&object)
    var problems = duplicates.map { "duplicate field \"\($0)\"" }
    if let schema = info.schema {
      problems += schema.prune(&object).map { "unknown field \"\($0)\"" }
    }
    try report(problems, object, &warnings)
    try cleanMetadata(&object)
    applyDefaults(&object)
    return object
  }

  /// Fills in defaults of the schema and of the kind.
  func applyDefaults(_ object: inout JSONValue) {
    info.schema?.applyDefaults(to: &object)
    info.strategy.applyDefaults(&object)
  }

  private func checkType(_ object: inout JSONValue) throws(APIStatusError) {
    let kind = object["kind"]?.stringValue ?? ""
    let apiVersion = object["apiVersion"]?.stringValue ?? ""
    if info.isCustom, kind.isEmpty || apiVersion.isEmpty {
      throw APIStatusError.badRequest("Object 'Kind' or 'apiVersion' is missing")
    }
    if !apiVersion.isEmpty, apiVersion != info.apiVersion {
      throw APIStatusError.badRequest(
        "the API version in the data (\(apiVersion)) does not match the expected API version (\(info.apiVersion))")
    }
    if !kind.isEmpty, kind != info.kind {
      throw APIStatusError.badRequest(
        "the object provided is unrecognized (must be of type \(info.kind)): it is of kind \(kind)")
    }
    object["kind"] = .string(info.kind)
    object["apiVersion"] = .string(info.apiVersion)
  }

  private func report(_ problems: [String], _ object: JSONValue, _ warnings: inout [String]) throws(APIStatusError) {
    guard !problems.isEmpty else { return }
    switch validation {
    case .ignore: return
    case .warn: warnings += problems
    case .strict:
      let list = problems.joined(separator: ", ")
      let kind = info.kind
      // Go-typed kinds and custom resources word this differently.
      let message =
        info.isCustom
        ? "strict decoding error: \(list)"
        : "\(kind) in version \"\(info.version)\" cannot be handled as a \(kind): strict decoding error: \(list)"
      throw APIStatusError.badRequest(message)
    }
  }

  private func cleanMetadata(_ object: inout JSONValue) throws(APIStatusError) {
    switch object["metadata"] {
    case nil, .null: object["metadata"] = [:]
    case .object: object["metadata"] = object["metadata"]?.withoutNulls
    default:
      throw APIStatusError.badRequest(
        "metadata: cannot unmarshal \(object["metadata"]?.typeName ?? "") into ObjectMeta")
    }
    // Empty ones are not stored (`omitempty` in ObjectMeta).
    for field in ["labels", "annotations", "finalizers", "ownerReferences"] {
      let value = object.value(at: ["metadata", field])
      if value == [:] || value == .array([]) { object.set(nil, at: ["metadata", field]) }
    }
    for map in ["labels", "annotations"] {
      for (key, value) in object.value(at: ["metadata", map])?.objectValue ?? [:] where value.stringValue == nil {
        throw APIStatusError.badRequest(
          "\(info.kind) in version \"\(info.version)\" cannot be handled as a \(info.kind): json: cannot unmarshal "
            + "\(value.typeName) into Go struct field ObjectMeta.metadata.\(map) of type string (key \"\(key)\")")
      }
    }
  }
}
