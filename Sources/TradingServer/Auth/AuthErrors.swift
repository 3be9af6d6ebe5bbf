import HTTPTypes

extension APIError {
  static func unauthenticated(
    _ code: String, _ message: String, remedy: String = "log in with POST /api/session"
  ) -> APIError {
    APIError(.unauthorized, code, message, remedy: remedy)
  }

  static let sessionsClosed = APIError(
    .serviceUnavailable, "sessions_closed", "this server has no JWT_SECRET, so nobody can log in",
    remedy: "the operator of the server sets JWT_SECRET")

  static func forbidden(_ message: String, remedy: String) -> APIError {
    APIError(.forbidden, "forbidden", message, remedy: remedy)
  }

  static func tooManyAttempts(retryAfter: Duration) -> APIError {
    APIError(
      .tooManyRequests, "too_many_attempts", "too many failed logins",
      remedy: "wait as long as Retry-After says", retryAfter: retryAfter.wholeSeconds)
  }

  static func rateLimited(_ what: String, retryAfter: Duration) -> APIError {
    APIError(
      .tooManyRequests, "rate_limited", "too many requests from this \(what)",
      remedy: "wait as long as Retry-After says, and spread requests out", retryAfter: retryAfter.wholeSeconds)
  }

  init(_ error: TokenError) {
    self =
      switch error {
      case .malformed: .unauthenticated("token_malformed", "the token is not one of this server's")
      case .signature: .unauthenticated("token_invalid", "the token was not signed by this server")
      case .expired:
        .unauthenticated("token_expired", "the token has expired", remedy: "use POST /api/session/refresh, or log in")
      case .use:
        .unauthenticated(
          "token_use", "an access token cannot refresh, and a refresh token gives no access", remedy: "send the other")
      case .revoked: .unauthenticated("session_ended", "the session was ended")
      }
  }
}

extension Duration {
  /// Rounded up, at least 1: what Retry-After takes.
  fileprivate var wholeSeconds: Int {
    Int(max(1, components.seconds + (components.attoseconds > 0 ? 1 : 0)))
  }
}
