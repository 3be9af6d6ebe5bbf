import FoundationEssentials
import Testing
import TradingCore
import TradingStore

@testable import TradingServer

@Suite struct TokenTests {
  private let signer = TokenSigner(secret: Secret("0123456789abcdef0123456789abcdef"))
  private let now = Timestamp(milliseconds: 1_800_000_000_000)

  private func claims(use: TokenClaims.Use = .access, exp: Int64 = 1_800_000_001, iss: String = "rtx-server")
    -> TokenClaims
  {
    TokenClaims(
      iss: iss, sub: "demo", role: .trader, accounts: ["demo"], use: use, sid: "s", jti: "j", iat: 1_799_999_000,
      exp: exp)
  }

  /// RFC 4231, test case 2.
  @Test func theCodeIsThatOfTheRFC() {
    let code = HMACSHA256.code(for: Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
    let hex = code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    #expect(hex == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
  }

  /// The example of RFC 7515, appendix A.1, whose key is not a text.
  @Test func base64URLIsThatOfTheRFC() throws {
    let bytes: [UInt8] = [3, 236, 255, 224, 193]
    #expect(Base64URL.encode(bytes) == "A-z_4ME")
    #expect(Base64URL.decode("A-z_4ME") == bytes)
    // Padding, the other alphabet, and bits that a decoder would drop.
    for text in ["A-z_4ME=", "A+z/4ME", "A-z_4MF", "A", "Ä", "A-z_ 4ME"] {
      #expect(Base64URL.decode(text) == nil, "\(text)")
    }
  }

  @Test func aTokenSaysWhatItWasSignedWith() throws {
    let token = try signer.sign(claims())
    #expect(try signer.verify(token, use: .access, at: now) == claims())
  }

  @Test func everyOtherTokenIsRefused() throws {
    let token = try signer.sign(claims())
    let parts = token.split(separator: ".").map(String.init)
    func header(_ json: String) -> String { Base64URL.encode(json.utf8) }
    func signed(_ header: String) -> String {
      let content = header + "." + parts[1]
      let key = Array("0123456789abcdef0123456789abcdef".utf8)
      return content + "." + Base64URL.encode(HMACSHA256.code(for: Array(content.utf8), key: key))
    }
    let other = TokenSigner(secret: Secret("another secret that is long enough."))
    let cases: [(String, TokenError)] = [
      ("", .malformed), ("a.b", .malformed), ("..", .malformed), (token + ".x", .malformed), (token + "=", .malformed),
      (String(repeating: "a", count: 5_000), .malformed),
      (parts[0] + "." + parts[1] + ".", .signature),
      (header(#"{"alg":"none"}"#) + "." + parts[1] + ".", .signature),
      (signed(header(#"{"alg":"HS512","typ":"JWT"}"#)), .signature),
      (signed(header(#"{"alg":"HS256","crit":["x"]}"#)), .signature),
      (signed(header("{}")), .malformed),
      (try other.sign(claims()), .signature),
      (try signer.sign(claims(use: .refresh)), .use),
      (try signer.sign(claims(exp: 1_800_000_000)), .expired),
      (try signer.sign(claims(exp: .max)), .malformed),
      (try signer.sign(claims(iss: "else")), .malformed),
      (parts[0] + "." + Base64URL.encode(Base64URL.decode(parts[1])?.reversed() ?? []) + "." + parts[2], .signature),
    ]
    for (text, error) in cases {
      #expect(throws: error, "\(text)") { try signer.verify(text, use: .access, at: now) }
    }
  }
}

@Suite struct VerifiedTokensTests {
  private func session(_ id: String, expires: Int64) -> VerifiedTokens.Session {
    VerifiedTokens.Session(
      id: id,
      principal: Principal(
        subject: id, role: .trader, accounts: [id], expires: Timestamp(milliseconds: expires)))
  }

  @Test func aTokenIsKnownUntilItExpires() {
    let tokens = VerifiedTokens()
    tokens.remember(session("s", expires: 1_000), of: "token")
    #expect(tokens.session(of: "token", at: Timestamp(milliseconds: 999))?.id == "s")
    #expect(tokens.session(of: "token", at: Timestamp(milliseconds: 1_000)) == nil)
    #expect(tokens.session(of: "toke", at: Timestamp(milliseconds: 999)) == nil)
  }

  @Test func noMoreThanTheLimitAreKept() {
    let tokens = VerifiedTokens(limit: 10)
    let now = Timestamp(milliseconds: 0)
    for number in 0..<95 { tokens.remember(session("\(number)", expires: 1_000), of: "token \(number)") }
    let known = (0..<95).filter { tokens.session(of: "token \($0)", at: now) != nil }
    #expect(known == Array(90..<95))
  }
}

@Suite struct PasswordHasherTests {
  private let hasher = PasswordHasher(cost: 4)

  /// Vectors of the crypt_blowfish test suite (Openwall, wrapper.c).
  @Test(arguments: [
    ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
  ])
  func knownHashesMatch(password: String, hash: String) async throws {
    #expect(try await hasher.matches(password, hash: hash))
    #expect(try await !hasher.matches(password + "x", hash: hash))
  }

  @Test func aNewHashMatchesItsPasswordOnly() async throws {
    let hash = try await hasher.hash("correct horse")
    #expect(PasswordHasher.isHash(hash))
    #expect(hash.hasPrefix("$2b$04$"))
    #expect(try await hasher.hash("correct horse") != hash)
    #expect(try await hasher.matches("correct horse", hash: hash))
    #expect(try await !hasher.matches("Correct horse", hash: hash))
    // bcrypt reads to the first zero and no further than 72 bytes; neither may open a door.
    #expect(try await !hasher.matches("correct horse\0", hash: hash))
    let long = String(repeating: "x", count: 72)
    let longHash = try await hasher.hash(long)
    #expect(try await hasher.matches(long, hash: longHash))
    #expect(try await !hasher.matches(long + "y", hash: longHash))
  }

  @Test func withoutAHashNothingMatches() async throws {
    #expect(try await !hasher.matches("", hash: nil))
    #expect(try await !hasher.matches("x", hash: "*0"))
  }

  @Test func onlyBcryptIsAHash() {
    #expect(PasswordHasher.isHash("$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"))
    for text in [
      "", "admin", "$2x$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
      "$2b$32$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "$1$abc$def",
      "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhW ",
    ] { #expect(!PasswordHasher.isHash(text), "\(text)") }
  }
}
