import Foundation
import ServiceLifecycle
import Synchronization
import Testing
import TradingCore
import TradingStore

@testable import TradingServer

@Suite struct OrderAPITests {
  @Test func oneIdGetsOneAnswerOnEveryReplicaHoweverOftenItIsSent() async throws {
    try await withReplicas { one, two, _ in
      let answers = try await withThrowingTaskGroup(of: WireClient.Answer.self) { group in
        for number in 0..<20 {
          group.addTask { try await WireClient.order(number.isMultiple(of: 2) ? one : two, "same") }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(Set(answers.map(\.body)).count == 1)
      #expect(answers.map(\.status).sorted() == Array(repeating: 200, count: 19) + [201])
      for path in ["/api/orders/same", "/api/orders/same?accountId=demo"] {
        #expect(try await WireClient.request(two, "GET", path).body == answers[0].body)
      }
      let stats = try await WireClient.request(one, "GET", "/api/stats")
      for counter in ["orders", "fills"] { #expect(try stats.json(counter) == "1") }
      #expect(try stats.json("transactions") == "4", "the account's opening and deposit, the order and its fill")
      let list = try await WireClient.request(one, "GET", "/api/orders?limit=5")
      #expect(list.body == "{\"orders\":[\(answers[0].body)]}")
    }
  }

  @Test func refusalsNameTheFieldAndTheRemedy() async throws {
    try await withReplicas { port, _, _ in
      #expect(try await WireClient.order(port, "a").status == 201)
      let cases: [(body: String, status: Int, field: String?)] = [
        (#"{"clientOrderId":"a","symbol":"EURUSD","side":"sell","volume":"0.10"}"#, 409, "side"),
        (#"{"clientOrderId":"b","symbol":"EURUSD","side":"sell"}"#, 400, "volume"),
        (#"{"clientOrderId":"b","symbol":"EURUSD","side":"sell","volume":0.1}"#, 400, "volume"),
        (#"{"clientOrderId":"b","symbol":"EURUSD","side":"sell","volume":"0.1","stopLos":"1"}"#, 400, "stopLos"),
        (#"{"clientOrderId":"b","symbol":"EURUSD","side":"sell","volume":"0.1","stopLoss":"1,2"}"#, 400, "stopLoss"),
        (#"{"clientOrderId":"b","symbol":"NOPE","side":"sell","volume":"0.1"}"#, 422, "symbol"),
        (#"{"clientOrderId":"b","symbol":"EURUSD","side":"sell","volume":"0.1","accountId":"x"}"#, 403, "accountId"),
        ("[]", 400, nil), ("{", 400, nil), ("", 400, nil),
      ]
      for (body, status, field) in cases {
        let answer = try await WireClient.request(port, "POST", "/api/orders", body: body)
        #expect(answer.status == status, "\(body): \(answer.body)")
        #expect(try answer.json("error", "field") == field, "\(body)")
        #expect(try answer.json("error", "remedy")?.isEmpty == false)
      }
      #expect(try await WireClient.request(port, "GET", "/api/orders/b").status == 404)
      #expect(try await WireClient.request(port, "GET", "/api/orders?limit=0").json("error", "field") == "limit")
      #expect(try await WireClient.request(port, "PUT", "/api/orders").json("error", "code") == "unknown_route")
      let large = String(repeating: "x", count: OrderRoutes.bodyLimit + 1)
      #expect(try await WireClient.request(port, "POST", "/api/orders", body: large).status == 413)
    }
  }

  @Test func metricsCarryTheNamesOfTheDashboards() async throws {
    try await withReplicas { port, _, _ in
      #expect(try await WireClient.order(port, "a").status == 201)
      #expect(try await WireClient.order(port, "a").status == 200)
      let answer = try await WireClient.request(port, "GET", "/metrics", headers: ["X-Request-Id: me-1"])
      #expect(answer.head.contains("X-Request-Id: me-1"))
      for line in [
        #"rtx_orders_placed_total{symbol="EURUSD",type="market"} 1"#,
        #"rtx_order_latency_seconds_count{symbol="EURUSD"} 1"#, "rtx_active_connections 0", "rtx_redis_up 1",
        #"rtx_http_requests_total{method="POST",route="/api/orders",status="200"} 1"#,
      ] { #expect(answer.body.contains(line), "\(line)") }
    }
  }

  @Test func aCommitWhoseAnswerIsLostIsAnsweredWithWhatWasStored() async throws {
    let postgres = try await PostgresServer.shared.makeMigratedDatabase()
    let redis = try RedisServer()
    try await redis.waitUntilReady()
    let proxy = CommitCuttingProxy()
    let answer = try await proxy.run(to: postgres.port) { proxyPort in
      var cut = postgres
      cut.port = proxyPort
      return try await withServer(postgres: cut, redis: redis.settings) { port, _ in
        try await eventually("there are prices") {
          try await WireClient.request(port, "GET", "/api/prices").status == 200
        }
        let answer = try await WireClient.order(port, "cut")
        #expect(try await WireClient.request(port, "GET", "/api/stats").json("acknowledged") == "1")
        return answer
      }
    }
    #expect(proxy.cuts == 1)
    #expect(answer.status == 201)
    let pool = PostgresPool(settings: postgres, logger: quietLogger)
    let reader = LedgerReader(pool: pool)
    #expect(try await reader.counts(deadline: .now + .seconds(5)).orders == 1)
    let stored = try await reader.receipt(accountId: "demo", clientOrderId: "cut", deadline: .now + .seconds(5))
    #expect(stored?.receipt == answer.body)
    await pool.shutdown()
  }

  @Test func anOrderInFlightIsFinishedBeforeTheServerStops() async throws {
    let postgres = try await PostgresServer.shared.makeMigratedDatabase()
    let redis = try RedisServer()
    try await redis.waitUntilReady()
    let locker = PostgresPool(settings: postgres, logger: quietLogger)
    let limit = ContinuousClock.now + .seconds(20)
    let (locked, release) = (Gate(), Gate())
    // Holds the account, so that the order cannot be written.
    async let holding: Void = locker.run(deadline: limit) { connection in
      try connection.query("BEGIN", deadline: limit)
      try connection.query("SELECT 1 FROM accounts FOR UPDATE", deadline: limit)
      locked.open()
      while !release.isOpen { try connection.query("SELECT pg_sleep(0.01)", deadline: limit) }
      try connection.query("ROLLBACK", deadline: limit)
    }
    try await eventually("the account is held") { locked.isOpen }

    let answer = try await withServer(postgres: postgres, redis: redis.settings) { port, group in
      try await eventually("there are prices") {
        try await WireClient.request(port, "GET", "/api/prices").status == 200
      }
      async let answer = WireClient.order(port, "late")
      try await eventually("the order waits for the account") {
        try await locker.run(deadline: limit) { connection in
          try connection.query(
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE query LIKE 'WITH input AS%' AND datname = current_database()
            """,
            deadline: limit)[0, 0] == "1"
        }
      }
      await group.triggerGracefulShutdown()
      try await eventually("no new connections are accepted") {
        (try? await WireClient.request(port, "GET", "/health")) == nil
      }
      release.open()
      return try await answer
    }
    #expect(answer.status == 201)
    try await holding
    await locker.shutdown()
  }
}

/// Opens once.
final class Gate: Sendable {
  private let state = Atomic<Bool>(false)
  var isOpen: Bool { state.load(ordering: .acquiring) }
  func open() { state.store(true, ordering: .releasing) }
}
