import HTTPTypes
import Hummingbird
import Instrumentation
import Logging
import ServiceContextModule
import Tracing

extension HTTPField.Name {
  /// Ties a request to its log entries. Clients may choose it; otherwise the server does.
  // swift-format-ignore: NeverForceUnwrap
  static let requestId = HTTPField.Name("X-Request-Id")!  // Safe: a constant of token characters (RFC 9110, 5.1).
}

/// Around every request: its id, its span, its metrics, its log entry, the rate of its address, errors as JSON, and the
/// headers that browsers want.
struct RequestMiddleware: RouterMiddleware {
  let metrics: TradingMetrics
  let readiness: Readiness
  let forwarding: ForwardedAddress
  /// By address.
  let rate: RateLimiter
  let isSecure: Bool

  func handle(
    _ request: Request, context: TradingContext, next: (Request, TradingContext) async throws -> Response
  ) async throws -> Response {
    let start = ContinuousClock.now
    let id = Self.requestId(request)
    var context = context
    context.address = forwarding.address(peer: context.peer, headers: request.headers)
    context.logger[metadataKey: "hb.request.id"] = nil
    context.logger[metadataKey: "request_id"] = "\(id)"

    var response: Response
    do {
      response = try await traced(request, context, next)
    } catch {
      response = try Self.response(to: error, request, context.logger)
    }
    response.headers[.requestId] = id
    SecurityHeaders.add(to: &response.headers, isSecure: isSecure)
    // Clients with kept-alive connections move to another replica.
    if readiness.sendsClientsAway { response.headers[.connection] = "close" }

    let duration = start.duration(to: .now)
    // The pattern, not the path: one series for all orders.
    metrics.requestFinished(
      method: Self.label(request.method), route: context.endpointPath ?? "unknown", status: Int(response.status.code),
      after: duration)
    context.logger.debug(
      "request",
      metadata: [
        "method": "\(request.method.rawValue)", "path": "\(request.uri.path)", "status": "\(response.status.code)",
        "duration": "\(duration)",
      ])
    return response
  }

  private func traced(
    _ request: Request, _ context: TradingContext, _ next: (Request, TradingContext) async throws -> Response
  ) async throws -> Response {
    if Self.probes.contains(request.uri.path) { return try await next(request, context) }
    var trace = ServiceContext.current ?? .topLevel
    InstrumentationSystem.instrument.extract(request.headers, into: &trace, using: TraceHeaders())
    return try await withSpan("\(Self.label(request.method)) request", context: trace, ofKind: .server) { span in
      span.attributes["http.request.method"] = request.method.rawValue
      if let wait = rate.take(context.address) { throw APIError.rateLimited("address", retryAfter: wait) }
      let response = try await next(request, context)
      if let route = context.endpointPath {
        span.operationName = "\(request.method.rawValue) \(route)"
        span.attributes["http.route"] = route
      }
      span.attributes["http.response.status_code"] = Int(response.status.code)
      return response
    }
  }

  /// Asked all the time by those who watch the server, and cheap: neither traced nor limited.
  private static let probes: Set = ["/health", "/ready", "/metrics"]

  /// Clients may invent methods; each would become a series of its own.
  private static func label(_ method: HTTPRequest.Method) -> String {
    [.get, .head, .post, .put, .patch, .delete, .options].contains(method) ? method.rawValue : "other"
  }

  private static func response(to error: any Error, _ request: Request, _ logger: Logger) throws -> Response {
    if let known = APIError.from(error) {
      if known.status.kind == .serverError {
        logger.warning("request failed", metadata: ["error": "\(error)", "code": "\(known.error.code)"])
      }
      var response = try Response.json(known, status: known.status)
      if let seconds = known.retryAfter { response.headers[.retryAfter] = String(seconds) }
      if known.status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer realm=\"rtx\"" }
      return response
    }
    if let error = error as? HTTPError, error.status == .notFound {
      return try .json(APIError.unknownRoute(request.method.rawValue, request.uri.path), status: .notFound)
    }
    logger.error("request failed", metadata: ["error": "\(error)", "path": "\(request.uri.path)"])
    return try .json(APIError.internalError, status: .internalServerError)
  }

  /// The client's id when it is short and printable, so that it cannot forge log entries.
  private static func requestId(_ request: Request) -> String {
    guard let id = request.headers[.requestId], (1...128).contains(id.utf8.count),
      id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
    else { return randomWord() }
    return id
  }
}

/// Reads `traceparent` and its like from the request's headers.
private struct TraceHeaders: Extractor {
  func extract(key: String, from headers: HTTPFields) -> String? {
    HTTPField.Name(key).flatMap { headers[$0] }
  }
}
