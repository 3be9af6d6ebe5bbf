import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOSSL

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
    result.http1_1ConnectionDebugInitializer = { channel in KeepAlive.enable(on: channel) }
    return result
  }
}

extension HTTPClient.Configuration.Proxy {
  /// What AsyncHTTPClient does by itself; the other proxies are reached through a ``ProxyRelay``.
  static func make(_ proxy: ProxyAddress) -> Self? {
    switch proxy.scheme {
    case .http:
      return .server(
        host: proxy.host, port: proxy.port,
        authorization: proxy.user.map { .basic(username: $0, password: proxy.password) })
    case .socks5 where proxy.user == nil: return .socksServer(host: proxy.host, port: proxy.port)
    case .https, .socks5: return nil
    }
  }
}

extension TLSConfiguration {
  /// - Throws: ``ConfigurationError`` when a certificate or key cannot be read.
  static func make(_ configuration: ClusterConfiguration) throws -> TLSConfiguration {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv12
    if !configuration.verifiesServer { tls.certificateVerification = .none }
    if let authority = configuration.certificateAuthority {
      try tls.trust(
        authority, source: configuration.certificateAuthorityFile ?? configuration.source,
        field: configuration.field("certificate-authority"))
    }
    if let certificate = configuration.credentials.certificate {
      try tls.use(certificate, source: configuration.source, field: configuration.userField("client-certificate"))
    }
    return tls
  }

  /// Trusts these authorities alone.
  /// - Throws: ``ConfigurationError`` when there is no certificate in it.
  mutating func trust(_ authority: [UInt8], source: String, field: String) throws {
    do {
      trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authority))
    } catch {
      throw ConfigurationError(
        file: source, field: field, problem: "holds no PEM certificate (\(error))",
        remedy: "copy the cluster's CA certificate again")
    }
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
