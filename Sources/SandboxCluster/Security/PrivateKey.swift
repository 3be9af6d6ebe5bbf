import COpenSSL

/// An elliptic-curve key pair (P-256).
final class PrivateKey: @unchecked Sendable {  // EVP_PKEY is only read after init, and OpenSSL 3 reads are thread-safe.
  let pointer: OpaquePointer

  /// Makes a new pair.
  init() throws(SecurityError) {
    let context = try required(EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil), "key context")
    defer { EVP_PKEY_CTX_free(context) }
    try succeed(EVP_PKEY_keygen_init(context), "key generation")
    try succeed(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1), "curve")
    var key: OpaquePointer?
    try succeed(EVP_PKEY_keygen(context, &key), "key generation")
    pointer = try required(key, "key generation")
  }

  /// Reads a PKCS#8 or SEC1 key.
  init(pem: String) throws(SecurityError) {
    let bio = try memory(pem)
    defer { BIO_free(bio) }
    pointer = try required(PEM_read_bio_PrivateKey(bio, nil, nil, nil), "reading a private key")
  }

  deinit { EVP_PKEY_free(pointer) }

  /// PKCS#8.
  func pem() throws(SecurityError) -> String {
    try written { PEM_write_bio_PKCS8PrivateKey($0, pointer, nil, nil, 0, nil, nil) }
  }

  /// An ECDSA signature over SHA-256 in DER.
  func sign(_ message: [UInt8]) throws(SecurityError) -> [UInt8] {
    let context = try required(EVP_MD_CTX_new(), "signing")
    defer { EVP_MD_CTX_free(context) }
    try succeed(EVP_DigestSignInit(context, nil, EVP_sha256(), nil, pointer), "signing")
    var length = 0
    try succeed(EVP_DigestSign(context, nil, &length, message, message.count), "signing")
    var signature = [UInt8](repeating: 0, count: length)
    try succeed(EVP_DigestSign(context, &signature, &length, message, message.count), "signing")
    return Array(signature.prefix(length))
  }

  func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    guard let context = EVP_MD_CTX_new() else { return false }
    defer { EVP_MD_CTX_free(context) }
    guard EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, pointer) == 1 else { return false }
    let result = EVP_DigestVerify(context, signature, signature.count, message, message.count)
    ERR_clear_error()
    return result == 1
  }
}

/// A readable in-memory BIO; the caller frees it.
func memory(_ text: String) throws(SecurityError) -> OpaquePointer {
  let bytes = Array(text.utf8)
  let bio = try required(BIO_new(BIO_s_mem()), "memory")
  guard BIO_write(bio, bytes, Int32(bytes.count)) == Int32(bytes.count) else {
    BIO_free(bio)
    throw SecurityError("memory")
  }
  return bio
}

/// What a function writes into a BIO, as text.
func written(_ body: (OpaquePointer) -> Int32) throws(SecurityError) -> String {
  let bio = try required(BIO_new(BIO_s_mem()), "memory")
  defer { BIO_free(bio) }
  try succeed(body(bio), "writing PEM")
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 4096)
  while true {
    let count = BIO_read(bio, &chunk, Int32(chunk.count))
    guard count > 0 else { break }
    bytes += chunk.prefix(Int(count))
  }
  return String(decoding: bytes, as: UTF8.self)
}
