import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// What the server knows about a request besides the request.
struct TradingContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// The other end of the connection: a proxy's where there is one.
  let peer: String
  /// The client's, as far as the proxies can be trusted.
  var address: String
  /// Who sends the request; set on routes that need to know.
  var principal: Principal?

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    peer = source.channel.remoteAddress?.ipAddress ?? "local"
    address = peer
  }

  /// - Throws: `APIError` 401 where no one is known, which is a mistake of the routes.
  func client() throws(APIError) -> Principal {
    guard let principal else { throw .unauthenticated("token_missing", "this needs a token") }
    return principal
  }
}

extension HTTPField.Name {
  /// Who the client of a proxy is; each proxy appends the address that it sees.
  // swift-format-ignore: NeverForceUnwrap
  static let forwardedFor = HTTPField.Name("X-Forwarded-For")!  // Safe: a constant of token characters (RFC 9110, 5.1).
}

/// Finds the client's address behind proxies.
struct ForwardedAddress: Sendable {
  /// Proxies that stand in front of the server, each of which appends to X-Forwarded-For. What stands further left in
  /// the header was written by the client and proves nothing.
  let trustedProxies: Int

  func address(peer: String, headers: HTTPFields) -> String {
    guard trustedProxies > 0 else { return peer }
    let seen = (headers[.forwardedFor] ?? "").split(separator: ",").map { $0.filter { $0 != " " } }
    guard seen.count >= trustedProxies else { return peer }
    return String(seen[seen.count - trustedProxies].prefix(64))
  }
}
