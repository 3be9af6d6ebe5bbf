import Hummingbird
import Logging

/// A plain HTTP server for one of the manager's ports.
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
  let logger: Logger

  func run(_ handler: @escaping Handler) async throws {
    let application = Application(
      responder: CallbackResponder { (request: Request, _: BasicRequestContext) in
        Self.response(await handler(request.uri.path))
      },
      configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: nil),
      onServerRunning: { [logger, name] channel in
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
