public import TradingStore

/// Where errors are reported: `https://<key>@<host>/<project>` (Sentry's documentation, "DSN Explainer").
public struct SentryDSN: Sendable, Hashable {
  /// The endpoint for envelopes.
  public let url: String
  /// The public key, which lets a program report and nothing else. Still nobody's business.
  public let key: Secret

  /// Nil for a text that is no DSN.
  public init?(_ text: String) {
    for scheme in ["https://", "http://"] where text.hasPrefix(scheme) {
      let parts = text.dropFirst(scheme.count).split(separator: "@", omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, parts[0].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
      else { return nil }
      var path = parts[1].split(separator: "/", omittingEmptySubsequences: false)
      guard path.count >= 2, let project = path.popLast(), !project.isEmpty, !path[0].isEmpty,
        project.allSatisfy(\.isNumber)
      else { return nil }
      url = scheme + path.joined(separator: "/") + "/api/" + project + "/envelope/"
      key = Secret(String(parts[0]))
      return
    }
    return nil
  }
}

extension EnvironmentReader {
  mutating func sentry() -> SentryDSN? {
    guard let text = secret("SENTRY_DSN"), !hasProblem("SENTRY_DSN") else { return nil }
    let dsn = SentryDSN(text.reveal())
    if dsn == nil { report("SENTRY_DSN", "is not a DSN", remedy: "copy it from the project's settings in Sentry") }
    return dsn
  }
}
