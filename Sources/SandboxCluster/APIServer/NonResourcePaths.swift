import KubernetesClient
import KubernetesModels

extension APIServer {
  /// Everything that is not about a resource: health, version, discovery, OpenAPI, metrics.
  func nonResource(_ request: KubernetesRequest, _ target: RequestInfo) throws -> KubernetesResponse {
    guard request.method == .get || request.method == .head else {
      throw APIStatusError.methodNotAllowed(nil, target.verb)
    }
    let form = try? Negotiation(accept: request.header("Accept")).form
    let parts = request.path.split(separator: "/").map(String.init)
    switch (parts.first, parts.count) {
    case (nil, _):
      return .json(
        200, ["paths": ["/api", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v3", "/readyz", "/version"]])
    case ("healthz", _), ("readyz", _), ("livez", _): return .text(200, "ok")
    case ("version", 1): return .json(200, versionDocument)
    case ("metrics", 1): return .text(200, counters.exposition(), type: "text/plain; version=0.0.4; charset=utf-8")
    case ("api", 1), ("apis", 1): return Discovery(self).root(isCore: parts[0] == "api", form)
    case ("api", 2): return try Discovery(self).version(group: "", parts[1])
    case ("apis", 2): return try Discovery(self).group(parts[1])
    case ("apis", 3): return try Discovery(self).version(group: parts[1], parts[2])
    case ("openapi", _): return try openAPI(parts, request)
    default: throw APIStatusError.noSuchResource()
    }
  }

  private var versionDocument: JSONValue {
    let numbers = configuration.version.drop { $0 == "v" }.split(separator: ".")
    return [
      "major": .string(numbers.first.map(String.init) ?? "1"),
      "minor": .string(numbers.count > 1 ? String(numbers[1]) : "33"),
      "gitVersion": .string(configuration.version), "gitCommit": "sandbox", "gitTreeState": "clean",
      "buildDate": "2026-01-01T00:00:00Z", "goVersion": "none", "compiler": "swift", "platform": "linux/amd64",
    ]
  }
}
