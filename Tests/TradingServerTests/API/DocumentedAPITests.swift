import Foundation
import HTTPTypes
import Hummingbird
import Testing
import TradingCore
import TradingStore

@testable import TradingServer

/// A server with an administrator whose password is `open sesame`.
func withAdministeredServer(_ body: (_ port: Int, PostgresSettings) async throws -> Void) async throws {
  let postgres = try await PostgresServer.shared.makeMigratedDatabase()
  let redis = try RedisServer()
  try await redis.waitUntilReady()
  let environment = [
    "JWT_SECRET": "a secret of tests, long enough for it",
    "ADMIN_PASSWORD_HASH": try await PasswordHasher(cost: 4).hash("open sesame"),
  ]
  try await withServer(postgres: postgres, redis: redis.settings, environment: environment) { port, _ in
    try await waitUntilReady(port)
    try await body(port, postgres)
  }
}

@Suite struct DocumentedAPITests {
  @Test func everyRouteIsDocumentedAndNothingElse() throws {
    let environment = ["DB_HOST": "h", "DB_NAME": "n", "DB_USER": "u", "REDIS_HOST": "r"]
    let configuration = try ServerConfiguration(environment: environment)
    let pool = PostgresPool(settings: configuration.postgres, logger: quietLogger)
    let board = MarketBoard(terms: DealerTerms(catalog: .standard))
    let hasher = PasswordHasher()
    let router = TradingRouter(
      configuration: configuration, replica: "one", catalog: .standard, board: board,
      desk: TradingDesk(pool: pool, market: { board.market }, logger: quietLogger), pool: pool,
      metrics: TradingMetrics(), readiness: Readiness(),
      sessions: Sessions(
        secret: nil, adminHash: nil, isDemoOpen: true, credentials: AccountCredentials(pool: pool), hasher: hasher,
        revocations: Revocations(pool: pool, logger: quietLogger)),
      hasher: hasher, groups: GroupTerms(pool: pool, board: board, logger: quietLogger),
      sendStreamsAway: { _ in }, watch: LedgerWatch(), addressRate: RateLimiter(rate: 0),
      accountRate: RateLimiter(rate: 0)
    ).make()
    let routes = Set(
      router.routes.map { route in
        let parts = "\(route.path)".split(separator: "/").map { $0.hasPrefix(":") ? "{\($0.dropFirst())}" : String($0) }
        return "\(route.method.rawValue.lowercased()) /" + parts.joined(separator: "/")
      })
    #expect(routes == Set(APIOperations.all.map { "\($0.method) \($0.path)" }))
  }

  @Test func theRunningServerAnswersAsDocumented() async throws {
    try await withAdministeredServer { port, _ in
      let api = try await DocumentedAPI(port: port)
      try await tryServer(api)
      let alice = try await tryAdministration(api)
      try await tryOrders(api, alice)
      try await tryTrades(api, alice)
      try await tryReading(api, alice, port)
      try await trySessions(api)
      let succeeded = Set(
        api.tried.filter { !$0.hasSuffix("401") && !$0.hasSuffix("400") }.map {
          $0.split(separator: " ").dropLast().joined(separator: " ")
        })
      #expect(api.operations.subtracting(succeeded).isEmpty)
    }
  }

  private func tryServer(_ api: DocumentedAPI) async throws {
    for path in ["/health", "/ready", "/metrics", "/openapi.json", "/docs", "/", "/page.css", "/page.js"] {
      let answer = try await api.call("get", path, expecting: 200)
      for header in [
        "X-Content-Type-Options: nosniff", "Content-Security-Policy: default-src 'none'", "X-Request-Id: ",
      ] {
        #expect(answer.head.contains(header), "\(path) lacks \(header)")
      }
    }
    try await api.call("get", "/ws", expecting: 426)
  }

  private func token(_ api: DocumentedAPI, _ login: String, _ password: String) async throws -> String {
    let body = #"{"login":"\#(login)","password":"\#(password)"}"#
    return try #require(
      try await api.call("post", "/api/session", body: body, expecting: 200).json("accessToken"))
  }

  /// Opens and funds alice's account, and returns her token.
  private func tryAdministration(_ api: DocumentedAPI) async throws -> String {
    try await api.call("post", "/api/session", body: #"{"login":"admin","password":"open"}"#, expecting: 401)
    try await api.call("post", "/api/session", body: #"{"login":"admin"}"#, expecting: 400)
    let admin = try await token(api, "admin", "open sesame")
    let new = #"{"accountId":"alice","password":"correct horse","leverage":"20","group":"vip"}"#
    try await api.call("post", "/admin/accounts", body: new, expecting: 401)
    try await api.call("post", "/admin/accounts", token: admin, body: new, expecting: 201)
    try await api.call("post", "/admin/accounts", token: admin, body: new, expecting: 409)
    for bad in [
      #"{"accountId":"admin"}"#, #"{"accountId":"b","currency":"usd"}"#, #"{"accountId":"b","leverage":"0"}"#,
      #"{"accountId":"b","mode":"BOTH"}"#, #"{"accountId":"b","password":"short"}"#, #"{"accountId":"b","x":"y"}"#,
    ] { try await api.call("post", "/admin/accounts", token: admin, body: bad, expecting: 400) }
    let list = try await api.call("get", "/admin/accounts", query: "?limit=10", token: admin, expecting: 200)
    #expect(list.body == #"{"accounts":["alice","demo"]}"#)
    try await api.call("get", "/admin/accounts/{accountId}", "alice", token: admin, expecting: 200)
    try await api.call("get", "/admin/accounts/{accountId}", "bob", token: admin, expecting: 422)

    let funding = "/admin/accounts/{accountId}/funding"
    let deposit = #"{"amount":"50000.00","reference":"wire-1"}"#
    let first = try await api.call("post", funding, "alice", token: admin, body: deposit, expecting: 201)
    let second = try await api.call("post", funding, "alice", token: admin, body: deposit, expecting: 200)
    #expect(first.body == second.body)
    #expect(try first.json("balance") == "50000.00")
    try await api.call(
      "post", funding, "alice", token: admin, body: #"{"amount":"1","reference":"wire-1"}"#, expecting: 409)
    try await api.call(
      "post", funding, "alice", token: admin, body: #"{"amount":"-50000.01","reference":"w-2"}"#, expecting: 422)
    try await api.call(
      "post", funding, "alice", token: admin, body: #"{"amount":"0.001","reference":"w-2"}"#, expecting: 400)

    let group = "/admin/groups/{group}"
    try await api.call("put", group, "vip", token: admin, body: #"{"EURUSD":"5"}"#, expecting: 200)
    try await api.call("put", group, "vip", token: admin, body: #"{"EURUSD":"-5"}"#, expecting: 400)
    let groups = try await api.call("get", "/admin/groups", token: admin, expecting: 200)
    #expect(groups.body == #"{"groups":[{"markups":{"EURUSD":"5"},"name":"vip"}]}"#)
    for path in ["/admin/symbols", "/admin/exposure", "/admin/feed"] {
      try await api.call("get", path, token: admin, expecting: 200)
    }
    try await api.call("post", "/admin/drain", query: "?seconds=301", token: admin, expecting: 400)
    try await api.call("post", "/admin/drain", query: "?seconds=0", token: admin, expecting: 204)
    let password = "/admin/accounts/{accountId}/password"
    try await api.call("put", password, "alice", token: admin, body: #"{"password":"battery staple"}"#, expecting: 204)
    try await api.call("put", password, "bob", token: admin, body: #"{"password":"battery staple"}"#, expecting: 422)
    // An administrator trades on no account, and a trader administers none.
    try await api.call("get", "/api/trades", token: admin, expecting: 403)
    try await api.call("post", "/api/session", body: #"{"login":"alice","password":"correct horse"}"#, expecting: 401)
    let alice = try await token(api, "alice", "battery staple")
    try await api.call("get", "/admin/accounts", token: alice, expecting: 403)
    return alice
  }

  private func tryOrders(_ api: DocumentedAPI, _ alice: String) async throws {
    func body(_ id: String, _ more: String) -> String { #"{"clientOrderId":"\#(id)","symbol":"EURUSD",\#(more)}"# }
    let market = body("m1", #""side":"buy","volume":"0.20","stopLoss":"0.50000""#)
    let placed = try await api.call("post", "/api/orders", token: alice, body: market, expecting: 201)
    #expect(try placed.json("status") == "filled")
    let again = try await api.call("post", "/api/orders", token: alice, body: market, expecting: 200)
    #expect(again.body == placed.body)
    try await api.call(
      "post", "/api/orders", token: alice, body: body("m1", #""side":"sell","volume":"0.20""#), expecting: 409)
    let refused = body("m2", #""side":"buy","volume":"0.10","stopLoss":"9.00000""#)
    for _ in 0..<2 {
      let answer = try await api.call("post", "/api/orders", token: alice, body: refused, expecting: 422)
      #expect(try answer.json("reason") == "STOP_LOSS_ON_FILL_LOSS")
    }
    let foreign = body("m3", #""side":"buy","volume":"0.10","accountId":"demo""#)
    try await api.call("post", "/api/orders", token: alice, body: foreign, expecting: 403)

    let limit = #""side":"buy","type":"limit","volume":"0.10","price":"0.60000","timeInForce":"GTD","#
    let waiting = body("l1", limit + #""goodTill":"2099-01-01T00:00:00+01:00""#)
    let pending = try await api.call("post", "/api/orders", token: alice, body: waiting, expecting: 201)
    #expect(try pending.json("status") == "pending")
    #expect(try pending.json("goodTill") == "2098-12-31T23:00:00.000Z")
    let order = "/api/orders/{clientOrderId}"
    let better = body("l2", #""side":"buy","type":"limit","volume":"0.10","price":"0.61000""#)
    let replaced = try await api.call("put", order, "l1", token: alice, body: better, expecting: 201)
    let repeated = try await api.call("put", order, "l1", token: alice, body: better, expecting: 200)
    #expect(repeated.body == replaced.body)
    try await api.call("put", order, "none", token: alice, body: better, expecting: 404)
    let list = try await api.call("get", "/api/pendingOrders", token: alice, expecting: 200)
    #expect(list.body.contains(#""clientOrderId":"l2""#) && !list.body.contains(#""clientOrderId":"l1""#))
    try await api.call("delete", order, "l2", token: alice, expecting: 200)
    try await api.call("delete", order, "l2", token: alice, expecting: 409)
    try await api.call("delete", order, "none", token: alice, expecting: 404)
    #expect(try await api.call("get", order, "m1", token: alice, expecting: 200).body == placed.body)
    try await api.call("get", order, "m1", expecting: 404)
    try await api.call("get", "/api/orders", query: "?limit=3", token: alice, expecting: 200)
  }

  private func tryTrades(_ api: DocumentedAPI, _ alice: String) async throws {
    let trades = try await api.call("get", "/api/trades", token: alice, expecting: 200)
    let object = try JSONSerialization.jsonObject(with: Data(trades.body.utf8)) as? [String: [[String: Any]]]
    let trade = try #require(object?["trades"]?.first)
    #expect(object?["trades"]?.count == 1)
    #expect(trade["stopLoss"] as? String == "0.50000")
    let id = try #require(trade["tradeId"] as? String)

    let protection = "/api/trades/{tradeId}/protection"
    let levels = #"{"takeProfit":"9.00000","trailingDistance":"500"}"#
    let set = try await api.call("put", protection, id, token: alice, body: levels, expecting: 200)
    #expect(set.body.contains("TAKE_PROFIT_ORDER") && set.body.contains("ORDER_CANCEL"))
    let same = try await api.call("put", protection, id, token: alice, body: levels, expecting: 200)
    #expect(same.body == #"{"transactions":[]}"#)
    try await api.call("put", protection, id, token: alice, body: #"{"takeProfit":"0.10000"}"#, expecting: 422)
    try await api.call("put", protection, "999", token: alice, body: levels, expecting: 404)
    try await api.call("put", protection, "x", token: alice, body: levels, expecting: 400)

    let positions = try await api.call("get", "/api/positions", token: alice, expecting: 200)
    #expect(positions.body.contains(#""longVolume":"0.20""#))
    let close = "/api/trades/{tradeId}/close"
    let part = #"{"clientOrderId":"c1","volume":"0.05"}"#
    try await api.call("post", close, id, token: alice, body: part, expecting: 201)
    let rest = #"{"clientOrderId":"c2"}"#
    let closed = try await api.call("post", close, id, token: alice, body: rest, expecting: 201)
    #expect(try closed.json("volume") == "0.15")
    #expect(try await api.call("post", close, id, token: alice, body: rest, expecting: 200).body == closed.body)
    #expect(try await api.call("post", close, id, token: alice, body: part, expecting: 200).json("volume") == "0.05")
    try await api.call("post", close, id, token: alice, body: #"{"clientOrderId":"c3"}"#, expecting: 404)
    try await api.call("post", close, id, token: alice, body: #"{"clientOrderId":"m1"}"#, expecting: 409)
  }

  private func tryReading(_ api: DocumentedAPI, _ alice: String, _ port: Int) async throws {
    let accounts = try await api.call("get", "/api/accounts", token: alice, expecting: 200)
    #expect(accounts.body.contains(#""equity":"#))
    try await api.call("get", "/api/accounts/{accountId}", "alice", token: alice, expecting: 200)
    try await api.call("get", "/api/accounts/{accountId}", "demo", token: alice, expecting: 403)
    try await api.call("get", "/api/symbols", expecting: 200)
    try await api.call("get", "/api/prices", query: "?symbols=EURUSD", expecting: 200)
    try await api.call("get", "/api/prices", query: "?symbols=NOPE", expecting: 422)
    try await api.call("get", "/api/stats", expecting: 200)
    let candles = "/api/candles/{symbol}"
    try await eventually("there is a candle") {
      try await api.send("get", candles, ["EURUSD"]).body.contains(#""open":"#)
    }
    try await api.call("get", candles, "EURUSD", query: "?granularity=H1&count=10", expecting: 200)
    try await api.call("get", candles, "EURUSD", query: "?granularity=S1", expecting: 400)
    try await api.call("get", candles, "EURUSD", query: "?from=yesterday", expecting: 400)
    try await api.call("get", candles, "NOPE", expecting: 422)
    let first = try await api.call("get", "/api/transactions", query: "?limit=2", token: alice, expecting: 200)
    #expect(first.body.contains(#""type":"CREATE""#))
    try await api.call("get", "/api/transactions", query: "?since=-1", token: alice, expecting: 400)

    let last = try #require(try first.json("lastTransactionId").flatMap { Int($0) })
    let lines = try await WireClient.lines(
      port, "/api/transactions/stream?since=0", count: last, headers: ["Authorization: Bearer \(alice)"])
    for (index, line) in lines.enumerated() {
      let answer = WireClient.Answer(status: 200, head: "content-type: application/x-ndjson", body: line)
      #expect(api.check(answer, of: "get", "/api/transactions/stream") == nil)
      #expect(try answer.json("id") == String(index + 1))
    }
  }

  private func trySessions(_ api: DocumentedAPI) async throws {
    let body = #"{"login":"alice","password":"battery staple"}"#
    let session = try await api.call("post", "/api/session", body: body, expecting: 200)
    let access = try #require(try session.json("accessToken"))
    let refresh = #"{"refreshToken":"\#(try session.json("refreshToken") ?? "")"}"#
    let renewed = try await api.call("post", "/api/session/refresh", body: refresh, expecting: 200)
    let newer = try #require(try renewed.json("accessToken"))
    try await api.call("get", "/api/accounts", token: newer, expecting: 200)
    // The refresh token was copied: all that came of the session ends.
    try await api.call("post", "/api/session/refresh", body: refresh, expecting: 401)
    for token in [access, newer] {
      let answer = try await api.call("get", "/api/accounts", token: token, expecting: 401)
      #expect(try answer.json("error", "code") == "session_ended")
      #expect(answer.head.contains("WWW-Authenticate: Bearer"))
    }
    let next = #"{"refreshToken":"\#(try renewed.json("refreshToken") ?? "")"}"#
    try await api.call("post", "/api/session/refresh", body: next, expecting: 401)

    let other = try await token(api, "alice", "battery staple")
    try await api.call("delete", "/api/session", token: other, expecting: 204)
    try await api.call("get", "/api/accounts", token: other, expecting: 401)
    try await api.call("delete", "/api/session", expecting: 401)
    // The login that failed before goes on failing, more and more slowly.
    var status = 0
    for _ in 0..<6 where status != 429 {
      let guess = #"{"login":"mallory","password":"wrong"}"#
      let answer = try await api.send("post", "/api/session", body: guess)
      status = answer.status
      #expect(status == 401 || answer.head.contains("Retry-After: "))
    }
    #expect(status == 429)
  }
}
