import FoundationEssentials
import NIOCore
import NIOSSL
import Synchronization

/// A server certificate in files that somebody renews: read again when they change, so that no restart is needed.
final class CertificateFiles: Sendable {
  private struct Loaded {
    var changed: [Date?]
    var override: NIOSSLContextConfigurationOverride
  }

  private let certificate: EndpointSecurity.Certificate
  private let loaded: Mutex<Loaded>

  /// - Throws: What NIOSSL says of files that are no certificate and key.
  init(_ certificate: EndpointSecurity.Certificate) throws {
    self.certificate = certificate
    loaded = Mutex(Loaded(changed: Self.changeTimes(certificate), override: try Self.load(certificate)))
  }

  /// TLS 1.3 only.
  func configuration() throws -> TLSConfiguration {
    let chain = try NIOSSLCertificate.fromPEMFile(certificate.chainFile)
    let key = try NIOSSLPrivateKey(file: certificate.keyFile, format: .pem)
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv13
    configuration.sslContextCallback = { _, promise in promise.succeed(self.current()) }
    return configuration
  }

  /// Asked for at each handshake. Half-written files are passed over: the certificate from before stays.
  private func current() -> NIOSSLContextConfigurationOverride {
    let changed = Self.changeTimes(certificate)
    return loaded.withLock { loaded in
      guard changed != loaded.changed, let override = try? Self.load(certificate) else { return loaded.override }
      loaded = Loaded(changed: changed, override: override)
      return override
    }
  }

  private static func load(_ certificate: EndpointSecurity.Certificate) throws -> NIOSSLContextConfigurationOverride {
    var override = NIOSSLContextConfigurationOverride()
    override.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate.chainFile).map { .certificate($0) }
    override.privateKey = .privateKey(try NIOSSLPrivateKey(file: certificate.keyFile, format: .pem))
    return override
  }

  private static func changeTimes(_ certificate: EndpointSecurity.Certificate) -> [Date?] {
    [certificate.chainFile, certificate.keyFile].map { file in
      try? FileManager.default.attributesOfItem(atPath: file)[.modificationDate] as? Date
    }
  }
}
