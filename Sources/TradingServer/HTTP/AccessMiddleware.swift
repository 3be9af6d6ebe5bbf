import HTTPTypes
import Hummingbird

/// Before the routes that need to know who sends the request: checks the token and the client's own rate.
struct AccessMiddleware: RouterMiddleware {
  let authenticator: any Authenticating
  /// By login.
  let rate: RateLimiter
  /// Whoever has another role is refused; nil lets every role through.
  var role: Role?

  func handle(
    _ request: Request, context: TradingContext, next: (Request, TradingContext) async throws -> Response
  ) async throws -> Response {
    let principal = try authenticator.principal(bearer: try Self.token(request.headers))
    if let role, principal.role != role {
      if principal.expires == nil { throw APIError.unauthenticated("token_missing", "this needs a token") }
      throw APIError.forbidden("this is for the role \(role.rawValue)", remedy: "log in as \(role.rawValue)")
    }
    if let wait = rate.take(principal.subject) { throw APIError.rateLimited("account", retryAfter: wait) }
    var context = context
    context.principal = principal
    return try await next(request, context)
  }

  /// What follows `Bearer` (RFC 6750, section 2.1); nil without an Authorization header.
  static func token(_ headers: HTTPFields) throws(APIError) -> String? {
    guard let value = headers[.authorization] else { return nil }
    let words = value.utf8.split(separator: UInt8(ascii: " "))
    guard words.count == 2, String(words[0])?.lowercased() == "bearer", let token = String(words[1]) else {
      throw .unauthenticated(
        "token_malformed", "the Authorization header is not understood", remedy: "send Authorization: Bearer <token>")
    }
    return token
  }
}
