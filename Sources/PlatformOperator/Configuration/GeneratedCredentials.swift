import FoundationEssentials
import RTXPlatformAPI

/// Passwords that nobody chose. Keys that are there are never changed, whatever they hold.
enum GeneratedCredentials {
  /// Length of a generated password: 32 of 62 characters are 190 bits.
  static let length = 32
  /// The trading server's database role.
  static let databaseUser = "rtx"

  /// The trading server's Secret. Without ADMIN_PASSWORD_HASH the administration API stays closed.
  static func backend(existing: [String: String], using random: inout some RandomNumberGenerator) -> [String: String] {
    var data = existing
    data.fill(CredentialKey.databaseUser.rawValue) { databaseUser }
    for key in [CredentialKey.databasePassword, .jwtSecret, .redisPassword] {
      data.fill(key.rawValue) { password(using: &random) }
    }
    return data
  }

  /// The Secret of PostgreSQL's own users and of Patroni's REST API.
  static func postgres(existing: [String: String], using random: inout some RandomNumberGenerator) -> [String: String] {
    var data = existing
    for key in PostgresSecretKey.allCases { data.fill(key.rawValue) { password(using: &random) } }
    return data
  }

  /// Letters and digits only, so that no shell, URL or configuration file has to quote it.
  static func password(using random: inout some RandomNumberGenerator) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
    let bytes = (0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// Keys of the Secret `<platform>-postgres-secrets`.
enum PostgresSecretKey: String, CaseIterable {
  case superuserPassword = "SUPERUSER_PASSWORD"
  case replicationPassword = "REPLICATION_PASSWORD"
  case patroniPassword = "PATRONI_PASSWORD"
}

extension [String: String] {
  /// Sets a key of a Secret's data (base64) unless there is one.
  fileprivate mutating func fill(_ key: String, _ value: () -> String) {
    if self[key] == nil { self[key] = SecretData.encode(value()) }
  }
}

/// A Secret's `data`: base64 of UTF-8.
enum SecretData {
  static func encode(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

  static func decode(_ text: String) -> String? {
    Data(base64Encoded: text).map { String(decoding: $0, as: UTF8.self) }
  }
}
