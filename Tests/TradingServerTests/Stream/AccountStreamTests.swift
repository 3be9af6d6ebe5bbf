import Foundation
import NIOCore
import Testing
import TradingStore

@testable import TradingServer

@Suite struct AccountStreamTests {
  /// The ids of the transactions up to `last`, in the order in which they come.
  private func ids(_ socket: inout WireSocket, upTo last: Int) async throws -> [Int] {
    var ids: [Int] = []
    while ids.last ?? 0 < last {
      let message = try await socket.nextJSON()
      guard message["type"] as? String == "transaction" else { continue }
      ids.append(((message["transaction"] as? [String: Any])?["id"] as? String).flatMap { Int($0) } ?? 0)
    }
    return ids
  }

  @Test func transactionsOfAnyReplicaComeInOrderAndAreResumedWithoutHoleOrDouble() async throws {
    try await withReplicas { one, two, _ in
      try await WireSocket.with(one) { socket in
        try await socket.send(#"{"type":"subscribe","account":"demo"}"#)
        let opening = try await socket.nextJSON()
        #expect(opening["type"] as? String == "account")
        let account = opening["account"] as? [String: Any]
        #expect(account?["balance"] as? String == "100000.00" && account?["lastTransactionId"] as? String == "2")
        // An order and its fill each, on the other replica.
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<10 {
            group.addTask {
              let answer = try await WireClient.order(two, "live-\(number)")
              #expect(answer.status == 201)
            }
          }
          try await group.waitForAll()
        }
        #expect(try await ids(&socket, upTo: 22) == Array(3...22))
      }
      for number in 0..<40 { #expect(try await WireClient.order(one, "missed-\(number)").status == 201) }
      try await WireSocket.with(two) { socket in
        try await socket.send(#"{"type":"subscribe","account":"demo","since":22}"#)
        async let order = WireClient.order(one, "meanwhile")
        #expect(try await ids(&socket, upTo: 104) == Array(23...104))
        #expect(try await order.status == 201)
      }
    }
  }

  @Test func anAccountThatIsNotTheClientsOrAnIdThatIsNotThereIsRefused() async throws {
    try await withReplicas { port, _, _ in
      try await WireSocket.with(port) { socket in
        for (message, code) in [
          (#"{"type":"subscribe","account":"other"}"#, "forbidden"),
          (#"{"type":"subscribe","account":"demo","since":"99"}"#, "unknown_transaction"),
        ] {
          try await socket.send(message)
          #expect((try await socket.nextJSON()["error"] as? [String: Any])?["code"] as? String == code)
        }
      }
      try await WireSocket.with(port, "/ws?token=wrong") { socket in
        let error = try await socket.nextJSON()
        #expect(error["type"] as? String == "error")
        let close = try await socket.next()
        #expect(close == .close(1008))
      }
    }
  }

  /// The newest bid and ask of EURUSD that a socket is shown, in points, once `isExpected`.
  private func prices(
    _ socket: inout WireSocket, _ isExpected: (_ spread: Int) -> Bool
  ) async throws -> (bid: Int, ask: Int) {
    let alarm = socket.hangUp(after: .seconds(20))
    defer { alarm.cancel() }
    while true {
      let message = try await socket.nextJSON()
      guard let price = (message["prices"] as? [[String: String]])?.first else { continue }
      func points(_ key: String) -> Int { Int((price[key] ?? "").filter { $0 != "." }) ?? 0 }
      if isExpected(points("ask") - points("bid")) { return (points("bid"), points("ask")) }
    }
  }

  @Test func whoFollowsAnAccountSeesThePricesThatItDealsAt() async throws {
    try await withAdministeredServer { port, _ in
      let logIn = #"{"login":"admin","password":"open sesame"}"#
      let session = try await WireClient.request(port, "POST", "/api/session", body: logIn)
      let admin = ["Authorization: Bearer \(try session.json("accessToken") ?? "")"]
      let opening = #"{"accountId":"alice","password":"correct horse","group":"vip"}"#
      #expect(
        try await WireClient.request(port, "POST", "/admin/accounts", body: opening, headers: admin).status == 201)
      let alice = try await WireClient.request(
        port, "POST", "/api/session", body: #"{"login":"alice","password":"correct horse"}"#)
      func setMarkup(_ points: Int) async throws {
        let body = #"{"EURUSD":"\#(points)"}"#
        let answer = try await WireClient.request(port, "PUT", "/admin/groups/vip", body: body, headers: admin)
        #expect(answer.status == 200)
      }
      try await setMarkup(7)
      try await WireSocket.with(port, "/ws?token=\(try alice.json("accessToken") ?? "")") { socket in
        try await socket.send(#"{"type":"subscribe","symbols":["EURUSD"]}"#)
        _ = try await prices(&socket) { $0 == 12 }
        try await socket.send(#"{"type":"subscribe","account":"alice"}"#)
        _ = try await prices(&socket) { $0 == 26 }
        // They change with the markup, and go when the account goes.
        try await setMarkup(20)
        _ = try await prices(&socket) { $0 == 52 }
        try await socket.send(#"{"type":"unsubscribe","account":"alice","symbols":[]}"#)
        _ = try await prices(&socket) { $0 == 12 }
      }
    }
  }
}
