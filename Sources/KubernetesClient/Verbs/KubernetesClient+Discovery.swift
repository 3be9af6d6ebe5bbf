public import KubernetesModels

/// A resource that an API server offers.
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

  /// Finds a resource by kind, plural, singular or short name; the preferred version of the first group that has it.
  public func resource(named name: String, group: String? = nil, version: String? = nil) -> DiscoveredResource? {
    let wanted = name.lowercased()
    return resources.first { resource in
      let type = resource.type
      guard group.map({ $0 == type.group }) ?? true, version.map({ $0 == type.version }) ?? true else { return false }
      return type.kind.lowercased() == wanted || type.plural == wanted || resource.singularName == wanted
        || resource.shortNames.contains(wanted)
    }
  }
}

extension KubernetesClient {
  /// Asks for every group, version and resource of the server: one request each.
  /// - Throws: ``KubernetesError`` when the list of groups cannot be had; single broken groups are in `failures`.
  public func discover() async throws -> APIDiscovery {
    let versions = try await groupVersions()
    let parts = await withTaskGroup(of: (Int, Result<[DiscoveredResource], any Error>).self) { tasks in
      for (index, each) in versions.enumerated() {
        tasks.addTask {
          do {
            return (index, .success(try await self.resources(group: each.group, version: each.version)))
          } catch {
            return (index, .failure(error))
          }
        }
      }
      return await tasks.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    var discovery = APIDiscovery(resources: [], failures: [:])
    for (index, each) in versions.enumerated() {
      switch parts[index] {
      case .success(let resources): discovery.resources += resources
      case .failure(let error):
        discovery.failures[each.group.isEmpty ? each.version : each.group + "/" + each.version] = "\(error)"
      case nil: break
      }
    }
    try Task.checkCancellation()
    return discovery
  }

  /// Whether the server has a resource, asked with a single request.
  /// - Throws: ``KubernetesError`` when the server cannot say.
  public func serves(_ type: ResourceType) async throws -> Bool {
    do {
      return try await resources(group: type.group, version: type.version).contains { $0.type.plural == type.plural }
    } catch let error as KubernetesError where error.isNotFound {
      return false
    }
  }

  /// The server's version, e.g. `v1.36.0`.
  /// - Throws: ``KubernetesError``.
  public func serverVersion() async throws -> String {
    let answer = try await json(request(.get, "/version"))
    guard let version = answer["gitVersion"]?.stringValue else {
      throw KubernetesError.decoding("/version has no gitVersion; is the address an API server's?")
    }
    return version
  }

  private func groupVersions() async throws -> [(group: String, version: String)] {
    async let core = json(request(.get, "/api"))
    async let named = json(request(.get, "/apis"))
    var result = (try await core["versions"]?.arrayValue ?? []).compactMap { $0.stringValue }.map { ("", $0) }
    for group in try await named["groups"]?.arrayValue ?? [] {
      guard let name = group["name"]?.stringValue else { continue }
      let all = (group["versions"]?.arrayValue ?? []).compactMap { $0["version"]?.stringValue }
      let preferred = group.value(at: ["preferredVersion", "version"])?.stringValue
      let ordered = all.filter { $0 == preferred } + all.filter { $0 != preferred }
      result += ordered.map { (name, $0) }
    }
    return result.map { (group: $0.0, version: $0.1) }
  }

  private func resources(group: String, version: String) async throws -> [DiscoveredResource] {
    let answer = try await json(request(.get, ResourcePath.root(group: group, version: version)))
    let entries = answer["resources"]?.arrayValue ?? []
    var subresources: [String: [String]] = [:]
    for entry in entries {
      let parts = (entry["name"]?.stringValue ?? "").split(separator: "/", maxSplits: 1)
      if parts.count == 2 { subresources[String(parts[0]), default: []].append(String(parts[1])) }
    }
    return entries.compactMap { entry in
      guard let plural = entry["name"]?.stringValue, !plural.contains("/"), let kind = entry["kind"]?.stringValue
      else { return nil }
      let strings = { (key: String) in (entry[key]?.arrayValue ?? []).compactMap { $0.stringValue } }
      return DiscoveredResource(
        type: ResourceType(
          group: group, version: version, kind: kind, plural: plural,
          isNamespaced: entry["namespaced"]?.boolValue ?? false),
        singularName: entry["singularName"]?.stringValue ?? "", shortNames: strings("shortNames"),
        verbs: strings("verbs"), subresources: subresources[plural] ?? [])
    }
  }
}
