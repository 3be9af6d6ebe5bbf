import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOSSL

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The server's URL, and what to connect to when its certificate carries another name.
struct ServerAddress: Sendable {
  /// The URL as configured, for messages.
  let base: String
  /// The URL that requests start with; its host is the name that the certificate must carry.
  let requestBase: String
  /// The `Host` header where it is not the host of `requestBase`.
  let hostHeader: String?

  init(_ configuration: ClusterConfiguration) throws {
    var base = configuration.server
    while base.hasSuffix("/") { base.removeLast() }
    guard let url = URL(string: base), let scheme = url.scheme, ["http", "https"].contains(scheme),
      let host = url.host(), !host.isEmpty
    else {
      throw ConfigurationError(
        file: configuration.source, field: "server", problem: "\(base) is not an https URL",
        remedy: "write the API server's address, e.g. https://10.0.0.1:6443")
    }
    self.base = base
    if let name = configuration.tlsServerName {
      let port = url.port.map { ":\($0)" } ?? ""
      requestBase = "\(scheme)://\(name)\(port)\(url.path())"
      hostHeader = Self.bracketed(host) + port
    } else {
      requestBase = base
      hostHeader = nil
    }
  }

  private static func bracketed(_ host: String) -> String {
    host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
  }
}

extension HTTPClient.Configuration {
  static func make(
    _ configuration: ClusterConfiguration, tls: TLSConfiguration, _ proxy: Proxy?, _ connections: Int
  ) -> Self {
    var result = Self(tlsConfiguration: tls, redirectConfiguration: .disallow, proxy: proxy)
    result.httpVersion = .http1Only
    result.timeout = Timeout(connect: .seconds(10))
    // Shorter than any server keeps idle connections, so that few requests meet one that is just being closed.
    result.connectionPool.idleTimeout = .seconds(30)
    result.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
    // A refused connection is told at once; when to try again is the caller's decision.
    result.connectionPool.retryConnectionEstablishment = false
    if let name = configuration.tlsServerName, let host = URL(string: configuration.server)?.host() {
      result.dnsOverride = [name: host]
    }
    result.http1_1ConnectionDebugInitializer = { channel in keepAlive(channel) }
    return result
  }

  /// Lets the kernel notice within a minute that the other end of a silent watch is gone.
  private static func keepAlive(_ channel: any Channel) -> EventLoopFuture<Void> {
    #if os(Linux)
      channel.setOption(.socketOption(.so_keepalive), value: 1)
        .flatMap { channel.setOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: 30) }
        .flatMap { channel.setOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: 10) }
        .flatMap { channel.setOption(.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: 3) }
    #else
      channel.setOption(.socketOption(.so_keepalive), value: 1)
    #endif
  }
}

extension HTTPClient.Configuration.Proxy {
  static func make(_ configuration: ClusterConfiguration) throws -> Self? {
    guard let text = configuration.proxyURL else { return nil }
    guard let url = URL(string: text), let host = url.host(), !host.isEmpty,
      let scheme = url.scheme, ["http", "socks5"].contains(scheme)
    else {
      throw ConfigurationError(
        file: configuration.source, field: "proxy-url", problem: "\(text) is not a proxy that can be used",
        remedy: "write http://host:port or socks5://host:port")
    }
    return scheme == "http"
      ? .server(host: host, port: url.port ?? 80) : .socksServer(host: host, port: url.port ?? 1080)
  }
}

extension TLSConfiguration {
  /// - Throws: ``ConfigurationError`` when a certificate or key cannot be read.
  static func make(_ configuration: ClusterConfiguration) throws -> TLSConfiguration {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv12
    if !configuration.verifiesServer { tls.certificateVerification = .none }
    if let authority = configuration.certificateAuthority {
      do {
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authority))
      } catch {
        throw ConfigurationError(
          file: configuration.source, field: "certificate-authority", problem: "holds no PEM certificate (\(error))",
          remedy: "copy the cluster's CA certificate again")
      }
    }
    if let certificate = configuration.credentials.certificate {
      try tls.use(certificate, source: configuration.source, field: "client-certificate")
    }
    return tls
  }

  /// Presents a client certificate.
  /// - Throws: ``ConfigurationError`` when it cannot be read; the error names no part of the key.
  mutating func use(_ certificate: Credentials.Certificate, source: String, field: String) throws {
    do {
      certificateChain = try NIOSSLCertificate.fromPEMBytes(certificate.chain).map { .certificate($0) }
      privateKey = .privateKey(try NIOSSLPrivateKey(bytes: certificate.key, format: .pem))
    } catch {
      throw ConfigurationError(
        file: source, field: field, problem: "certificate or key is not PEM (\(error))",
        remedy: "renew the credentials; the key must not be protected by a passphrase")
    }
  }
}
