/// Runs on the pool what may simply be repeated on a new connection: reads, and writes that are harmless twice.
struct RepeatedReads: Sendable {
  let pool: PostgresPool

  func run<Value: Sendable>(
    deadline: ContinuousClock.Instant, _ body: @escaping @Sendable (isolated PostgresConnection) throws -> Value
  ) async throws(DeskError) -> Value {
    var backoff = Backoff()
    while true {
      do {
        return try await pool.run(deadline: deadline, body)
      } catch {
        let known = error as? PostgresError
        let pause = backoff.next()
        guard known?.isConnectionFailure == true || known?.isTransient == true, .now + pause < deadline,
          (try? await Task.sleep(for: pause)) != nil
        else { throw .unavailable("\(error)") }
      }
    }
  }
}
