public import KubernetesModels

/// A resource that an API server offers (Kubernetes: "The Kubernetes API", "API Discovery").
public struct DiscoveredResource: Sendable, Hashable {
  /// Group, version, kind, plural and scope.
  public var type: ResourceType
  /// The singular name.
  public var singularName: String
  /// Names that kubectl takes in its stead, e.g. `po`.
  public var shortNames: [String]
  /// What may be done with it: `get`, `list`, `watch`, …
  public var verbs: [String]
  /// Its subresources, e.g. `status`, `scale`.
  public var subresources: [String]
}

/// What an API server offers, at the time of asking.
public struct APIDiscovery: Sendable {
  /// All resources, in the order of the server's groups, the preferred version of a group first.
  public var resources: [DiscoveredResource]
  /// Groups and versions that the server names but could not describe, with the reason: an aggregated API that is down.
  public var failures: [String: String]

  /// Whether the server has this resource in this group and version.
  public func serves(_ type: ResourceType) -> Bool {
    resources.contains {
      $0.type.group == type.group && $0.type.version == type.version && $0.type.plural == type.plural
    }
  }

  /// Finds a resource by kind, plural, singular or short name, regardless of case; the preferred version of the first
  /// group that has it.
  public func resource(named name: String, group: String? = nil, version: String? = nil) -> DiscoveredResource? {
    let wanted = name.lowercased()
    return resources.first { resource in
      let type = resource.type
      guard group.map({ $0 == type.group }) ?? true, version.map({ $0 == type.version }) ?? true else { return false }
      return type.kind.lowercased() == wanted || type.plural == wanted || resource.singularName == wanted
        || resource.shortNames.contains(wanted)
    }
  }

  /// Finds a resource as kubectl's users write it: `deploy`, `deployments.apps`, `deployments.v1.apps`.
  public func resource(matching text: String) -> DiscoveredResource? {
    if let found = resource(named: text) { return found }
    let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false).map { String($0) }
    // A version comes before the group: `deployments.v1.apps`. The core group has no name: `pods.v1.`.
    if parts.count == 3, let found = resource(named: parts[0], group: parts[2], version: parts[1]) { return found }
    guard parts.count >= 2 else { return nil }
    return resource(named: parts[0], group: parts[1...].joined(separator: "."))
  }
}
