import HTTPTypes
import Logging
import Synchronization
import TradingCore
import TradingStore

/// Where passwords are looked up.
protocol CredentialStore: Sendable {
  /// The bcrypt hash of a trader's password; nil when there is no such account or it has none.
  func passwordHash(of accountId: String) async throws -> String?
}

/// What a client gets for its password or for a refresh token.
struct SessionTokens: Encodable, Sendable {
  let accessToken: String
  let tokenType = "Bearer"
  /// Seconds.
  let expiresIn: Int64
  /// Good for one use.
  let refreshToken: String
  let refreshExpiresIn: Int64
  let role: Role
  let accounts: [String]
}

/// Begins, continues and ends sessions, and tells from a token who a client is.
final class Sessions: Authenticating {
  /// Of an access token: what a stolen one is good for at most, in seconds.
  static let accessLifetime: Int64 = 900
  /// Of a refresh token: a client that was away longer logs in again, in seconds.
  static let refreshLifetime: Int64 = 86_400
  /// The administrator's login; no trading account has it as its id.
  static let adminLogin = "admin"

  private let signer: TokenSigner?
  private let adminHash: String?
  private let isDemoOpen: Bool
  private let credentials: any CredentialStore
  private let hasher: PasswordHasher
  private let revocations: Revocations
  private let verified = VerifiedTokens()
  /// Whoever fails on purpose must not be able to keep the owner out for long.
  private let logins = Mutex(LoginThrottle(longestDelay: .seconds(30)))
  /// Many people share an office's address, so it may fail more often; then it waits longer.
  private let addresses = Mutex(LoginThrottle(freeAttempts: 20))

  /// - Parameters:
  ///   - secret: of the tokens; without one nobody can log in.
  ///   - adminHash: bcrypt of the administrator's password; without one there is no administrator.
  ///   - isDemoOpen: whether requests without a token trade on the demo account.
  init(
    secret: Secret?, adminHash: Secret?, isDemoOpen: Bool, credentials: any CredentialStore, hasher: PasswordHasher,
    revocations: Revocations
  ) {
    signer = secret.map { TokenSigner(secret: $0) }
    self.adminHash = adminHash?.reveal()
    self.isDemoOpen = isDemoOpen
    self.credentials = credentials
    self.hasher = hasher
    self.revocations = revocations
  }

  func principal(bearer token: String?) throws(APIError) -> Principal {
    guard let token else {
      if isDemoOpen { return .demo }
      throw .unauthenticated("token_missing", "this needs a token")
    }
    let known = try session(of: token)
    if revocations.isEnded(known.id) { throw APIError(.revoked) }
    return known.principal
  }

  private func session(of token: String) throws(APIError) -> VerifiedTokens.Session {
    if let known = verified.session(of: token, at: .now) { return known }
    let claims = try verify(token, use: .access)
    let session = VerifiedTokens.Session(
      id: claims.sid,
      principal: Principal(
        subject: claims.sub, role: claims.role, accounts: claims.accounts.map { Set($0) }, expires: claims.expires))
    verified.remember(session, of: token)
    return session
  }

  /// - Parameter address: the client's, for throttling.
  func logIn(_ login: String, password: String, from address: String) async throws -> SessionTokens {
    guard signer != nil else { throw APIError.sessionsClosed }
    // The address first: one that must wait cannot make a login wait.
    if let wait = addresses.withLock({ $0.attempt(address, at: .now) })
      ?? logins.withLock({ $0.attempt(login, at: .now) })
    {
      throw APIError.tooManyAttempts(retryAfter: wait)
    }
    let isAdmin = login == Self.adminLogin
    let hash = isAdmin ? adminHash : try await credentials.passwordHash(of: login)
    guard try await hasher.matches(password, hash: hash) else {
      throw APIError.unauthenticated(
        "wrong_credentials", "the login or the password is wrong", remedy: "check both; passwords are case-sensitive")
    }
    logins.withLock { $0.forget(login) }
    addresses.withLock { $0.withdrawAttempt(address) }
    return try tokens(
      subject: login, role: isAdmin ? .admin : .trader, accounts: isAdmin ? nil : [login],
      session: Base64URL.encode(randomBytes(16)))
  }

  /// Exchanges a refresh token for new tokens. One that comes a second time was copied, so its whole session ends
  /// (RFC 9700, section 4.14.2).
  func refresh(_ token: String) async throws -> SessionTokens {
    let claims = try verify(token, use: .refresh)
    guard
      try await revocations.use(refreshToken: claims.jti, of: claims.sid, until: claims.expires)
    else {
      try await end(claims.sid)
      throw APIError(.revoked)
    }
    return try tokens(subject: claims.sub, role: claims.role, accounts: claims.accounts, session: claims.sid)
  }

  /// Ends the session that the access token belongs to.
  func end(bearer token: String?) async throws {
    guard let token else { throw APIError.unauthenticated("token_missing", "there is no session to end") }
    try await end(try verify(token, use: .access).sid)
  }

  private func end(_ session: String) async throws {
    let now = Timestamp.now.milliseconds
    try await revocations.end(
      session, accessUntil: Timestamp(milliseconds: now + Self.accessLifetime * 1_000),
      until: Timestamp(milliseconds: now + Self.refreshLifetime * 1_000))
  }

  private func verify(_ token: String, use: TokenClaims.Use) throws(APIError) -> TokenClaims {
    guard let signer else { throw .sessionsClosed }
    do {
      return try signer.verify(token, use: use, at: .now)
    } catch {
      throw APIError(error)
    }
  }

  private func tokens(subject: String, role: Role, accounts: [String]?, session: String) throws -> SessionTokens {
    guard let signer else { throw APIError.sessionsClosed }
    let now = Timestamp.now.milliseconds / 1_000
    func token(_ use: TokenClaims.Use, _ lifetime: Int64) throws -> String {
      try signer.sign(
        TokenClaims(
          iss: TokenSigner.issuer, sub: subject, role: role, accounts: accounts, use: use, sid: session,
          jti: Base64URL.encode(randomBytes(16)), iat: now, exp: now + lifetime))
    }
    return SessionTokens(
      accessToken: try token(.access, Self.accessLifetime), expiresIn: Self.accessLifetime,
      refreshToken: try token(.refresh, Self.refreshLifetime), refreshExpiresIn: Self.refreshLifetime, role: role,
      accounts: accounts ?? [])
  }
}
