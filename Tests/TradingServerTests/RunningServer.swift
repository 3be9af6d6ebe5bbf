import Logging
import ServiceLifecycle
import Testing
import TradingCore
import TradingServer
import TradingStore

/// Waits until the server says that it can place orders.
func waitUntilReady(_ port: Int) async throws {
  try await eventually("the server is ready") { try await WireClient.request(port, "GET", "/ready").status == 200 }
}

/// Runs a whole trading server in this process while `body` runs, and then shuts it down gracefully.
func withServer<Value: Sendable>(
  postgres: PostgresSettings, redis: RedisSettings, replica: String = "one", drainSeconds: Int = 0,
  environment more: [String: String] = [:],
  _ body: (_ port: Int, _ group: ServiceGroup) async throws -> Value
) async throws -> Value {
  var environment = [
    "DB_HOST": postgres.host, "DB_PORT": String(postgres.port), "DB_NAME": postgres.database,
    "DB_USER": postgres.user, "DB_SSL_MODE": "disable", "REDIS_HOST": redis.host, "REDIS_PORT": String(redis.port),
    "PORT": "0", "BIND_ADDRESS": "127.0.0.1", "DRAIN_SECONDS": String(drainSeconds),
  ]
  environment.merge(more) { $1 }
  environment["REDIS_PASSWORD"] = redis.password?.reveal()
  let configuration = try ServerConfiguration(environment: environment)
  let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
  let application = TradingApplication(
    configuration: configuration, replica: replica, logger: quietLogger, onRunning: { continuation.yield($0) })
  let group = ServiceGroup(
    configuration: ServiceGroupConfiguration(services: [application], logger: quietLogger))
  return try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask {
      defer { continuation.finish() }
      try await group.run()
    }
    let result: Result<Value, any Error>
    do {
      guard let port = await ports.first(where: { _ in true }) else { throw CancellationError() }
      result = .success(try await body(port, group))
    } catch {
      result = .failure(error)
    }
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
    return try result.get()
  }
}

/// Runs two replicas on one new database and one new Redis, and `body` when both can place orders.
func withReplicas(_ body: (_ one: Int, _ two: Int, PostgresSettings) async throws -> Void) async throws {
  let postgres = try await PostgresServer.shared.makeMigratedDatabase()
  let redis = try RedisServer()
  try await redis.waitUntilReady()
  try await withServer(postgres: postgres, redis: redis.settings) { one, _ in
    try await withServer(postgres: postgres, redis: redis.settings, replica: "two") { two, _ in
      for port in [one, two] { try await waitUntilReady(port) }
      try await body(one, two, postgres)
    }
  }
}
