import KubernetesClient
import KubernetesModels

/// metrics.k8s.io/v1beta1 on top of what the node measures: `kubectl top` and autoscaling.
enum MetricsAPI {
  static let group = "metrics.k8s.io"

  static let resources: [ResourceInfo] = [
    resource("NodeMetrics", "nodes", namespaced: false), resource("PodMetrics", "pods", namespaced: true),
  ]

  private static func resource(_ kind: String, _ plural: String, namespaced: Bool) -> ResourceInfo {
    var info = ResourceInfo(
      group: group, version: "v1beta1", kind: kind, plural: plural, singular: "", isNamespaced: namespaced,
      storage: StorageKey(group: group, plural: plural), storedAPIVersion: "\(group)/v1beta1")
    info.verbs = ["get", "list"]
    return info
  }

  static func answer(
    _ request: KubernetesRequest, _ target: RequestInfo, _ source: any PodMetricsSource
  ) async throws -> KubernetesResponse {
    guard let info = resources.first(where: { $0.plural == target.resource }), target.version == "v1beta1" else {
      throw APIStatusError.noSuchResource()
    }
    var objects = target.resource == "pods" ? await source.podMetrics() : await source.nodeMetrics()
    if info.isNamespaced, !target.namespace.isEmpty { objects.removeAll { $0.metadataNamespace != target.namespace } }
    switch target.verb {
    case "get":
      guard let object = objects.first(where: { $0.metadataName == target.name }) else {
        throw APIStatusError.notFound(info, target.name)
      }
      return .json(200, object)
    case "list":
      let labels = try LabelSelector(parsing: request.value("labelSelector") ?? "")
      return .json(
        200,
        [
          "kind": .string(info.listKind), "apiVersion": .string(info.apiVersion), "metadata": [:],
          "items": .array(objects.filter(labels.matches(object:))),
        ])
    default: throw APIStatusError.methodNotAllowed(info, target.verb)
    }
  }
}
