import Synchronization

/// Makes requests wait for their turn under a ``RateLimit``; shared by all copies of a client.
final class RequestLimiter: Sendable {
  private let bucket: Mutex<TokenBucket>

  init(_ limit: RateLimit) { bucket = Mutex(TokenBucket(limit, now: .now)) }

  /// Returns when a request may be sent; the order of the callers is kept.
  /// - Throws: `CancellationError`.
  func wait() async throws {
    let delay = bucket.withLock { $0.take(now: .now) }
    guard delay > .zero else { return }
    do {
      try await Task.sleep(for: delay)
    } catch {
      bucket.withLock { $0.giveBack() }
      throw error
    }
  }
}
