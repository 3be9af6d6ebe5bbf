public import Logging
public import TradingStore

/// Waits for the services that the server needs, with real connections: a port that merely accepts, or a database
/// that is still starting up, does not count.
public struct ServiceWaiter: Sendable {
  /// The deadline passed; the text says what was missing last.
  public struct TimedOut: Error, CustomStringConvertible {
    public let description: String
  }

  private let deadline: ContinuousClock.Instant
  private let logger: Logger

  public init(deadline: ContinuousClock.Instant, logger: Logger) {
    self.deadline = deadline
    self.logger = logger
  }

  /// Until PostgreSQL lets this user into this database and takes writes.
  public func wait(for postgres: PostgresSettings) async throws {
    try await retry("postgres", at: "\(postgres.host):\(postgres.port)") {
      let connection = PostgresConnection()
      do {
        try await connection.open(postgres, deadline: deadline)
        try await connection.query("SELECT 1", deadline: deadline)
        await connection.close()
      } catch {
        await connection.close()
        throw error
      }
    }
  }

  /// Until Redis has loaded its data and answers PING.
  public func wait(for redis: RedisSettings) async throws {
    try await retry("redis", at: "\(redis.host):\(redis.port)") {
      let connection = RedisConnection()
      do {
        try await connection.open(redis)
        await connection.close()
      } catch {
        await connection.close()
        throw error
      }
    }
  }

  private func retry(_ service: String, at address: String, _ attempt: () async throws -> Void) async throws {
    var backoff = Backoff(initial: .milliseconds(200), maximum: .seconds(2))
    let start = ContinuousClock.now
    while true {
      do {
        try await attempt()
        logger.notice(
          "\(service) is ready", metadata: ["address": "\(address)", "after": "\(start.duration(to: .now))"])
        return
      } catch {
        let pause = backoff.next()
        guard .now + pause < deadline else { throw TimedOut(description: "\(service) at \(address): \(error)") }
        logger.notice("waiting for \(service)", metadata: ["address": "\(address)", "error": "\(error)"])
        try await Task.sleep(for: pause)
      }
    }
  }
}
