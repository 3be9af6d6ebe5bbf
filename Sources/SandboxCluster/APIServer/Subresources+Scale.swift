import KubernetesClient
import KubernetesModels

extension APIServer {
  /// Reads or writes autoscaling/v1 Scale on top of a workload.
  func scale(_ call: inout Call) throws -> KubernetesResponse {
    guard let paths = call.info.scale else { throw APIStatusError.noSuchResource() }
    let info = call.info
    switch call.target.verb {
    case "get":
      return .json(200, Self.scaleObject(try stored(call).json, paths))
    case "update":
      let (body, _) = try ObjectReader.parse(call.request.body, contentType: call.request.header("Content-Type"))
      return .json(200, try setScale(&call, paths) { _ in body })
    case "patch":
      let media = call.request.header("Content-Type")?.split(separator: ";").first.map { trimmed(String($0)) } ?? ""
      guard let patch = call.request.body.flatMap({ try? JSONValue(parsing: $0) }) else {
        throw APIStatusError.badRequest("error decoding patch: the body is not valid JSON")
      }
      return .json(
        200,
        try setScale(&call, paths) { scale in
          if media == "application/json-patch+json" { return try Patching.json(patch.arrayValue ?? [], to: scale) }
          return Patching.merge(patch, to: scale)
        })
    default: throw APIStatusError.methodNotAllowed(info, call.target.verb)
    }
  }

  private func setScale(
    _ call: inout Call, _ paths: ScalePaths, _ wanted: (JSONValue) throws -> JSONValue
  ) throws -> JSONValue {
    let info = call.info
    let name = call.target.name
    let changed = try change(&call) { old, _ in
      let scale = try wanted(Self.scaleObject(old, paths))
      let version = scale.textAt("metadata", "resourceVersion") ?? ""
      if !version.isEmpty, version != old.textAt("metadata", "resourceVersion") {
        throw APIStatusError.conflict(info, name, APIStatusError.modifiedMeanwhile)
      }
      // `replicas` is omitted when it is zero.
      let replicas = scale.intAt("spec", "replicas") ?? 0
      guard replicas >= 0 else {
        var found = FieldFindings()
        found.invalid("spec.replicas", .integer(Int64(replicas)), "must be greater than or equal to 0")
        throw APIStatusError.invalid(info, name, found.errors)
      }
      var object = old
      object.set(.integer(Int64(replicas)), at: paths.specReplicas)
      return object
    }
    return Self.scaleObject(changed.json, paths)
  }

  static func scaleObject(_ object: JSONValue, _ paths: ScalePaths) -> JSONValue {
    var metadata: JSONValue = [:]
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
      metadata[field] = object.at("metadata", field)
    }
    var status: JSONValue = ["replicas": object.value(at: paths.statusReplicas) ?? 0]
    if let path = paths.selector, let selector = object.value(at: path) {
      status["selector"] =
        selector.stringValue.map(JSONValue.string) ?? LabelSelector(object: selector).map { .string($0.text) }
    }
    return [
      "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
      "spec": ["replicas": object.value(at: paths.specReplicas) ?? 0], "status": status,
    ]
  }
}
