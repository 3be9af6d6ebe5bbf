import KubernetesModels

// What the typed and the dynamic verbs share: paths, queries, pages and JSON.
extension KubernetesClient {
  func getJSON(
    _ type: ResourceType, _ name: String, in namespace: String?, subresource: String?
  ) async throws -> JSONValue {
    let path = try ResourcePath.object(type, name: name, namespace: namespace, subresource: subresource)
    return try await json(request(.get, path))
  }

  /// Follows `continue` until the last page. When a token expires in between, the list starts again unpaged, as
  /// the API server's "Retrieving large results sets in chunks" advises.
  func listJSON(
    _ type: ResourceType, in namespace: String?, options: ListOptions, accept: String = "application/json"
  ) async throws -> (items: [JSONValue], resourceVersion: String) {
    let path = ResourcePath.collection(type, namespace: namespace)
    var options = options
    if options.limit == nil { options.limit = 500 }
    var items: [JSONValue] = []
    while true {
      let page: JSONValue
      do {
        page = try await json(request(.get, path, query: options.query).accepting(accept))
      } catch let error as KubernetesError where error.isGone && !items.isEmpty {
        items = []
        options.limit = 0
        options.continueToken = nil
        continue
      }
      items += (page["items"]?.arrayValue ?? []).map { Self.stamped($0, type) }
      guard let next = page.value(at: ["metadata", "continue"])?.stringValue, !next.isEmpty else {
        return (items, page.value(at: ["metadata", "resourceVersion"])?.stringValue ?? "")
      }
      options.continueToken = next
      // The token carries the version; the server refuses both together.
      options.resourceVersion = nil
      options.resourceVersionMatch = nil
    }
  }

  func createJSON(_ type: ResourceType, _ object: JSONValue, options: WriteOptions) async throws -> JSONValue {
    let object = Self.stamped(object, type)
    let metadata = object["metadata"]
    let namespace = metadata?["namespace"]?.stringValue
    if type.isNamespaced {
      let name = metadata?["name"]?.stringValue ?? metadata?["generateName"]?.stringValue ?? ""
      try ResourcePath.requireNamespace(type, namespace, name: name)
    }
    let path = ResourcePath.collection(type, namespace: namespace)
    return try await json(request(.post, path, query: options.query, body: object.serialized()))
  }

  func replaceJSON(
    _ type: ResourceType, _ object: JSONValue, subresource: String?, options: WriteOptions
  ) async throws -> JSONValue {
    let object = Self.stamped(object, type)
    let path = try Self.path(of: object, type, subresource: subresource)
    return try await json(request(.put, path, query: options.query, body: object.serialized()))
  }

  func patchJSON(
    _ type: ResourceType, _ name: String, in namespace: String?, _ patch: Patch, subresource: String?,
    options: WriteOptions
  ) async throws -> JSONValue {
    let path = try ResourcePath.object(type, name: name, namespace: namespace, subresource: subresource)
    var query = options.query
    if case .apply(_, let force) = patch {
      guard options.fieldManager?.isEmpty == false else {
        throw KubernetesError.invalidRequest(
          "server-side apply of \(type.kind) \(name) needs a field manager; name one")
      }
      if force { query.append((name: "force", value: "true")) }
    }
    return try await json(request(.patch, path, query: query, body: patch.body, contentType: patch.contentType))
  }

  func applyJSON(
    _ type: ResourceType, _ object: JSONValue, force: Bool, subresource: String?, options: WriteOptions
  ) async throws -> JSONValue {
    var object = Self.stamped(object, type)
    // An apply that carries managedFields is refused; an object that was read before has them.
    if object["metadata"]?["managedFields"] != nil { object.set(nil, at: ["metadata", "managedFields"]) }
    let name = object["metadata"]?["name"]?.stringValue ?? ""
    let namespace = object["metadata"]?["namespace"]?.stringValue
    return try await patchJSON(
      type, name, in: namespace, .apply(object, force: force), subresource: subresource, options: options)
  }

  /// Objects inside lists come without apiVersion and kind; with them they equal what get and watch give.
  static func stamped(_ object: JSONValue, _ type: ResourceType) -> JSONValue {
    guard object["kind"] == nil || object["apiVersion"] == nil else { return object }
    var object = object
    object["apiVersion"] = .string(type.apiVersion)
    object["kind"] = .string(type.kind)
    return object
  }

  private static func path(of object: JSONValue, _ type: ResourceType, subresource: String?) throws -> String {
    try ResourcePath.object(
      type, name: object["metadata"]?["name"]?.stringValue ?? "",
      namespace: object["metadata"]?["namespace"]?.stringValue, subresource: subresource)
  }
}
