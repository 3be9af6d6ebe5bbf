import NIOSSL

/// Certificates and key of a connection, with the files that they are renewed from.
struct TLSMaterial: Sendable, Equatable {
  var authority: [UInt8]?
  var certificate: Credentials.Certificate?
  let authorityFile: String?
  let certificateFiles: Credentials.CertificateFiles?
  private let source: String
  private let certificateField: String
  private let authorityField: String

  init(_ configuration: ClusterConfiguration) {
    authority = configuration.certificateAuthority
    certificate = configuration.credentials.certificate
    authorityFile = configuration.certificateAuthorityFile
    certificateFiles = configuration.credentials.certificateFiles
    source = configuration.source
    certificateField = configuration.userField("client-certificate")
    authorityField = configuration.field("certificate-authority")
  }

  var hasFiles: Bool { authorityFile != nil || certificateFiles != nil }

  /// What the files hold now; a file that cannot be read leaves its part as it was.
  func reread() -> TLSMaterial {
    var next = self
    if let bytes = Self.bytes(authorityFile) { next.authority = bytes }
    if let certificate {
      next.certificate = Credentials.Certificate(
        chain: Self.bytes(certificateFiles?.chain) ?? certificate.chain,
        key: Self.bytes(certificateFiles?.key) ?? certificate.key)
    }
    return next
  }

  /// Whether everything can be read and the key belongs to the certificate.
  func isConsistent(with base: TLSConfiguration) -> Bool {
    guard let tls = try? applied(to: base) else { return false }
    return (try? NIOSSLContext(configuration: tls)) != nil
  }

  /// - Throws: ``ConfigurationError``.
  func applied(to base: TLSConfiguration) throws -> TLSConfiguration {
    var tls = base
    if let authority { try tls.trust(authority, source: authorityFile ?? source, field: authorityField) }
    if let certificate { try tls.use(certificate, source: source, field: certificateField) }
    return tls
  }

  private static func bytes(_ file: String?) -> [UInt8]? {
    file.flatMap { try? ConfigurationFile.read($0, field: nil, remedy: "") }
  }
}
