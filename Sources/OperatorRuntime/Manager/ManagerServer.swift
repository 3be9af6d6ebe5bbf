import HTTPTypes
import Hummingbird
import HummingbirdTLS
import Logging

/// An HTTP server for one of the manager's ports.
struct ManagerServer: Sendable {
  enum Answer: Sendable, Equatable {
    case ok(String)
    case unavailable(String)
    case metrics(String)
  }

  /// Path to answer; nil is 404.
  typealias Handler = @Sendable (String) async -> Answer?

  let name: String
  let host: String
  let port: Int
  let security: EndpointSecurity
  let authenticator: TokenAuthenticator
  let logger: Logger
  /// Told the port once it listens.
  let listening: @Sendable (Int) -> Void

  func run(_ handler: @escaping Handler) async throws {
    let tls = try security.certificate.map { try CertificateFiles($0).configuration() }
    let application = Application(
      responder: CallbackResponder { [authenticator] (request: Request, _: BasicRequestContext) in
        let path = request.uri.path
        switch await authenticator.verdict(authorization: request.headers[.authorization], path: path) {
        case .allowed: return Self.response(await handler(path))
        case .unknown:
          var response = Self.response(.unauthorized, "a bearer token that the cluster knows is needed")
          response.headers[.wwwAuthenticate] = "Bearer"
          return response
        case .forbidden: return Self.response(.forbidden, "the token's user may not get \(path)")
        case .unavailable: return Self.response(.serviceUnavailable, "the API server could not be asked")
        }
      },
      server: try tls.map { try .tls(.http1(), tlsConfiguration: $0) } ?? .http1(),
      configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: nil),
      onServerRunning: { [logger, name, listening] channel in
        listening(channel.localAddress?.port ?? 0)
        logger.info(
          "listening", metadata: ["server": "\(name)", "address": "\(channel.localAddress.map { "\($0)" } ?? "")"])
      },
      logger: quiet)
    try await application.run()
  }

  /// Hummingbird narrates every step at info.
  private var quiet: Logger {
    var quiet = logger
    quiet.logLevel = max(.warning, logger.logLevel)
    return quiet
  }

  private static func response(_ answer: Answer?) -> Response {
    switch answer {
    case .ok(let text): response(.ok, text)
    case .unavailable(let text): response(.serviceUnavailable, text)
    // The media type of the text exposition format, version 0.0.4.
    case .metrics(let text): response(.ok, text, type: "text/plain; version=0.0.4; charset=utf-8")
    case nil: response(.notFound, "not found")
    }
  }

  private static func response(
    _ status: HTTPResponse.Status, _ text: String, type: String = "text/plain; charset=utf-8"
  ) -> Response {
    Response(
      status: status, headers: [.contentType: type],
      body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }
}
