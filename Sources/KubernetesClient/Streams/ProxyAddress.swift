import FoundationEssentials
import NIOSSL

/// A proxy as `proxy-url` names it: `http://`, `https://` or `socks5://`, with or without user and password.
struct ProxyAddress: Sendable, Hashable {
  enum Scheme: String, CaseIterable, Sendable { case http, https, socks5 }

  var scheme: Scheme
  var host: String
  var port: Int
  var user: String?
  var password: String
  /// The cluster's own authorities, which may vouch for an https proxy beside the system's.
  var authority: [UInt8]?
  var verifiesServer: Bool

  /// - Throws: ``ConfigurationError`` for what is no proxy that can be used; it shows no password.
  init?(_ configuration: ClusterConfiguration) throws {
    guard let text = configuration.proxyURL else { return nil }
    // `socks5h` says where names are looked up, which is always at the proxy here.
    guard let url = URL(string: text), let host = url.host(percentEncoded: false), !host.isEmpty,
      let scheme = Scheme(rawValue: url.scheme == "socks5h" ? "socks5" : url.scheme ?? "")
    else {
      throw ConfigurationError(
        file: configuration.source, field: configuration.field("proxy-url"),
        problem: "is not the address of a proxy that can be used",
        remedy: "write http://host:port, https://host:port or socks5://host:port")
    }
    self.scheme = scheme
    self.host = host
    port = url.port ?? (scheme == .http ? 80 : scheme == .https ? 443 : 1080)
    user = url.user(percentEncoded: false)
    password = url.password(percentEncoded: false) ?? ""
    authority = configuration.certificateAuthority
    verifiesServer = configuration.verifiesServer
  }

  /// How the connection to an https proxy is secured.
  /// - Throws: `NIOSSLError` when the authority is no PEM certificate.
  func tls() throws -> TLSConfiguration {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv12
    if !verifiesServer { tls.certificateVerification = .none }
    if let authority {
      tls.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMBytes(authority))]
    }
    return tls
  }
}
