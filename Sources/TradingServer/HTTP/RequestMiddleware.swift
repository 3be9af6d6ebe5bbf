import HTTPTypes
import Hummingbird
import Logging

extension HTTPField.Name {
  /// Ties a request to its log entries. Clients may choose it; otherwise the server does.
  // swift-format-ignore: NeverForceUnwrap
  static let requestId = HTTPField.Name("X-Request-Id")!  // Safe: a constant of token characters (RFC 9110, 5.1).
}

/// Around every request: its id, its metrics, its log entry, and errors as JSON.
struct RequestMiddleware<Context: RequestContext>: RouterMiddleware {
  let metrics: TradingMetrics
  let readiness: Readiness

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    let start = ContinuousClock.now
    let id = Self.requestId(request)
    var context = context
    context.logger[metadataKey: "hb.request.id"] = nil
    context.logger[metadataKey: "request_id"] = "\(id)"

    var response: Response
    do {
      response = try await next(request, context)
    } catch {
      response = try Self.response(to: error, request, context.logger)
    }
    response.headers[.requestId] = id
    // Clients with kept-alive connections move to another replica.
    if readiness.isDraining { response.headers[.connection] = "close" }

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

  /// Clients may invent methods; each would become a series of its own.
  private static func label(_ method: HTTPRequest.Method) -> String {
    [.get, .head, .post, .put, .patch, .delete, .options].contains(method) ? method.rawValue : "other"
  }

  private static func response(to error: any Error, _ request: Request, _ logger: Logger) throws -> Response {
    if let known = APIError.from(error) {
      if known.status.kind == .serverError {
        logger.warning("request failed", metadata: ["error": "\(error)", "code": "\(known.error.code)"])
      }
      return try .json(known, status: known.status)
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
