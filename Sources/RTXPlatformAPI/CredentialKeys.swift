/// Keys of the credentials Secret (deployment architecture: "3. Secrets").
public enum CredentialKey: String, Sendable, CaseIterable {
  case databaseUser = "DB_USER"
  case databasePassword = "DB_PASSWORD"
  case jwtSecret = "JWT_SECRET"
  case redisPassword = "REDIS_PASSWORD"
  /// bcrypt hash of the administrator's password. Empty: the administration API stays closed.
  case adminPasswordHash = "ADMIN_PASSWORD_HASH"
  case oandaAPIKey = "OANDA_API_KEY"
  case oandaAccountID = "OANDA_ACCOUNT_ID"
}

extension RTXPlatform {
  /// Keys without which this platform cannot run.
  public var requiredCredentials: [CredentialKey] {
    let always: [CredentialKey] = [.databaseUser, .databasePassword, .jwtSecret, .redisPassword]
    return spec.backend.priceFeed == "OANDA" ? always + [.oandaAPIKey, .oandaAccountID] : always
  }
}
