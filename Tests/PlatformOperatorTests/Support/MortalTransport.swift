import KubernetesClient
import Synchronization

/// An operator that is killed: after so many writes have reached the server, the last one's answer and everything later is lost.
///
/// Events are not counted: nothing depends on them.
final class MortalTransport: KubernetesTransport {
  struct Killed: Error {}

  private let base: any KubernetesTransport
  private let left: Mutex<Int>

  init(_ base: any KubernetesTransport, writes: Int) {
    self.base = base
    left = Mutex(writes)
  }

  var isDead: Bool { left.withLock { $0 <= 0 } }

  func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
    guard !isDead else { throw Killed() }
    let isCounted = !request.method.isRead && !request.path.contains("/events")
    guard isCounted else { return try await base.send(request) }
    let mayWrite = left.withLock { left in
      guard left > 0 else { return false }
      left -= 1
      return true
    }
    guard mayWrite else { throw Killed() }
    let response = try await base.send(request)
    guard !isDead else { throw Killed() }
    return response
  }

  func shutdown() async throws {}
}
