/// Carries requests to an API server: over HTTPS (``HTTPTransport``), or straight into one in the same process.
public protocol KubernetesTransport: Sendable {
  /// Sends one request and returns once the answer's head is there. Any HTTP status is an answer, not an error.
  ///
  /// Cancelling the task, or dropping the body's iterator, ends an answer that is still being streamed.
  /// - Throws: ``KubernetesError`` of the cases `transport`, `timeout` and `configuration`; `CancellationError`.
  func send(_ request: KubernetesRequest) async throws -> KubernetesResponse

  /// Closes every connection; no request may follow.
  func shutdown() async throws
}
