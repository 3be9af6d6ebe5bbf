import FoundationEssentials
import TradingCore
import TradingStore

/// What a token says (RFC 7519, section 4.1, and what this server adds).
struct TokenClaims: Codable, Sendable, Hashable {
  /// What the token is good for: a stolen access token cannot be made to last.
  enum Use: String, Codable, Sendable { case access, refresh }

  let iss: String
  /// The login.
  let sub: String
  let role: Role
  let accounts: [String]?
  let use: Use
  /// The session that began with a password; all of its tokens end with it.
  let sid: String
  /// This token alone.
  let jti: String
  /// Seconds since 1970.
  let iat, exp: Int64

  var expires: Timestamp { Timestamp(milliseconds: exp * 1_000) }
}

/// Why a token is not accepted.
enum TokenError: Error, Hashable, Sendable {
  /// Not three parts of base64url with the header and the claims of this server.
  case malformed
  /// Signed with another key or another algorithm.
  case signature
  case expired
  /// A refresh token where an access token is needed, or the other way round.
  case use
  case revoked
}

/// Makes and checks JSON Web Tokens signed with HMAC-SHA-256 (RFC 7515, HS256).
struct TokenSigner: Sendable {
  static let issuer = "rtx-server"
  /// Longer ones are nobody's: a limit before anything is decoded.
  static let maximumLength = 4_096

  private struct Header: Codable {
    let alg: String
    let typ: String?
    /// Extensions that must be understood; this server understands none (RFC 7515, section 4.1.11).
    let crit: [String]?
  }

  private static let header = Base64URL.encode(#"{"alg":"HS256","typ":"JWT"}"#.utf8)
  private let key: [UInt8]

  init(secret: Secret) { key = Array(secret.reveal().utf8) }

  func sign(_ claims: TokenClaims) throws -> String {
    let content = Self.header + "." + Base64URL.encode(try encodeJSON(claims))
    return content + "." + Base64URL.encode(HMACSHA256.code(for: Array(content.utf8), key: key))
  }

  func verify(_ token: String, use: TokenClaims.Use, at time: Timestamp) throws(TokenError) -> TokenClaims {
    guard token.utf8.count <= Self.maximumLength else { throw .malformed }
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, let headerBytes = Base64URL.decode(parts[0]), let claimBytes = Base64URL.decode(parts[1]),
      let code = Base64URL.decode(parts[2]),
      let header = try? JSONDecoder().decode(Header.self, from: Data(headerBytes))
    else { throw .malformed }
    // The algorithm is this server's choice, never the token's: "none" and public-key confusion end here.
    guard header.alg == "HS256", header.crit == nil else { throw .signature }
    let content = Array((parts[0] + "." + parts[1]).utf8)
    guard HMACSHA256.areEqual(code, HMACSHA256.code(for: content, key: key)) else { throw .signature }
    guard let claims = try? JSONDecoder().decode(TokenClaims.self, from: Data(claimBytes)),
      claims.iss == Self.issuer, claims.exp < Int64.max / 1_000
    else { throw .malformed }
    guard claims.expires > time else { throw .expired }
    guard claims.use == use else { throw .use }
    return claims
  }
}
