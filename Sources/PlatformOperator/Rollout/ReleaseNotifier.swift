import KubernetesClient
import KubernetesModels
import Logging
import RTXPlatformAPI

/// Tells webhooks of releases in the form that Slack takes, one notice after the other. A release never waits for it, and
/// what cannot be told for a minute is logged and dropped.
final class ReleaseNotifier: Sendable {
  private struct Notice: Sendable {
    var namespace: String
    var webhook: NotificationsWebhookSpec
    var text: String
  }

  private let client: KubernetesClient
  private let access: any TradingServerAccess
  private let logger: Logger
  private let backoff: Duration
  private let notices: AsyncStream<Notice>
  private let queue: AsyncStream<Notice>.Continuation

  private static let attempts = 6

  /// - Parameter backoff: before the second attempt; doubled before each later one.
  init(
    client: KubernetesClient, access: any TradingServerAccess, logger: Logger, backoff: Duration = .seconds(2)
  ) {
    self.client = client
    self.access = access
    self.logger = logger
    self.backoff = backoff
    (notices, queue) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(200))
  }

  func tell(_ platform: RTXPlatform, _ text: String) {
    for webhook in platform.spec.notifications.webhooks ?? [] {
      queue.yield(
        Notice(namespace: platform.namespace, webhook: webhook, text: "\(platform.namespace)/\(platform.name): \(text)")
      )
    }
  }

  /// Sends until cancelled.
  func run() async {
    for await notice in notices { await send(notice) }
  }

  private func send(_ notice: Notice) async {
    var pause = backoff
    for attempt in 1...Self.attempts {
      guard let problem = await problem(with: notice) else { return }
      let details: Logger.Metadata = [
        "secret": "\(notice.namespace)/\(notice.webhook.secretName)", "problem": "\(problem)", "attempt": "\(attempt)",
      ]
      guard attempt < Self.attempts, (try? await Task.sleep(for: pause)) != nil else {
        return logger.warning("a webhook was not told", metadata: details)
      }
      pause *= 2
    }
  }

  /// - Returns: Why it did not get through; nil when it did. The address stays out of it: who has it can write.
  private func problem(with notice: Notice) async -> String? {
    let webhook = notice.webhook
    do {
      let secret = try await client.getIfPresent(Secret.self, webhook.secretName, in: notice.namespace)
      guard let url = secret?.data?[webhook.key].flatMap(SecretData.decode) else {
        return "there is no key '\(webhook.key)' in Secret \(webhook.secretName)"
      }
      let body: JSONValue = ["text": .string(notice.text)]
      let answer = try await access.send(
        "POST", String(url.filter { !$0.isWhitespace }), headers: ["content-type": "application/json"],
        body: body.serializedString(), timeout: .seconds(10))
      return (200..<300).contains(answer.status) ? nil : "it answered with status \(answer.status)"
    } catch let error as KubernetesError {
      return "\(error)"
    } catch {
      return "\(type(of: error))"
    }
  }
}
