import Foundation
import NIOCore
import Testing
import TradingStore

@testable import TradingServer

/// Whatever a client sends, the answer is a clear 4xx or close code, nothing is stored, and the server goes on.
@Suite struct MalformedInputTests {
  @Test func threeHundredInputsAreRefusedAndChangeNothing() async throws {
    #expect(MalformedInputs.count >= 300)
    try await withAdministeredServer { port, _ in
      let before = try await WireClient.request(port, "GET", "/api/stats")
      try await MalformedInputs.send(to: port)
      let after = try await WireClient.request(port, "GET", "/api/stats")
      for counter in ["orders", "transactions"] { #expect(try after.json(counter) == before.json(counter)) }
      #expect(try await WireClient.order(port, "still-well").status == 201)
    }
  }

  /// The document names every parameter and every field, so none is forgotten.
  @Test func sqlInAnyStringOfAnyOperationIsOnlyText() async throws {
    try await withAdministeredServer { port, _ in
      let logIn = #"{"login":"admin","password":"open sesame"}"#
      let session = try await WireClient.request(port, "POST", "/api/session", body: logIn)
      let admin = try session.json("accessToken") ?? ""
      let document = try await WireClient.request(port, "GET", "/openapi.json").body
      var cases = 0
      for request in try SQLInjection.requests(openAPI: document) {
        let headers = request.path.hasPrefix("/admin") ? ["Authorization: Bearer \(admin)"] : []
        let answer = try await WireClient.request(
          port, request.method, request.path, body: request.body,
          headers: headers + ["X-Request-Id: \(SQLInjection.text)", "X-Forwarded-For: \(SQLInjection.text)"])
        // What is free text, such as a payment's reference, may hold it.
        #expect((200..<500).contains(answer.status), "\(request): \(answer.status) \(answer.body)")
        cases += 1
      }
      #expect(cases > 60)
      let accounts = try await WireClient.request(
        port, "GET", "/admin/accounts", headers: ["Authorization: Bearer \(admin)"])
      #expect(accounts.body == #"{"accounts":["demo"]}"#)
      #expect(try await WireClient.order(port, "still-well").status == 201)
    }
  }

  @Test func messagesOfWebSocketsThatMakeNoSenseAreAnsweredAndTheConnectionGoesOn() async throws {
    let nowhere = PostgresSettings(host: "127.0.0.1", port: try freePort(), database: "x", user: "x")
    let redis = RedisSettings(host: "127.0.0.1", port: try freePort())
    try await withServer(postgres: nowhere, redis: redis) { port, _ in
      for messages in MalformedInputs.messages.chunks(of: 20) {
        try await WireSocket.with(port) { socket in
          let alarm = socket.hangUp(after: .seconds(20))
          for message in messages {
            try await socket.send(message)
            let answer = try await socket.nextJSON()
            #expect(answer["type"] as? String == "error", "\(message.prefix(80)): \(answer)")
            let error = answer["error"] as? [String: Any]
            #expect((error?["remedy"] as? String)?.isEmpty == false, "\(message.prefix(80))")
          }
          try await socket.send(#"{"type":"ping"}"#)
          #expect(try await socket.nextJSON()["type"] as? String == "pong")
          alarm.cancel()
        }
      }
    }
  }
}

extension Array {
  fileprivate func chunks(of size: Int) -> [ArraySlice<Element>] {
    stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
  }
}
