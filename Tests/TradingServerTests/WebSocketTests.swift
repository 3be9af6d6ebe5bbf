import Foundation
import ServiceLifecycle
import Testing
import TradingCore
import TradingStore

@testable import TradingServer

@Suite struct WebSocketTests {
  /// Needs neither database nor Redis.
  private func withPrices(_ body: (Int) async throws -> Void) async throws {
    let nowhere = PostgresSettings(host: "127.0.0.1", port: try freePort(), database: "x", user: "x")
    let redis = RedisSettings(host: "127.0.0.1", port: try freePort())
    try await withServer(postgres: nowhere, redis: redis) { port, _ in try await body(port) }
  }

  @Test func aSubscriberGetsASnapshotAndThenTicks() async throws {
    try await withPrices { port in
      try await WireSocket.with(port) { socket in
        try await socket.send(#"{"type":"subscribe","symbols":["EURUSD","XAUUSD"]}"#)
        let snapshot = try await socket.nextJSON()
        #expect(snapshot["type"] as? String == "snapshot")
        #expect((snapshot["prices"] as? [[String: String]])?.map { $0["symbol"] } == ["EURUSD", "XAUUSD"])
        var sequence = snapshot["sequence"] as? Int ?? 0
        for _ in 0..<3 {
          let tick = try await socket.nextJSON()
          #expect(tick["type"] as? String == "tick")
          #expect((tick["sequence"] as? Int ?? 0) > sequence)
          sequence = tick["sequence"] as? Int ?? 0
        }
        let metrics = try await WireClient.request(port, "GET", "/metrics")
        #expect(metrics.body.contains("\nrtx_active_connections 1"))
      }
      try await eventually("the connection is counted off") {
        try await WireClient.request(port, "GET", "/metrics").body.contains("\nrtx_active_connections 0")
      }
    }
  }

  @Test func pingsClosesAndMistakesAreAnswered() async throws {
    try await withPrices { port in
      try await WireSocket.with(port) { socket in
        try await socket.ping("are you there")
        #expect(try await socket.next() == .pong("are you there"))
        try await socket.send("nonsense")
        #expect(try await socket.nextJSON()["type"] as? String == "error")
        try await socket.send(#"{"type":"subscribe","symbols":["NOPE"]}"#)
        let error = try await socket.nextJSON()["error"] as? [String: Any]
        #expect(error?["field"] as? String == "symbols")
        try await socket.close(1000)
        #expect(try await socket.next() == .close(1000))
        #expect(try await socket.next() == .ended)
      }
    }
  }

  @Test func clientsAreSentAwayWith1001WhenTheServerDrains() async throws {
    let nowhere = PostgresSettings(host: "127.0.0.1", port: try freePort(), database: "x", user: "x")
    let redis = RedisSettings(host: "127.0.0.1", port: try freePort())
    try await withServer(postgres: nowhere, redis: redis, drainSeconds: 5) { port, group in
      try await WireSocket.with(port) { socket in
        try await socket.send(#"{"type":"ping"}"#)
        #expect(try await socket.next() == .text(#"{"type":"pong"}"#))
        await group.triggerGracefulShutdown()
        let farewell = try await socket.nextJSON()
        #expect(farewell["type"] as? String == "reconnect")
        #expect(try await socket.next() == .close(1001))
        #expect(socket.closeReason == "going away: reconnect elsewhere")
        let upgrade = [
          "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ]
        #expect(try await WireClient.request(port, "GET", "/ws", headers: upgrade).status == 426)
        let ready = try await WireClient.request(port, "GET", "/ready")
        #expect(ready.status == 503 && ready.body.contains("shutting down"))
      }
    }
  }

  /// What the old colour does after a switch: its clients go, it could take them back at any moment.
  @Test func clientsAreSentElsewhereForAWhileAndTheServerStaysReady() async throws {
    try await withAdministeredServer { port, _ in
      let login = #"{"login":"admin","password":"open sesame"}"#
      let session = try await WireClient.request(port, "POST", "/api/session", body: login)
      let answer = try JSONSerialization.jsonObject(with: Data(session.body.utf8)) as? [String: Any]
      let token = try #require(answer?["accessToken"] as? String)
      try await WireSocket.with(port) { socket in
        try await socket.send(#"{"type":"ping"}"#)
        #expect(try await socket.next() == .text(#"{"type":"pong"}"#))
        let drained = try await WireClient.request(
          port, "POST", "/admin/drain?seconds=200", headers: ["Authorization: Bearer \(token)"])
        #expect(drained.status == 204)
        #expect(try await socket.nextJSON()["type"] as? String == "reconnect")
        #expect(try await socket.next() == .close(1001))
      }
      let ready = try await WireClient.request(port, "GET", "/ready")
      #expect(ready.status == 200 && ready.head.lowercased().contains("connection: close"))
      // Who has nowhere else to go is not turned away.
      try await WireSocket.with(port) { socket in
        try await socket.send(#"{"type":"ping"}"#)
        #expect(try await socket.next() == .text(#"{"type":"pong"}"#))
      }
      let ended = try await WireClient.request(
        port, "POST", "/admin/drain?seconds=0", headers: ["Authorization: Bearer \(token)"])
      #expect(ended.status == 204)
      let health = try await WireClient.request(port, "GET", "/health")
      #expect(!health.head.lowercased().contains("connection: close"))
    }
  }

  @Test(
    arguments: [
      ([0xc1, 0x80, 0, 0, 0, 0], 1002), ([0x83, 0x80, 0, 0, 0, 0], 1002), ([0x81, 0x02, 0x7b, 0x7d], 1002),
      ([0x82, 0x80, 0, 0, 0, 0], 1003), ([0x81, 0x81, 0, 0, 0, 0, 0xff], 1007),
      ([0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], 1009),
    ] as [([UInt8], Int)])
  func bytesThatBreakTheProtocolAreAnsweredWithTheirCode(bytes: [UInt8], code: Int) async throws {
    try await withPrices { port in
      try await WireSocket.with(port) { socket in
        try await socket.send(raw: bytes)
        #expect(try await socket.next() == .close(code))
        // The server waits for our close, however the bytes go on.
        try await socket.close(1000)
        #expect(try await socket.next() == .ended)
      }
    }
  }

  @Test func eachMessageHasTheNumberAfterTheLast() async throws {
    try await withPrices { port in
      try await WireSocket.with(port) { socket in
        try await socket.send(#"{"type":"subscribe","symbols":["XAUUSD"]}"#)
        _ = try await socket.nextJSON()
        try await socket.send(#"{"type":"subscribe","symbols":["EURUSD"]}"#)
        var message = try await socket.nextJSON()
        while message["type"] as? String != "snapshot" { message = try await socket.nextJSON() }
        #expect((message["prices"] as? [[String: String]])?.map { $0["symbol"] } == ["EURUSD", "XAUUSD"])
        let number = try #require(message["sequence"] as? Int)
        for step in 1...3 {
          let tick = try await socket.nextJSON()
          #expect(tick["sequence"] as? Int == number + step)
          #expect(tick["priceSequence"] is Int && tick["time"] is String)
        }
      }
    }
  }

  @Test(arguments: [
    ["Upgrade: h2c"], ["Upgrade: websocket"],
    ["Upgrade: websocket", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="],
  ])
  func anUpgradeThatIsNotPossibleIsStillAnswered(headers: [String]) async throws {
    try await withPrices { port in
      let refused = try await WireClient.request(port, "GET", "/ws", headers: headers)
      #expect(refused.status == 426)
      let elsewhere = try await WireClient.request(port, "GET", "/health", headers: headers)
      #expect(elsewhere.status == 200)
    }
  }
}
