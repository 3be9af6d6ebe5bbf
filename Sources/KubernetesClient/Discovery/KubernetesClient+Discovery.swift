public import KubernetesModels

extension KubernetesClient {
  /// Asks for every group, version and resource of the server: with two requests where it serves aggregated discovery
  /// (Kubernetes 1.26 and later), else with one for each group and version.
  ///
  /// ``DiscoveryCache`` remembers the answer.
  /// - Throws: ``KubernetesError`` when the list of groups cannot be had; single broken groups are in `failures`.
  public func discover() async throws -> APIDiscovery {
    async let core = json(request(.get, "/api").accepting(AggregatedDiscovery.accept))
    async let named = json(request(.get, "/apis").accepting(AggregatedDiscovery.accept))
    let (coreAnswer, namedAnswer) = try await (core, named)
    if AggregatedDiscovery.isAnswer(coreAnswer), AggregatedDiscovery.isAnswer(namedAnswer) {
      return AggregatedDiscovery.read([coreAnswer, namedAnswer])
    }
    return try await discover(Self.groupVersions(coreAnswer, namedAnswer))
  }

  private func discover(_ versions: [(group: String, version: String)]) async throws -> APIDiscovery {
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

  private static func groupVersions(_ core: JSONValue, _ named: JSONValue) -> [(group: String, version: String)] {
    var result = (core["versions"]?.arrayValue ?? []).compactMap { $0.stringValue }.map { ("", $0) }
    for group in named["groups"]?.arrayValue ?? [] {
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
