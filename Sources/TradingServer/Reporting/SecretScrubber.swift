import FoundationEssentials
import Logging

/// Takes secrets out of what leaves the machine.
struct SecretScrubber: Sendable {
  private static let replacement = "[filtered]"
  private static let tellingKeys = ["password", "secret", "token", "authorization", "cookie", "dsn", "hash", "key"]

  /// Texts that are replaced wherever they stand.
  private let secrets: [String]

  /// - Parameter secrets: the configured ones. Very short ones would tear ordinary words apart and protect nothing.
  init(secrets: [String]) { self.secrets = secrets.filter { $0.utf8.count >= 6 } }

  func scrub(_ text: String) -> String {
    var text = text
    for secret in secrets { text = text.replacing(secret, with: Self.replacement) }
    text = text.replacing(/(?i)bearer +[^ ,;"]+/, with: Self.replacement)
    text = text.replacing(/eyJ[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]*/, with: Self.replacement)
    text = text.replacing(/\$2[aby]\$[0-9]{2}\$[.\/A-Za-z0-9]{53}/, with: Self.replacement)
    text = text.replacing(/(?i)(password|secret|token)( *[=:] *)[^ ,;"]+/) { "\($0.1)\($0.2)\(Self.replacement)" }
    return text.replacing(/:\/\/[^\/@ ]*@/, with: "://\(Self.replacement)@")
  }

  func scrub(_ metadata: Logger.Metadata) -> [String: String] {
    var result: [String: String] = [:]
    for (key, value) in metadata {
      let isTelling = Self.tellingKeys.contains { key.lowercased().contains($0) }
      result[scrub(key)] = isTelling ? Self.replacement : scrub("\(value)")
    }
    return result
  }
}
