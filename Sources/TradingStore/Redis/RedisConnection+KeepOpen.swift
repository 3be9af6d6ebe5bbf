extension RedisConnection {
  /// Works with a connection until the task is cancelled, on a new one whenever the last one broke; pauses grow from a tenth
  /// of a second to two while none can be had.
  ///
  /// It tells nobody about a loss: what is done here can wait, and the price feed, which has a connection of its own, says
  /// that Redis is away.
  ///
  /// - Parameter work: called with each new connection; throws when it broke. Called again when it returns.
  public static func keepOpen(
    _ settings: RedisSettings, _ work: @Sendable (RedisConnection) async throws -> Void
  ) async {
    let fresh = Backoff(initial: .milliseconds(100), maximum: .seconds(2))
    var backoff = fresh
    while !Task.isCancelled {
      let connection = RedisConnection()
      let started = ContinuousClock.now
      do {
        try await connection.open(settings)
        try await work(connection)
      } catch {
        // A connection that opens and then refuses the work is no success.
        if started.duration(to: .now) > .seconds(2) { backoff = fresh }
        try? await Task.sleep(for: backoff.next())
      }
      await connection.close()
    }
  }
}
