import KubernetesClient
import KubernetesModels

/// What the server serves, as clients ask for it before anything else (API concepts: "API Discovery").
struct Discovery {
  private let resources: [ResourceInfo]

  init(_ server: APIServer) {
    resources = server.registry.all + (server.currentHooks.metrics == nil ? [] : MetricsAPI.resources)
  }

  /// `/api` and `/apis`, plain or aggregated.
  func root(isCore: Bool, _ form: Negotiation.Form?) -> KubernetesResponse {
    if case .aggregatedDiscovery(let version) = form {
      var response = KubernetesResponse.json(200, aggregated(isCore: isCore, version))
      response.headers.removeAll { $0.name == "Content-Type" }
      response.headers.append(
        ("Content-Type", "application/json;g=apidiscovery.k8s.io;v=\(version);as=APIGroupDiscoveryList"))
      return response
    }
    if isCore {
      return .json(
        200,
        ["kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []])
    }
    return .json(
      200, ["kind": "APIGroupList", "apiVersion": "v1", "groups": .array(groups.map { groupDocument($0) })])
  }

  func group(_ name: String) throws(APIStatusError) -> KubernetesResponse {
    guard groups.contains(name) else { throw APIStatusError.noSuchResource() }
    var document = groupDocument(name)
    document["kind"] = "APIGroup"
    document["apiVersion"] = "v1"
    return .json(200, document)
  }

  func version(group: String, _ version: String) throws(APIStatusError) -> KubernetesResponse {
    let served = resources.filter { $0.group == group && $0.version == version }
    guard !served.isEmpty else { throw APIStatusError.noSuchResource() }
    return .json(
      200,
      [
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": .string(served[0].apiVersion),
        "resources": .array(served.flatMap(resourceDocuments)),
      ])
  }

  /// Named groups in order of registration.
  private var groups: [String] {
    var seen: Set<String> = [""]
    return resources.map(\.group).filter { seen.insert($0).inserted }
  }

  private func versions(_ group: String) -> [String] {
    var seen: Set<String> = []
    return resources.filter { $0.group == group && seen.insert($0.version).inserted }.map(\.version)
      .sorted(by: APIVersionOrder.precedes)
  }

  private func groupDocument(_ group: String) -> JSONValue {
    let documents: [JSONValue] = versions(group).map {
      ["groupVersion": .string("\(group)/\($0)"), "version": .string($0)]
    }
    return ["name": .string(group), "versions": .array(documents), "preferredVersion": documents.first ?? .null]
  }

  private func resourceDocuments(_ info: ResourceInfo) -> [JSONValue] {
    var main: JSONValue = [
      "name": .string(info.plural), "singularName": .string(info.singular), "namespaced": .bool(info.isNamespaced),
      "kind": .string(info.kind), "verbs": JSONValue(info.verbs),
    ]
    if !info.shortNames.isEmpty { main["shortNames"] = JSONValue(info.shortNames) }
    if !info.categories.isEmpty { main["categories"] = JSONValue(info.categories) }
    let parts: [JSONValue] = info.allSubresources.map { part in
      var document: JSONValue = [
        "name": .string("\(info.plural)/\(part.name)"), "singularName": "", "namespaced": .bool(info.isNamespaced),
        "kind": .string(part.kind), "verbs": JSONValue(part.verbs),
      ]
      if part.group != info.group || part.version != info.version {
        document["group"] = .string(part.group)
        document["version"] = .string(part.version)
      }
      return document
    }
    return [main] + parts
  }

  private func aggregated(isCore: Bool, _ apiVersion: String) -> JSONValue {
    let items: [JSONValue] = (isCore ? [""] : groups).map { group in
      let versions: [JSONValue] = versions(group).map { version in
        let served = resources.filter { $0.group == group && $0.version == version }
        return [
          "version": .string(version), "freshness": "Current", "resources": .array(served.map(aggregatedResource)),
        ]
      }
      return [
        "metadata": group.isEmpty
          ? ["creationTimestamp": .null] : ["name": .string(group), "creationTimestamp": .null],
        "versions": .array(versions),
      ]
    }
    return [
      "kind": "APIGroupDiscoveryList", "apiVersion": .string("apidiscovery.k8s.io/\(apiVersion)"), "metadata": [:],
      "items": .array(items),
    ]
  }

  private func aggregatedResource(_ info: ResourceInfo) -> JSONValue {
    var document: JSONValue = [
      "resource": .string(info.plural),
      "responseKind": ["group": .string(info.group), "version": .string(info.version), "kind": .string(info.kind)],
      "scope": info.isNamespaced ? "Namespaced" : "Cluster", "singularResource": .string(info.singular),
      "verbs": JSONValue(info.verbs),
    ]
    if !info.shortNames.isEmpty { document["shortNames"] = JSONValue(info.shortNames) }
    if !info.categories.isEmpty { document["categories"] = JSONValue(info.categories) }
    let parts = info.allSubresources.map { part -> JSONValue in
      [
        "subresource": .string(part.name), "verbs": JSONValue(part.verbs),
        "responseKind": ["group": .string(part.group), "version": .string(part.version), "kind": .string(part.kind)],
      ]
    }
    if !parts.isEmpty { document["subresources"] = .array(parts) }
    return document
  }
}

extension ResourceInfo {
  /// status and scale where the resource has them, then its own.
  var allSubresources: [ExtraSubresource] {
    var found: [ExtraSubresource] = []
    let verbs = ["get", "patch", "update"]
    if hasStatus { found.append(.init(name: "status", group: group, version: version, kind: kind, verbs: verbs)) }
    if scale != nil {
      found.append(.init(name: "scale", group: "autoscaling", version: "v1", kind: "Scale", verbs: verbs))
    }
    return found + extraSubresources
  }
}

/// Versions by preference: v2 before v1 before v1beta1 before v1alpha1 (Kubernetes "Version priority").
enum APIVersionOrder {
  static func precedes(_ left: String, _ right: String) -> Bool {
    let (a, b) = (rank(left), rank(right))
    return a == b ? left < right : a.lexicographicallyPrecedes(b, by: >)
  }

  /// Stability, major, minor; nothing for names that are no versions.
  private static func rank(_ version: String) -> [Int] {
    guard version.first == "v" else { return [0] }
    let rest = version.dropFirst()
    let major = rest.prefix { $0.isNumber }
    guard let number = Int(major) else { return [0] }
    let tail = rest.dropFirst(major.count)
    if tail.isEmpty { return [3, number, 0] }
    for (word, stability) in [("beta", 2), ("alpha", 1)] where tail.hasPrefix(word) {
      guard let minor = Int(tail.dropFirst(word.count)) else { return [0] }
      return [stability, number, minor]
    }
    return [0]
  }
}
