import KubernetesModels

extension KubernetesError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .api(let status): Self.describe(status, remedy: remedy)
    case .transport(let failure): failure.description
    case .timeout(let text), .decoding(let text), .invalidRequest(let text): text
    case .configuration(let error): error.description
    }
  }

  private static func describe(_ status: Status, remedy: String?) -> String {
    let code = status.code.map { String($0) } ?? "no code"
    var text = "the API server refused (\(code)\(status.reason.map { " " + $0 } ?? "")): "
    text += status.message ?? "it gave no message"
    // The message of an Invalid status repeats its causes already; other reasons keep the field to themselves.
    if status.reason != "Invalid" {
      let fields = (status.details?.causes ?? []).compactMap { cause in
        cause.field.map { $0 + (cause.message.map { ": " + $0 } ?? "") }
      }
      if !fields.isEmpty { text += " [" + fields.joined(separator: "; ") + "]" }
    }
    return text + (remedy.map { "; " + $0 } ?? "")
  }

  /// What to do about a refusal, where the server's message leaves it open.
  private var remedy: String? {
    if let refusal { return refusal.remedy }
    switch statusCode {
    case 401: return "the credentials are missing, expired or of another cluster: renew them"
    case 409 where isConflict: return "somebody else changed it meanwhile: read it again and retry"
    case 410: return "the resource version is too old: list again"
    case 413: return "the object is too large for etcd (about 1.5 MB): split it"
    case 429 where isDisruptionBudget:
      return "a PodDisruptionBudget forbids it for now: retry once more of its pods are ready"
    case 429: return "it asks to slow down: retry later"
    case 500, 502, 503, 504: return "look at the API server's own health, then retry"
    default: return nil
    }
  }

  private var isDisruptionBudget: Bool {
    status?.details?.causes?.contains { $0.reason == "DisruptionBudget" } ?? false
  }
}
