import KubernetesClient
import KubernetesModels
import Synchronization

extension APIServer {
  /// `/openapi/v3`: an index, and a document for each group and version; kubectl's explain and validation read them.
  func openAPI(_ parts: [String], _ request: KubernetesRequest) throws(APIStatusError) -> KubernetesResponse {
    if parts == ["openapi", "v2"] { return Self.emptyVersion2(request) }
    guard parts.count >= 2, parts[1] == "v3" else { throw APIStatusError.noSuchResource() }
    let resources = registry.all
    if parts.count == 2 {
      var paths: [String: JSONValue] = [:]
      for info in resources where paths[Self.documentPath(info)] == nil {
        let path = Self.documentPath(info)
        let hash = registry.fingerprint(group: info.group, version: info.version)
        paths[path] = ["serverRelativeURL": .string("/openapi/v3/\(path)?hash=\(hash)")]
      }
      return .json(200, ["paths": .object(paths)])
    }
    let path = parts.dropFirst(2).joined(separator: "/")
    if let cached = openAPICache.withLock({ $0[path] }) { return .json(200, bytes: cached) }
    let served = resources.filter { Self.documentPath($0) == path }
    guard !served.isEmpty else { throw APIStatusError.noSuchResource() }
    let bytes = OpenAPIDocument(served).json.serialized()
    openAPICache.withLock { $0[path] = bytes }
    return .json(200, bytes: bytes)
  }

  /// A document with no paths: kubectl asks for it about kinds that version 3 does not know, and then says so itself.
  private static func emptyVersion2(_ request: KubernetesRequest) -> KubernetesResponse {
    guard request.header("Accept")?.contains("proto-openapi.spec.v2") == true else {
      return .json(200, ["swagger": "2.0", "info": ["title": "Kubernetes", "version": "v1.33.0"], "paths": [:]])
    }
    // Field 1 of openapi.v2.Document: `swagger`.
    let document = [UInt8]([0x0a, 0x03]) + Array("2.0".utf8)
    return KubernetesResponse(
      status: 200,
      headers: [
        ("Content-Type", "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"),
        ("Content-Length", String(document.count)),
      ], body: ResponseBody(bytes: document))
  }

  func forgetOpenAPI() { openAPICache.withLock { $0.removeAll() } }

  private static func documentPath(_ info: ResourceInfo) -> String {
    info.group.isEmpty ? "api/\(info.version)" : "apis/\(info.group)/\(info.version)"
  }
}

extension ResourceRegistry {
  /// Changes whenever a custom resource of a group changes, so that clients with a cache fetch the document again.
  func fingerprint(group: String, version: String) -> String {
    let served = all.filter { $0.group == group && $0.version == version }
    let marks = served.map { "\($0.plural):\($0.definitionRevision)" }.joined(separator: ",")
    // FNV-1a: short and the same in every run.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in marks.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return String(hash, radix: 16)
  }
}

/// The OpenAPI v3 document of one group and version.
struct OpenAPIDocument {
  private let resources: [ResourceInfo]

  init(_ resources: [ResourceInfo]) {
    self.resources = resources
  }

  var json: JSONValue {
    var paths: [String: JSONValue] = [:]
    var schemas: [String: JSONValue] = [:]
    if let first = resources.first(where: { !$0.isCustom }) {
      schemas =
        BuiltinSchemaRegistry.shared.openAPIv3Components(group: first.group, version: first.version).objectValue ?? [:]
    }
    for info in resources {
      addPaths(info, &paths)
      if info.isCustom, let schema = info.openAPISchema {
        schemas[componentName(info)] = customSchema(info, schema, &schemas)
      }
    }
    return [
      "openapi": "3.0.0", "info": ["title": "Kubernetes", "version": "v1.33.0"], "paths": .object(paths),
      "components": ["schemas": .object(schemas)],
    ]
  }

  private func addPaths(_ info: ResourceInfo, _ paths: inout [String: JSONValue]) {
    let root = info.group.isEmpty ? "/api/\(info.version)" : "/apis/\(info.group)/\(info.version)"
    let scope = info.isNamespaced ? "\(root)/namespaces/{namespace}/\(info.plural)" : "\(root)/\(info.plural)"
    if info.isNamespaced, info.verbs.contains("list") {
      paths["\(root)/\(info.plural)"] = ["get": operation(info, "list")]
    }
    var collection: JSONValue = [:]
    if info.verbs.contains("list") { collection["get"] = operation(info, "list") }
    if info.verbs.contains("create") { collection["post"] = operation(info, "post") }
    paths[scope] = collection
    guard info.verbs.contains("get") else { return }
    paths["\(scope)/{name}"] = [
      "get": operation(info, "get"), "put": operation(info, "put"), "patch": operation(info, "patch"),
      "delete": operation(info, "delete"),
    ]
  }

  private func operation(_ info: ResourceInfo, _ action: String) -> JSONValue {
    var operation: JSONValue = [
      "operationId": .string("\(action)\(info.kind)"), "x-kubernetes-action": .string(action),
      "x-kubernetes-group-version-kind": gvk(info), "responses": ["200": ["description": "OK"]],
    ]
    if ["post", "put", "patch"].contains(action) {
      // kubectl leaves validation to a server that knows these parameters.
      operation["parameters"] = .array(
        ["dryRun", "fieldManager", "fieldValidation"].map {
          ["name": .string($0), "in": "query", "schema": ["type": "string", "uniqueItems": true]]
        })
    }
    return operation
  }

  private func gvk(_ info: ResourceInfo) -> JSONValue {
    ["group": .string(info.group), "version": .string(info.version), "kind": .string(info.kind)]
  }

  /// `trading.rtx.v1alpha1.RTXPlatform`.
  private func componentName(_ info: ResourceInfo) -> String {
    info.group.split(separator: ".").reversed().joined(separator: ".") + ".\(info.version).\(info.kind)"
  }

  /// A definition's schema completed with what every object has.
  private func customSchema(_ info: ResourceInfo, _ schema: JSONValue, _ schemas: inout [String: JSONValue])
    -> JSONValue
  {
    let metaName = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    if schemas[metaName] == nil {
      for (name, definition) in BuiltinSchemaRegistry.shared.openAPIv3Components(
        group: "coordination.k8s.io", version: "v1"
      ).objectValue ?? [:]
      where name.contains(".meta.v1.") {
        schemas[name] = definition
      }
    }
    var completed = schema
    completed.set(
      [
        "type": "string", "description": "APIVersion defines the versioned schema of this representation of an object.",
      ],
      at: ["properties", "apiVersion"])
    completed.set(
      [
        "type": "string",
        "description": "Kind is a string value representing the REST resource this object represents.",
      ],
      at: ["properties", "kind"])
    completed.set(
      ["description": "Standard object's metadata.", "allOf": [["$ref": .string("#/components/schemas/\(metaName)")]]],
      at: ["properties", "metadata"])
    completed["x-kubernetes-group-version-kind"] = [gvk(info)]
    return completed
  }
}
