import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
import Synchronization
import Testing
import TradingStore

@testable import TradingServer

/// Stands in for Sentry: takes envelopes.
private final class SentryServer: Sendable {
  struct Envelope: Sendable {
    let path: String
    let key: String
    let lines: [String]
  }
  private let received = Mutex<[Envelope]>([])
  var envelopes: [Envelope] { received.withLock { $0 } }

  func run(_ body: (_ port: Int) async throws -> Void) async throws {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(Collecting(server: self))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    try await body(server.localAddress?.port ?? 0)
    try await server.close()
  }

  private final class Collecting: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart
    let server: SentryServer
    var head: HTTPRequestHead?
    var body = ""

    init(server: SentryServer) { self.server = server }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head): (self.head, body) = (head, "")
      case .body(let part): body += String(buffer: part)
      case .end:
        let envelope = Envelope(
          path: head?.uri ?? "", key: head?.headers.first(name: "X-Sentry-Auth") ?? "",
          lines: body.split(separator: "\n").map(String.init))
        server.received.withLock { $0.append(envelope) }
        context.write(
          wrapOutboundOut(.head(.init(version: .http1_1, status: .ok, headers: ["Content-Length": "0"]))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
      }
    }
  }
}

private struct SilentLogHandler: LogHandler {
  var logLevel = Logger.Level.trace
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {}
}

@Suite struct ErrorReporterTests {
  private let secret = "postgres-password-of-tests"

  private func reporter(_ dsn: String) throws -> ErrorReporter {
    ErrorReporter(
      dsn: try #require(SentryDSN(dsn)), environment: "test", replica: "one", secrets: [Secret(secret), nil])
  }

  @Test func errorsArriveWithoutSecretsAndOtherEntriesDoNot() async throws {
    let sentry = SentryServer()
    try await sentry.run { port in
      let reporter = try reporter("http://abc123@127.0.0.1:\(port)/7")
      let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(services: [reporter], logger: quietLogger))
      let running = Task { try await group.run() }
      var logger = Logger(label: "tests") { label in
        ReportingLogHandler(base: SilentLogHandler(), label: label, reporter: reporter)
      }
      logger[metadataKey: "request_id"] = "r-1"
      logger.warning("only a warning")
      logger.error(
        "request failed with \(secret)",
        metadata: ["error": "postgres://rtx:hunter22@db/x password=letmein", "jwt_token": "abc"])
      try await eventually("the error arrives") { !sentry.envelopes.isEmpty }
      await group.triggerGracefulShutdown()
      try await running.value
      let envelope = try #require(sentry.envelopes.first)
      #expect(sentry.envelopes.count == 1)
      #expect(envelope.path == "/api/7/envelope/")
      #expect(envelope.key.contains("sentry_key=abc123"))
      #expect(envelope.lines.count == 3)
      let item = try #require(try JSONSerialization.jsonObject(with: Data(envelope.lines[1].utf8)) as? [String: Any])
      #expect(item["type"] as? String == "event")
      #expect(item["length"] as? Int == envelope.lines[2].utf8.count)
      let event = try #require(try JSONSerialization.jsonObject(with: Data(envelope.lines[2].utf8)) as? [String: Any])
      #expect(event["level"] as? String == "error")
      let extra = try #require(event["extra"] as? [String: String])
      #expect(extra["request_id"] == "r-1")
      for text in [secret, "hunter22", "letmein", "abc\""] { #expect(!envelope.lines[2].contains(text), "\(text)") }
    }
  }

  @Test func aServerThatIsAwayCostsNothing() throws {
    let reporter = try reporter("http://abc123@127.0.0.1:1/7")
    let taken = (0..<10_000).count { _ in reporter.report(.error, "again", logger: "tests", metadata: [:]) }
    #expect(taken == 100)
  }

  @Test(arguments: [
    "Authorization: Bearer abc.def", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkZW1vIn0.c2ln", "token = abc",
    "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "redis://:hidden@cache",
  ])
  func whatLooksLikeASecretIsTakenOut(text: String) {
    let scrubbed = SecretScrubber(secrets: ["x"]).scrub("before \(text) after")
    #expect(scrubbed.contains("[filtered]") && scrubbed.hasPrefix("before ") && scrubbed.hasSuffix(" after"))
    for part in ["abc", "eyJ", "N9qo", "hidden"] { #expect(!scrubbed.contains(part)) }
  }
}
