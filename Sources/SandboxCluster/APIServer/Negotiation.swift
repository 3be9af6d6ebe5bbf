import KubernetesClient

/// What form of answer a client asks for with its Accept header (API concepts: "Receiving resources as Tables").
struct Negotiation: Sendable, Equatable {
  enum Form: Sendable, Equatable {
    case object
    case table
    case partialMetadata
    case aggregatedDiscovery(version: String)
  }

  var form = Form.object

  static let accepted = ["application/json"]

  init() {}

  /// The first acceptable entry wins, as kubectl lists them in order of preference.
  init(accept: String?) throws(APIStatusError) {
    guard let accept, !accept.isEmpty else { return }
    for entry in accept.split(separator: ",") {
      let parts = entry.split(separator: ";").map { trimmed(String($0)) }
      guard let media = parts.first, ["application/json", "application/*", "*/*", "text/plain"].contains(media) else {
        continue
      }
      var parameters: [String: String] = [:]
      for part in parts.dropFirst() {
        guard let (name, value) = cut(part, "=") else { continue }
        parameters[name] = value
      }
      switch (parameters["as"], parameters["g"]) {
      case (nil, _): return
      case ("Table", "meta.k8s.io") where parameters["v"] == "v1":
        form = .table
        return
      case ("PartialObjectMetadata", "meta.k8s.io"), ("PartialObjectMetadataList", "meta.k8s.io"):
        guard parameters["v"] == "v1" else { continue }
        form = .partialMetadata
        return
      case ("APIGroupDiscoveryList", "apidiscovery.k8s.io"):
        guard let version = parameters["v"], version == "v2" || version == "v2beta1" else { continue }
        form = .aggregatedDiscovery(version: version)
        return
      default: continue
      }
    }
    throw APIStatusError.notAcceptable(Self.accepted)
  }
}
