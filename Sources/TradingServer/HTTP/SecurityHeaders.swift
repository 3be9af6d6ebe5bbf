import HTTPTypes

/// What tells browsers to be careful (OWASP's REST Security and HTTP Headers cheat sheets).
enum SecurityHeaders {
  /// Pages of this server need nothing from elsewhere; `style-src` and `script-src` allow what stands in the page itself.
  static let policy =
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    + "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

  // swift-format-ignore: NeverForceUnwrap
  private static let referrerPolicy = HTTPField.Name("Referrer-Policy")!  // Safe: a constant of token characters.

  /// - Parameter isSecure: whether the server itself speaks TLS; a proxy that does says so itself.
  static func add(to headers: inout HTTPFields, isSecure: Bool) {
    headers[.xContentTypeOptions] = "nosniff"
    headers[referrerPolicy] = "no-referrer"
    if headers[.contentSecurityPolicy] == nil { headers[.contentSecurityPolicy] = policy }
    if isSecure { headers[.strictTransportSecurity] = "max-age=31536000" }
  }
}
