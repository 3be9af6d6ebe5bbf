import KubernetesClient
import KubernetesModels

extension APIServer {
  /// Finds who answers a request that is authorised.
  func dispatch(_ request: KubernetesRequest, _ target: RequestInfo, _ user: UserIdentity) async throws
    -> KubernetesResponse
  {
    guard target.isResourceRequest else { return try nonResource(request, target) }
    if target.group == MetricsAPI.group, let metrics = currentHooks.metrics {
      return try await MetricsAPI.answer(request, target, metrics)
    }
    guard let info = registry.find(group: target.group, version: target.version, plural: target.resource) else {
      throw APIStatusError.noSuchResource()
    }
    try checkScope(target, info)
    var call = try Call(request, target, info, user)
    let response = try await answer(&call)
    return response.adding(warnings: call.warnings)
  }

  private func checkScope(_ target: RequestInfo, _ info: ResourceInfo) throws(APIStatusError) {
    let isNamespaceItself = info.plural == "namespaces" && info.group.isEmpty
    if info.isNamespaced {
      let crossNamespace = target.verb == "list" || target.verb == "watch" || target.verb == "deletecollection"
      guard !target.namespace.isEmpty || crossNamespace else { throw APIStatusError.noSuchResource() }
    } else if !isNamespaceItself, !target.namespace.isEmpty {
      throw APIStatusError.noSuchResource()
    }
  }

  private func answer(_ call: inout Call) async throws -> KubernetesResponse {
    let verb = call.target.verb
    switch call.target.subresource {
    case "": break
    case "status" where call.info.hasStatus:
      switch verb {
      case "get": return try get(call)
      case "update": return try update(&call)
      case "patch": return try patch(&call)
      default: throw APIStatusError.methodNotAllowed(call.info, verb)
      }
    case "scale" where call.info.scale != nil: return try scale(&call)
    default: return try await special(&call)
    }
    if call.info.isReadOnlyReview, verb == "create" { return try review(&call) }
    guard call.info.verbs.contains(verb) else { throw APIStatusError.methodNotAllowed(call.info, verb) }
    switch verb {
    case "get": return try get(call)
    case "list": return try list(call)
    case "watch": return try watch(call)
    case "create": return try create(&call)
    case "update": return try update(&call)
    case "patch": return try patch(&call)
    case "delete": return try delete(&call)
    case "deletecollection": return try deleteCollection(&call)
    default: throw APIStatusError.methodNotAllowed(call.info, verb)
    }
  }

  /// The subresources with a behaviour of their own.
  private func special(_ call: inout Call) async throws -> KubernetesResponse {
    switch (call.info.plural, call.target.subresource, call.target.verb) {
    case ("pods", "binding", "create"): return try bind(&call)
    case ("pods", "eviction", "create"): return try evict(&call)
    case ("pods", "log", "get"): return try await podLog(call)
    case ("pods", "exec", _), ("pods", "attach", _), ("pods", "portforward", _):
      throw APIStatusError.badRequest("Upgrade request required")
    case ("serviceaccounts", "token", "create"): return try createToken(&call)
    case ("namespaces", "finalize", "update"): return try finalizeNamespace(&call)
    default: throw APIStatusError.noSuchResource()
    }
  }
}
