public import KubernetesClient
public import KubernetesModels
import NIOCore

extension KubernetesResponse {
  /// An answer with a JSON body.
  public static func json(_ status: Int, _ value: JSONValue) -> KubernetesResponse {
    json(status, bytes: value.serialized())
  }

  static func json(_ status: Int, bytes: [UInt8]) -> KubernetesResponse {
    KubernetesResponse(
      status: status,
      headers: [("Content-Type", "application/json"), ("Content-Length", String(bytes.count))],
      body: ResponseBody(bytes: bytes))
  }

  static func text(_ status: Int, _ text: String, type: String = "text/plain; charset=utf-8") -> KubernetesResponse {
    let bytes = Array(text.utf8)
    return KubernetesResponse(
      status: status,
      headers: [
        ("Content-Type", type), ("Content-Length", String(bytes.count)), ("X-Content-Type-Options", "nosniff"),
      ],
      body: ResponseBody(bytes: bytes))
  }

  /// The answer that a refusal becomes.
  public static func failure(_ error: APIStatusError) -> KubernetesResponse {
    var response = json(error.code, error.status)
    if let seconds = error.details?["retryAfterSeconds"]?.intValue {
      response.headers.append(("Retry-After", String(seconds)))
    }
    return response
  }

  /// Adds the RFC 7234 warnings that kubectl prints, each once.
  func adding(warnings: [String]) -> KubernetesResponse {
    var copy = self
    var seen: Set<String> = []
    for warning in warnings where seen.insert(warning).inserted {
      let quoted = warning.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      copy.headers.append(("Warning", "299 - \"\(quoted)\""))
    }
    return copy
  }
}
