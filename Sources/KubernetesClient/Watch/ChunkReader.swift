import NIOCore

/// Owns a body's iterator and can bound the silence between two chunks.
///
/// An actor, because the race against the clock reads in a child task; there is only ever one reader.
actor ChunkReader {
  private var iterator: ResponseBody.AsyncIterator
  private let idleTimeout: Duration?
  private let what: String

  init(_ body: ResponseBody, idleTimeout: Duration?, what: String) {
    iterator = body.makeAsyncIterator()
    self.idleTimeout = idleTimeout
    self.what = what
  }

  /// The next chunk; `nil` at the end.
  /// - Throws: ``KubernetesError/timeout(_:)`` after too long a silence; `CancellationError`; the transport's errors.
  func next() async throws -> ByteBuffer? {
    guard let idleTimeout else { return try await read() }
    return try await withTimeout(
      idleTimeout, or: .timeout("\(self.what): nothing came for \(idleTimeout); connect again")
    ) {
      try await self.read()
    }
  }

  private func read() async throws -> ByteBuffer? {
    var iterator = self.iterator
    defer { self.iterator = iterator }
    return try await iterator.next(isolation: self)
  }
}

/// Runs work, and cancels it when the time is over.
/// - Throws: `failure` when the time is over; whatever the work throws.
func withTimeout<T: Sendable>(
  _ duration: Duration, or failure: @autoclosure @escaping @Sendable () -> KubernetesError,
  _ work: @escaping @Sendable () async throws -> T
) async throws -> T {
  try await withThrowingTaskGroup(of: T?.self) { group in
    defer { group.cancelAll() }
    group.addTask { try await work() }
    group.addTask {
      try await sleepCancellably(for: duration)
      return nil
    }
    // Two tasks were added, so there is a first one to finish.
    guard let first = try await group.next(), let value = first else { throw failure() }
    return value
  }
}
