import AsyncHTTPClient
import FoundationEssentials
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import TradingCore
import TradingStore

/// Sends errors to Sentry (Sentry's developer documentation, "Envelopes"), never in the way of anything: what does not fit
/// into a short queue is dropped, and nothing waits for an answer.
final class ErrorReporter: Service, Sendable {
  struct Event: Encodable, Sendable {
    struct Message: Encodable, Sendable { let formatted: String }

    let event_id: String
    let timestamp: String
    let level: String
    let logger: String
    let platform = "other"
    let release: String
    let environment: String
    let server_name: String
    let message: Message
    let extra: [String: String]
  }

  private static let capacity = 100
  private static let timeout: TimeAmount = .seconds(5)
  /// For what is still queued at the end.
  private static let farewell: Duration = .seconds(2)

  private let dsn: SentryDSN
  private let environment: String
  private let replica: String
  private let scrubber: SecretScrubber
  private let events: AsyncStream<Event>
  private let queue: AsyncStream<Event>.Continuation

  /// - Parameters:
  ///   - environment: the name that events are filed under.
  ///   - secrets: what must not leave the machine, besides what looks like a secret.
  init(dsn: SentryDSN, environment: String, replica: String, secrets: [Secret?]) {
    self.dsn = dsn
    self.environment = environment
    self.replica = replica
    scrubber = SecretScrubber(secrets: (secrets + [dsn.key]).compactMap { $0?.reveal() })
    (events, queue) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingOldest(Self.capacity))
  }

  /// False when the queue is full and the event was dropped.
  @discardableResult
  func report(_ level: Logger.Level, _ message: String, logger: String, metadata: Logger.Metadata) -> Bool {
    let event = Event(
      event_id: randomWord() + randomWord(), timestamp: Timestamp.now.description,
      level: level == .critical ? "fatal" : "error", logger: logger, release: "rtx-server@\(serverVersion)",
      environment: environment, server_name: replica, message: Event.Message(formatted: scrubber.scrub(message)),
      extra: scrubber.scrub(metadata))
    if case .enqueued = queue.yield(event) { return true }
    return false
  }

  /// Sends what is reported, until shut down; then what is queued, for a moment.
  func run() async throws {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { for await event in self.events { await self.send(event) } }
      try? await gracefulShutdown()
      queue.finish()
      group.addTask { try? await Task.sleep(for: Self.farewell) }
      await group.next()
      group.cancelAll()
    }
  }

  private func send(_ event: Event) async {
    guard let content = try? encodeJSON(event) else { return }
    var body = ByteBuffer()
    body.writeString("{\"event_id\":\"\(event.event_id)\",\"sent_at\":\"\(Timestamp.now)\"}\n")
    body.writeString("{\"length\":\(content.count),\"type\":\"event\"}\n")
    body.writeBytes(content)
    body.writeString("\n")
    var request = HTTPClientRequest(url: dsn.url)
    request.method = .POST
    request.headers = [
      "Content-Type": "application/x-sentry-envelope",
      "X-Sentry-Auth":
        "Sentry sentry_version=7, sentry_client=rtx-server/\(serverVersion), sentry_key=\(dsn.key.reveal())",
    ]
    request.body = .bytes(body)
    // An event that cannot be delivered is lost: it is in the log, and the server has other things to do.
    let answer = try? await HTTPClient.shared.execute(request, timeout: Self.timeout)
    guard let answer, answer.status == .tooManyRequests else { return }
    let seconds = answer.headers.first(name: "Retry-After").flatMap { Int($0) } ?? 60
    try? await Task.sleep(for: .seconds(min(max(seconds, 1), 600)))
  }
}

/// Reports every error that is logged, besides logging it.
struct ReportingLogHandler: LogHandler {
  var base: any LogHandler
  let label: String
  let reporter: ErrorReporter

  var logLevel: Logger.Level {
    get { base.logLevel }
    set { base.logLevel = newValue }
  }
  var metadata: Logger.Metadata {
    get { base.metadata }
    set { base.metadata = newValue }
  }
  var metadataProvider: Logger.MetadataProvider? {
    get { base.metadataProvider }
    set { base.metadataProvider = newValue }
  }
  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { base[metadataKey: key] }
    set { base[metadataKey: key] = newValue }
  }

  func log(event: LogEvent) {
    base.log(event: event)
    guard event.level >= .error else { return }
    var fields = base.metadata.merging(event.metadata ?? [:]) { $1 }
    if let error = event.error { fields["error"] = "\(error)" }
    reporter.report(event.level, "\(event.message)", logger: label, metadata: fields)
  }
}
