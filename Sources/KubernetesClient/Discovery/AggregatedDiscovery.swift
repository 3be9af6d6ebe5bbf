import KubernetesModels

/// Everything that a server offers in one document (KEP-3352, apidiscovery.k8s.io/v2).
enum AggregatedDiscovery {
  /// The newest form first; servers that know none of them answer as they always did.
  static let accept =
    ["v2", "v2beta1"].map { "application/json;g=apidiscovery.k8s.io;v=\($0);as=APIGroupDiscoveryList" }
    .joined(separator: ",") + ",application/json"

  static func isAnswer(_ json: JSONValue) -> Bool { json["kind"]?.stringValue == "APIGroupDiscoveryList" }

  static func read(_ documents: [JSONValue]) -> APIDiscovery {
    var discovery = APIDiscovery(resources: [], failures: [:])
    for group in documents.flatMap({ $0["items"]?.arrayValue ?? [] }) {
      let name = group.value(at: ["metadata", "name"])?.stringValue ?? ""
      for version in group["versions"]?.arrayValue ?? [] {
        guard let versionName = version["version"]?.stringValue else { continue }
        if version["freshness"]?.stringValue == "Stale" {
          discovery.failures[name.isEmpty ? versionName : "\(name)/\(versionName)"] =
            "the aggregated API behind it does not answer; what is known of it may be out of date"
        }
        discovery.resources += (version["resources"]?.arrayValue ?? []).compactMap { resource($0, name, versionName) }
      }
    }
    return discovery
  }

  private static func resource(_ json: JSONValue, _ group: String, _ version: String) -> DiscoveredResource? {
    // A resource without a kind stands for its subresources alone; nothing can be done with it.
    guard let plural = json["resource"]?.stringValue,
      let kind = json.value(at: ["responseKind", "kind"])?.stringValue, !kind.isEmpty
    else { return nil }
    let strings = { (key: String) in (json[key]?.arrayValue ?? []).compactMap { $0.stringValue } }
    return DiscoveredResource(
      type: ResourceType(
        group: group, version: version, kind: kind, plural: plural,
        isNamespaced: json["scope"]?.stringValue == "Namespaced"),
      singularName: json["singularResource"]?.stringValue ?? "", shortNames: strings("shortNames"),
      verbs: strings("verbs"),
      subresources: (json["subresources"]?.arrayValue ?? []).compactMap { $0["subresource"]?.stringValue })
  }
}
