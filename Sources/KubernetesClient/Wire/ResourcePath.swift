import KubernetesModels

/// Where a resource lives in the URL space (Kubernetes: "API terminology", resource URIs).
enum ResourcePath {
  /// The path of all objects of a type, in one namespace or (`nil`) in all of them.
  static func collection(_ type: ResourceType, namespace: String?) -> String {
    var path = root(group: type.group, version: type.version)
    if type.isNamespaced, let namespace {
      path += "/namespaces/" + PercentEncoding.component(namespace)
    }
    return path + "/" + PercentEncoding.component(type.plural)
  }

  /// The path of one object, or of one of its subresources.
  /// - Throws: ``KubernetesError/invalidRequest(_:)`` when a name or the namespace is missing.
  static func object(
    _ type: ResourceType, name: String, namespace: String?, subresource: String? = nil
  ) throws -> String {
    guard !name.isEmpty else {
      throw KubernetesError.invalidRequest("a \(type.kind) without metadata.name cannot be addressed; give it a name")
    }
    if type.isNamespaced { try requireNamespace(type, namespace, name: name) }
    var path = collection(type, namespace: namespace) + "/" + PercentEncoding.component(name)
    if let subresource {
      path +=
        "/" + subresource.split(separator: "/").map { PercentEncoding.component(String($0)) }.joined(separator: "/")
    }
    return path
  }

  /// The path of a group and version: `/api/v1` for the core, `/apis/<group>/<version>` for the rest.
  static func root(group: String, version: String) -> String {
    guard !group.isEmpty else { return "/api/" + PercentEncoding.component(version) }
    return "/apis/" + PercentEncoding.component(group) + "/" + PercentEncoding.component(version)
  }

  /// - Throws: ``KubernetesError/invalidRequest(_:)`` when a namespaced object comes without a namespace.
  static func requireNamespace(_ type: ResourceType, _ namespace: String?, name: String) throws {
    guard let namespace, !namespace.isEmpty else {
      throw KubernetesError.invalidRequest(
        "\(type.kind) \(name) lives in a namespace, but none was given; set metadata.namespace or the `in` argument")
    }
  }
}
