public import Logging

/// A fixed number of connections, shared by all requests.
///
/// A connection that failed is thrown away together with the idle ones: they most likely point at the same
/// primary that is gone. Nothing is retried here; only the caller knows whether that is safe.
public actor PostgresPool {
  nonisolated let settings: PostgresSettings
  private let size: Int
  private let maximumWaiters: Int
  private let logger: Logger
  private var idle: [PostgresConnection] = []
  /// Connections that are open, being opened or in use.
  private var count = 0
  private var waiters: [(id: UInt64, continuation: CheckedContinuation<PostgresConnection?, any Error>)] = []
  private var nextWaiter: UInt64 = 0
  private var isClosed = false

  public init(settings: PostgresSettings, size: Int = 8, maximumWaiters: Int = 1_000, logger: Logger) {
    self.settings = settings
    self.size = size
    self.maximumWaiters = maximumWaiters
    self.logger = logger
  }

  /// Runs `body` with a connection of its own, on that connection's thread.
  ///
  /// A transaction that `body` leaves open is ended by closing the connection.
  public func run<Value: Sendable>(
    deadline: ContinuousClock.Instant, _ body: @escaping @Sendable (isolated PostgresConnection) throws -> Value
  ) async throws -> Value {
    let connection = try await acquire(deadline: deadline)
    do {
      let value = try await connection.perform(body)
      await release(connection)
      return value
    } catch {
      if (error as? PostgresError)?.isConnectionFailure == true {
        logger.warning("database connection lost", metadata: ["error": "\(error)"])
        await discard(connection)
        await discardIdle()
      } else {
        await release(connection)
      }
      throw error
    }
  }

  /// Closes idle connections at once and the others when they are given back.
  public func shutdown() async {
    isClosed = true
    for waiter in waiters { waiter.continuation.resume(throwing: PostgresError.closed) }
    waiters = []
    await discardIdle()
  }

  private func acquire(deadline: ContinuousClock.Instant) async throws -> PostgresConnection {
    while true {
      if isClosed { throw PostgresError.closed }
      if let connection = idle.popLast() { return connection }
      if count < size { return try await connect(deadline: deadline) }
      if let connection = try await waitForConnection(until: deadline) { return connection }
    }
  }

  private func connect(deadline: ContinuousClock.Instant) async throws -> PostgresConnection {
    count += 1
    let connection = PostgresConnection()
    do {
      try await connection.open(settings, deadline: deadline)
      return connection
    } catch {
      await discard(connection)
      throw error
    }
  }

  /// A connection that another caller gives back, or nil when a place for a new one became free.
  private func waitForConnection(until deadline: ContinuousClock.Instant) async throws -> PostgresConnection? {
    guard waiters.count < maximumWaiters else { throw PostgresError.saturated }
    let id = nextWaiter
    nextWaiter += 1
    let expiry = Task {
      try await Task.sleep(until: deadline, clock: .continuous)
      self.expire(id)
    }
    defer { expiry.cancel() }
    return try await withCheckedThrowingContinuation { waiters.append((id, $0)) }
  }

  private func expire(_ id: UInt64) {
    guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
    waiters.remove(at: index).continuation.resume(throwing: PostgresError.saturated)
  }

  private func release(_ connection: PostgresConnection) async {
    guard await connection.isReusable, !isClosed else { return await discard(connection) }
    if waiters.isEmpty {
      idle.append(connection)
    } else {
      waiters.removeFirst().continuation.resume(returning: connection)
    }
  }

  private func discard(_ connection: PostgresConnection) async {
    count -= 1
    if !waiters.isEmpty { waiters.removeFirst().continuation.resume(returning: nil) }
    await connection.close()
  }

  private func discardIdle() async {
    let stale = idle
    idle = []
    for connection in stale { await discard(connection) }
  }
}
