import Foundation
import Testing
import TradingCore
import TradingStore

@testable import TradingServer

@Suite struct PriceSharingTests {
  /// What a replica answers now, byte for byte.
  private func prices(_ port: Int) async throws -> String {
    try await WireClient.request(port, "GET", "/api/prices").body
  }

  @Test func replicasShareOnePriceAndLosingRedisDegradesWithoutStopping() async throws {
    let postgres = try await PostgresServer.shared.makeMigratedDatabase()
    let redis = try RedisServer()
    try await redis.waitUntilReady()
    try await withServer(postgres: postgres, redis: redis.settings) { one, _ in
      try await withServer(postgres: postgres, redis: redis.settings, replica: "two") { two, _ in
        try await eventually("both replicas show one snapshot") {
          let (left, right) = (try await prices(one), try await prices(two))
          return left == right && left.contains(#""shared":true"#)
        }
        var leaders = 0
        for port in [one, two] {
          let detail = try await WireClient.request(port, "GET", "/ready").json("prices", "detail") ?? ""
          if detail.contains("leading") { leaders += 1 }
        }
        #expect(leaders == 1)

        redis.crash()
        for port in [one, two] {
          try await eventually("the loss is told") {
            let ready = try await WireClient.request(port, "GET", "/ready")
            return try ready.status == 200 && ready.json("prices", "status") == "degraded"
          }
        }
        let metrics = try await WireClient.request(one, "GET", "/metrics")
        #expect(metrics.body.contains("\nrtx_redis_up 0"))
        let before = try await prices(one)
        #expect(before.contains(#""shared":false"#))
        try await eventually("local prices move") { try await prices(one) != before }
        #expect(try await WireClient.order(one, "without-redis").status == 201)

        try await redis.restart()
        try await eventually("both replicas share again") {
          let (left, right) = (try await prices(one), try await prices(two))
          return left == right && left.contains(#""shared":true"#)
        }
      }
    }
  }

  @Test func aServerWithoutItsDatabaseIsAliveButNotReady() async throws {
    let nowhere = PostgresSettings(host: "127.0.0.1", port: try freePort(), database: "x", user: "x")
    let redis = RedisSettings(host: "127.0.0.1", port: try freePort())
    try await withServer(postgres: nowhere, redis: redis) { port, _ in
      #expect(try await WireClient.request(port, "GET", "/health").status == 200)
      let ready = try await WireClient.request(port, "GET", "/ready")
      #expect(ready.status == 503)
      #expect(try ready.json("database", "status") == "unavailable")
      #expect(await HealthProbe.isHealthy(port: port, isSecure: false))
    }
    let port = try freePort()
    #expect(await !HealthProbe.isHealthy(port: port, isSecure: false))
  }

  @Test func anEmptyDatabaseIsNotReadyAndSaysWhatToRun() async throws {
    let postgres = try await PostgresServer.shared.makeDatabase()
    let redis = RedisSettings(host: "127.0.0.1", port: try freePort())
    try await withServer(postgres: postgres, redis: redis) { port, _ in
      let ready = try await WireClient.request(port, "GET", "/ready")
      #expect(ready.status == 503)
      #expect(ready.body.contains("migrate up"))
    }
  }
}
