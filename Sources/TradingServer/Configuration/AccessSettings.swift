public import TradingStore

/// Whether requests without a token may trade.
public enum DemoAccess: String, Sendable, Hashable, CaseIterable {
  /// They act as the trader of the account `demo`, and of no other.
  case open
  /// They are refused.
  case closed
}

/// Who may come in, and how often.
public struct AccessSettings: Sendable {
  public var demo: DemoAccess
  /// Signs tokens; nobody can log in without one.
  public var jwtSecret: Secret?
  /// bcrypt of the administrator's password; /admin stays closed without one.
  public var adminPasswordHash: Secret?
  /// Requests a second of one account; 0 for no limit.
  public var requestsPerAccount: Int
  /// Requests a second from one address; 0 for no limit.
  public var requestsPerAddress: Int
  /// Proxies in front of the server that append to X-Forwarded-For.
  public var trustedProxies: Int
}

extension EnvironmentReader {
  /// A key for HMAC-SHA-256 has at least the length of its output (RFC 7518, section 3.2).
  private static let shortestSecret = 32

  /// - Parameter isSimulated: whether prices are made up, so that strangers can do no harm.
  mutating func access(isSimulated: Bool) -> AccessSettings {
    let settings = AccessSettings(
      demo: choice("DEMO_ACCESS", default: isSimulated ? DemoAccess.open : .closed), jwtSecret: secret("JWT_SECRET"),
      adminPasswordHash: secret("ADMIN_PASSWORD_HASH"),
      requestsPerAccount: integer("RATE_LIMIT_PER_ACCOUNT", default: 500, in: 0...1_000_000),
      requestsPerAddress: integer("RATE_LIMIT_PER_ADDRESS", default: 2_000, in: 0...1_000_000),
      trustedProxies: integer("TRUSTED_PROXIES", default: 0, in: 0...10))
    if let key = settings.jwtSecret, !hasProblem("JWT_SECRET"), key.reveal().utf8.count < Self.shortestSecret {
      report(
        "JWT_SECRET", "is shorter than \(Self.shortestSecret) bytes",
        remedy: "set it to the output of: openssl rand -hex 32")
    }
    if settings.jwtSecret == nil, settings.demo == .closed {
      report(
        "JWT_SECRET", "is not set, and demo access is closed, so nobody could trade",
        remedy: "set it to the output of: openssl rand -hex 32")
    }
    if let hash = settings.adminPasswordHash, !hasProblem("ADMIN_PASSWORD_HASH"), !PasswordHasher.isHash(hash.reveal())
    {
      report(
        "ADMIN_PASSWORD_HASH", "is not a bcrypt hash",
        remedy: "set it to what follows the colon in the output of: htpasswd -nbBC 10 admin <password>")
    }
    return settings
  }
}
