import KubernetesClient

/// The lease ran out while work was still at it, e.g. after a pause of the whole process; nothing was sent.
public struct NotLeading: RetryClassifiable, CustomStringConvertible {
  public var lease: ObjectKey
  public var disposition: ReconcileDisposition { .retry() }
  public var description: String { "does not hold lease \(lease) any more; the request was not sent" }
}

/// Lets reads pass always, and everything else only while the elector leads.
///
/// Cancelling work takes until the work looks; this holds at the very moment of sending.
struct FencedTransport: KubernetesTransport {
  let base: any KubernetesTransport
  let lease: ObjectKey
  let isLeader: @Sendable () -> Bool

  func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
    guard request.method.isRead || isLeader() else { throw NotLeading(lease: lease) }
    return try await base.send(request)
  }

  func connect(_ request: KubernetesRequest, subprotocols: [String]) async throws -> MessageConnection {
    // What runs in a pod may change anything.
    guard isLeader() else { throw NotLeading(lease: lease) }
    return try await base.connect(request, subprotocols: subprotocols)
  }

  func shutdown() async throws { try await base.shutdown() }
}
