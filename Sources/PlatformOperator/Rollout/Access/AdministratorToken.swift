import Crypto
import FoundationEssentials
import KubernetesModels

/// A JSON Web Token that lets the operator send a trading server's clients away (RFC 7519, HS256), signed with the
/// platform's own JWT_SECRET. It is good for a minute.
enum AdministratorToken {
  private struct Claims: Encodable {
    var iss = "rtx-server"
    var sub = "rtx-operator"
    var role = "admin"
    var use = "access"
    var sid: String
    var jti: String
    var iat: Int64
    var exp: Int64
  }

  static func make(secret: String, now: Timestamp = .now) throws -> String {
    let identity = UUID().uuidString
    let claims = Claims(sid: identity, jti: identity, iat: now.secondsSinceEpoch, exp: now.secondsSinceEpoch + 60)
    let content = encode(Data(#"{"alg":"HS256","typ":"JWT"}"#.utf8)) + "." + encode(try JSONEncoder().encode(claims))
    let code = HMAC<SHA256>.authenticationCode(for: Data(content.utf8), using: SymmetricKey(data: Data(secret.utf8)))
    return content + "." + encode(Data(code))
  }

  /// RFC 4648, section 5, without padding.
  private static func encode(_ data: Data) -> String {
    String(
      data.base64EncodedString().compactMap { character in
        switch character {
        case "+": "-"
        case "/": "_"
        case "=": nil
        default: character
        }
      })
  }
}
