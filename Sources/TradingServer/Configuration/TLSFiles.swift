/// The server's certificate chain and private key, PEM files that may be renewed while the server runs.
public struct TLSFiles: Sendable, Hashable {
  public var certificate: String
  public var key: String

  public init(certificate: String, key: String) {
    self.certificate = certificate
    self.key = key
  }
}

extension EnvironmentReader {
  /// Reads TLS_CERT_FILE and TLS_KEY_FILE, and tries them: a server that cannot speak must not start.
  mutating func tls() -> TLSFiles? {
    let (certificate, key) = (text("TLS_CERT_FILE", default: ""), text("TLS_KEY_FILE", default: ""))
    if certificate.isEmpty, key.isEmpty { return nil }
    for (name, other, value) in [
      ("TLS_CERT_FILE", "TLS_KEY_FILE", certificate), ("TLS_KEY_FILE", "TLS_CERT_FILE", key),
    ]
    where value.isEmpty {
      report(name, "is not set although \(other) is", remedy: "set both, or none for plain HTTP")
      return nil
    }
    let files = TLSFiles(certificate: certificate, key: key)
    do {
      _ = try TLSContext.load(files)
    } catch {
      report(
        "TLS_CERT_FILE", "and TLS_KEY_FILE cannot be used: \(error)", remedy: "point them at a PEM chain and its key")
    }
    return files
  }
}
