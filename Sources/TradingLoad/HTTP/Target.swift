/// A server that gets a share of the load.
public struct Target: Sendable, Hashable, CustomStringConvertible {
  public let isSecure: Bool
  public let host: String
  public let port: Int

  /// Reads `http://host:port`, `https://host`, `host:port` or `host`; the port is 80, 443 with https. nil for anything else.
  public init?(_ text: String) {
    var rest = Substring(text)
    isSecure = rest.hasPrefix("https://")
    for scheme in ["http://", "https://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    guard !rest.isEmpty, !rest.contains(where: { "/?#@ ".contains($0) }) else { return nil }
    // An IPv6 address stands in brackets (RFC 3986, section 3.2.2).
    let afterHost =
      rest.hasPrefix("[") ? rest.lastIndex(of: "]").map { rest.index(after: $0) } : rest.firstIndex(of: ":")
    let end = afterHost ?? rest.endIndex
    host = rest[..<end].filter { !"[]".contains($0) }
    if end == rest.endIndex {
      port = isSecure ? 443 : 80
    } else {
      guard rest[end] == ":", let number = Int(rest[rest.index(after: end)...]), (1...65_535).contains(number) else {
        return nil
      }
      port = number
    }
    if host.isEmpty { return nil }
  }

  /// For TLS; an address has none (RFC 6066, section 3).
  var serverName: String? {
    host.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (48...57).contains($0) } || host.contains(":") ? nil : host
  }

  /// What goes into the Host header.
  var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

  public var description: String { "\(isSecure ? "https" : "http")://\(authority)" }
}
