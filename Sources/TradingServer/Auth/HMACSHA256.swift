import COpenSSL

/// Message authentication by a shared secret (RFC 2104 with SHA-256), and the randomness that tokens need.
enum HMACSHA256 {
  static func code(for message: [UInt8], key: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &code, nil)
    return code
  }

  /// Takes the same time wherever the first difference is, so that a code cannot be guessed byte by byte.
  static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
  }
}

/// Bytes from the system's generator for secrets.
func randomBytes(_ count: Int) -> [UInt8] {
  var generator = SystemRandomNumberGenerator()
  return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
}
