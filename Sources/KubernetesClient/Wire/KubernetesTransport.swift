/// Carries requests to an API server: over HTTPS (``HTTPTransport``), or straight into one in the same process.
public protocol KubernetesTransport: Sendable {
  /// Sends one request and returns once the answer's head is there. Any HTTP status is an answer, not an error.
  ///
  /// Cancelling the task, or dropping the body's iterator, ends an answer that is still being streamed.
  /// - Throws: ``KubernetesError`` of the cases `transport`, `timeout` and `configuration`; `CancellationError`.
  func send(_ request: KubernetesRequest) async throws -> KubernetesResponse

  /// Opens a two-way stream, as exec, attach and port-forward need it: the WebSocket upgrade of a GET.
  ///
  /// The connection ends when it is closed or when nobody holds it any more.
  /// - Parameters:
  ///   - request: its `timeout` bounds the opening alone.
  ///   - subprotocols: the stream protocols that this side speaks, the best first.
  /// - Throws: ``KubernetesError``, with the server's refusal as ``KubernetesError/api(_:)``; `CancellationError`.
  func connect(_ request: KubernetesRequest, subprotocols: [String]) async throws -> MessageConnection

  /// Closes every connection; no request may follow.
  func shutdown() async throws
}

extension KubernetesTransport {
  /// For transports that carry requests alone.
  public func connect(_ request: KubernetesRequest, subprotocols: [String]) async throws -> MessageConnection {
    throw KubernetesError.invalidRequest(
      "\(request.path): this client's transport carries no streams; use one that connects over the network")
  }
}
