import FoundationEssentials

/// The server's URL, and what to connect to when its certificate carries another name.
struct ServerAddress: Sendable {
  /// The URL as configured, for messages.
  let base: String
  /// The URL that requests start with; its host is the name that the certificate must carry.
  let requestBase: String
  /// The `Host` header where it is not the host of `requestBase`.
  let hostHeader: String?
  let isTLS: Bool
  /// What to connect to; an IPv6 address without brackets.
  let host: String
  let port: Int
  /// Host and port as configured, for a `Host` header.
  let authority: String
  /// The path that stands in front of every request's own.
  let pathPrefix: String
  /// The name that the certificate must carry, where it is not the host.
  let serverName: String?

  init(_ configuration: ClusterConfiguration) throws {
    var base = configuration.server
    while base.hasSuffix("/") { base.removeLast() }
    guard let url = URL(string: base), let scheme = url.scheme, ["http", "https"].contains(scheme),
      let host = url.host(), !host.isEmpty
    else {
      throw ConfigurationError(
        file: configuration.source, field: configuration.field("server"), problem: "\(base) is not an https URL",
        remedy: "write the API server's address, e.g. https://10.0.0.1:6443")
    }
    self.base = base
    isTLS = scheme == "https"
    self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
    self.port = url.port ?? (scheme == "https" ? 443 : 80)
    let port = url.port.map { ":\($0)" } ?? ""
    authority = Self.bracketed(host) + port
    let path = url.path(percentEncoded: true)
    pathPrefix = path == "/" ? "" : path
    serverName = configuration.tlsServerName
    if let name = configuration.tlsServerName {
      requestBase = "\(scheme)://\(name)\(port)\(pathPrefix)"
      hostHeader = authority
    } else {
      requestBase = base
      hostHeader = nil
    }
  }

  private static func bracketed(_ host: String) -> String {
    host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
  }
}
