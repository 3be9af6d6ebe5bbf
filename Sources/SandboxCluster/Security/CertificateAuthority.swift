import COpenSSL

/// Signs the certificates of one sandbox: the server's, and those that clients prove themselves with.
public final class CertificateAuthority: Sendable {
  /// A certificate with its key, both PEM.
  public struct Identity: Sendable {
    public var certificatePEM: String
    public var privateKeyPEM: String
  }

  /// What a certificate is good for.
  public enum Usage: Sendable {
    case server(dnsNames: [String], addresses: [String])
    case client
  }

  /// The authority's own certificate, which clients trust.
  public let certificatePEM: String
  private let key: PrivateKey
  private let certificate: Certificate

  /// Makes an authority that signs for ten years.
  /// - Throws: `SecurityError`.
  public init(commonName: String) throws {
    key = try PrivateKey()
    certificate = try Certificate(
      subject: [("CN", commonName)], days: 3650, key: key,
      extensions: [
        (NID_basic_constraints, "critical,CA:TRUE"), (NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature"),
        (NID_subject_key_identifier, "hash"),
      ], issuer: nil)
    certificatePEM = try certificate.pem()
  }

  /// Makes a key and signs a certificate for it.
  ///
  /// - Parameters:
  ///   - commonName: the user's name for a client.
  ///   - organizations: the user's groups for a client.
  /// - Throws: `SecurityError`.
  public func issue(
    commonName: String, organizations: [String] = [], usage: Usage, days: Int = 365
  ) throws -> Identity {
    let own = try PrivateKey()
    var extensions: [(Int32, String)] = [
      (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature,keyEncipherment"),
    ]
    switch usage {
    case .server(let names, let addresses):
      extensions.append((NID_ext_key_usage, "serverAuth"))
      let alternatives = names.map { "DNS:\($0)" } + addresses.map { "IP:\($0)" }
      extensions.append((NID_subject_alt_name, alternatives.joined(separator: ",")))
    case .client: extensions.append((NID_ext_key_usage, "clientAuth"))
    }
    let signed = try Certificate(
      subject: organizations.map { ("O", $0) } + [("CN", commonName)], days: days, key: own, extensions: extensions,
      issuer: (certificate, key))
    return Identity(certificatePEM: try signed.pem(), privateKeyPEM: try own.pem())
  }
}

/// An X.509 certificate.
final class Certificate: @unchecked Sendable {  // safe: the X509 is only read after init.
  let pointer: OpaquePointer

  /// Makes and signs a certificate; with no issuer it signs itself.
  init(
    subject: [(String, String)], days: Int, key: PrivateKey, extensions: [(Int32, String)],
    issuer: (certificate: Certificate, key: PrivateKey)?
  ) throws(SecurityError) {
    pointer = try required(X509_new(), "certificate")
    try succeed(X509_set_version(pointer, 2), "certificate version")
    try setSerialNumber()
    // An hour back, so that a clock a little behind still accepts it.
    _ = X509_gmtime_adj(X509_getm_notBefore(pointer), -3600)
    _ = X509_gmtime_adj(X509_getm_notAfter(pointer), days * 86_400)
    try succeed(X509_set_pubkey(pointer, key.pointer), "certificate key")
    let name = try required(X509_get_subject_name(pointer), "certificate subject")
    for (field, value) in subject {
      let bytes = Array(value.utf8)
      try succeed(
        X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, bytes, Int32(bytes.count), -1, 0), "certificate subject")
    }
    let issuerPointer = issuer?.certificate.pointer ?? pointer
    try succeed(X509_set_issuer_name(pointer, X509_get_subject_name(issuerPointer)), "certificate issuer")
    var context = X509V3_CTX()
    X509V3_set_ctx(&context, issuerPointer, pointer, nil, nil, 0)
    for (identifier, value) in extensions {
      let made = try required(X509V3_EXT_conf_nid(nil, &context, identifier, value), "certificate extension \(value)")
      defer { X509_EXTENSION_free(made) }
      try succeed(X509_add_ext(pointer, made, -1), "certificate extension \(value)")
    }
    guard X509_sign(pointer, (issuer?.key ?? key).pointer, EVP_sha256()) > 0 else {
      throw SecurityError("signing a certificate")
    }
  }

  /// Reads a DER certificate.
  init(der: [UInt8]) throws(SecurityError) {
    let parsed = der.withUnsafeBufferPointer { bytes in
      var start = bytes.baseAddress
      return d2i_X509(nil, &start, bytes.count)
    }
    pointer = try required(parsed, "reading a certificate")
  }

  deinit { X509_free(pointer) }

  func pem() throws(SecurityError) -> String {
    try written { PEM_write_bio_X509($0, pointer) }
  }

  /// Every value of one field of the subject, such as `NID_commonName`.
  func subjectValues(_ identifier: Int32) -> [String] {
    guard let name = X509_get_subject_name(pointer) else { return [] }
    var values: [String] = []
    var index = X509_NAME_get_index_by_NID(name, identifier, -1)
    while index >= 0 {
      if let data = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)) {
        var text: UnsafeMutablePointer<UInt8>?
        let length = ASN1_STRING_to_UTF8(&text, data)
        if length >= 0, let text {
          values.append(String(decoding: UnsafeBufferPointer(start: text, count: Int(length)), as: UTF8.self))
          CRYPTO_free(text, "", 0)
        }
      }
      index = X509_NAME_get_index_by_NID(name, identifier, index)
    }
    return values
  }

  private func setSerialNumber() throws(SecurityError) {
    var bytes = [UInt8](repeating: 0, count: 16)
    try succeed(RAND_bytes(&bytes, Int32(bytes.count)), "random serial number")
    bytes[0] &= 0x7f  // Serial numbers are positive.
    let number = try required(BN_bin2bn(bytes, Int32(bytes.count), nil), "serial number")
    defer { BN_free(number) }
    _ = try required(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(pointer)), "serial number")
  }
}
