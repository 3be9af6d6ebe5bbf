import KubernetesModels

/// Which refusals and failures are met with another try of the same request, and when.
///
/// Only what is safe to repeat is repeated: a 429 says that the server did not look at the request; a 503 and a broken
/// connection say nothing of the kind, so they are repeated for reads alone.
public struct RetryPolicy: Sendable, Hashable {
  /// Tries of one request in all, the first included. 1 never retries.
  public var maximumAttempts: Int
  /// The longest wait that is accepted; a server that asks for more gets its refusal passed on to the caller.
  public var maximumDelay: Duration

  /// Makes a policy.
  public init(maximumAttempts: Int = 4, maximumDelay: Duration = .seconds(10)) {
    self.maximumAttempts = maximumAttempts
    self.maximumDelay = maximumDelay
  }

  /// How long to wait before a try; `nil` when the error is to be passed on.
  func delay(before attempt: Int, of request: KubernetesRequest, after error: KubernetesError) -> Duration? {
    guard attempt <= maximumAttempts else { return nil }
    switch error {
    case .api(let status):
      // Without a named time a 429 is a rule's answer (a disruption budget), not an overload's.
      guard let delay = error.retryAfter, delay <= maximumDelay else { return nil }
      switch status.code.map({ Int($0) }) {
      case 429: return request.path.hasSuffix("/eviction") ? nil : delay
      case 503: return request.method.isRead ? delay : nil
      default: return nil
      }
    case .transport(let failure):
      // A kept-alive connection may be closed by the server at the very moment it is used again.
      guard request.method.isRead, failure.kind == .closed else { return nil }
      return min(.milliseconds(50 * (1 << min(attempt, 6))), maximumDelay)
    case .timeout, .decoding, .invalidRequest, .configuration:
      return nil
    }
  }
}
