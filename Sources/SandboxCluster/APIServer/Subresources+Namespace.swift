import KubernetesClient
import KubernetesModels

extension APIServer {
  /// Changes `spec.finalizers` of a namespace; without any left, a terminating one is gone.
  func finalizeNamespace(_ call: inout Call) throws -> KubernetesResponse {
    let (body, _) = try ObjectReader.parse(call.request.body, contentType: call.request.header("Content-Type"))
    let changed = try change(&call) { old, _ in
      var namespace = old
      namespace["spec"] = body["spec"] ?? [:]
      namespace.set(body.at("metadata", "resourceVersion"), at: ["metadata", "resourceVersion"])
      return namespace
    }
    return respond(200, changed, call)
  }
}
