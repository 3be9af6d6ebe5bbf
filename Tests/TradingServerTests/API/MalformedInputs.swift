import Foundation
import NIOCore
import Testing

/// What no honest client sends.
enum MalformedInputs {
  static let injection = "'; DROP TABLE accounts; --"
  /// JSON values that no field of an order can be.
  static let values = [
    "0.1", "-1", "1e400", "99999999999999999999999", "true1", "[]", #"["0.10"]"#, #"{"a":"b"}"#, #""""#, #"" ""#,
    #""\u0000""#, #""NaN""#, #""１.0""#, #""1e5""#, #""+1""#, #""0x10""#, #""-99999999999999999999""#,
    #""\ud800""#, #""👩‍👩‍👧‍👦 \u202e""#, "\"\(injection)\"", "\"\(String(repeating: "9", count: 30_000))\"",
  ]
  static let fields = [
    "accountId", "clientOrderId", "symbol", "side", "type", "volume", "price", "timeInForce", "goodTill",
    "maximumDeviation", "reduceOnly", "takeProfit",
  ]
  static let bodies =
    fields.flatMap { field in values.map { value in #"{"clientOrderId":"x","\#(field)":\#(value)}"# } } + [
      "", "{", "}", "null", "[]", "1", "\"text\"", "{}", "{\"a\":}", "{'a':'b'}", "{\"symbol\":\"EURUSD\",}",
      "{\"__proto__\":\"x\"}", "\u{feff}{}", "{\"symbol\" \"EURUSD\"}", "// comment\n{}", "{\"a\":\"b\"}{\"a\":\"b\"}",
      String(repeating: "[", count: 20_000), String(repeating: "{\"a\":", count: 10_000),
      "{\"\(String(repeating: "k", count: 20_000))\":\"v\"}", "{\"a\":\"\u{1}\"}",
    ]
  static let targets = [
    "/api/orders/%27%3B%20DROP%20TABLE", "/api/orders/..%2F..%2Fetc%2Fpasswd", "/api/orders/%00", "/api/orders/%ff%fe",
    "/api/orders/\(String(repeating: "a", count: 65))", "/api/orders?limit=-1", "/api/orders?limit=1e3",
    "/api/orders?limit=99999999999999999999", "/api/orders?limit=1%20OR%201=1", "/api/orders?accountId=%27%20OR%20%27",
    "/api/transactions?since=-1", "/api/transactions?since=x", "/api/transactions?limit=0",
    "/api/transactions/stream?since=%27", "/api/trades?accountId=", "/api/trades?accountId=%00",
    "/api/accounts/%27", "/api/prices?symbols=%27%3B", "/api/prices?symbols=EURUSD,%00", "/nothing", "/api/",
    "/%2e%2e/%2e%2e/etc/passwd", "/admin/accounts", "/admin/exposure",
  ]
  static let tokens = [
    "", "x", "a.b.c", "Bearer", "null", "..", "eyJhbGciOiJub25lIn0.e30.", String(repeating: "a", count: 8_000),
    "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", injection.replacing(" ", with: "_"), "%00", "🔑",
  ]
  /// Bytes that are no HTTP, or HTTP that nobody may send.
  static let connections = [
    "\r\n\r\n\u{0}", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "G@T / HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n bad\r\n\r\n",
    "POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "POST /api/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "a", count: 70_000))\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n\(String(repeating: "A: b\r\n", count: 200))\r\n",
    "GET /\(String(repeating: "a", count: 100_000)) HTTP/1.1\r\nHost: x\r\n\r\n",
  ]

  /// Messages of a WebSocket.
  static let messages =
    [
      "", "nonsense", "null", "[]", "1", "{}", "{", #"{"type":1}"#, #"{"type":null}"#, #"{"type":"SUBSCRIBE"}"#,
      #"{"type":"\#(injection)"}"#, #"{"type":"authenticate"}"#, #"{"type":"authenticate","token":5}"#,
      #"{"type":"subscribe","symbols":"EURUSD"}"#, #"{"type":"subscribe","symbols":[1]}"#,
      #"{"type":"subscribe","symbols":[""]}"#, #"{"type":"subscribe","symbols":["\#(injection)"]}"#,
      #"{"type":"subscribe","symbols":["EURUSD","NOPE"]}"#, #"{"type":"unsubscribe","symbols":["NOPE"]}"#,
      #"{"type":"subscribe","account":"\#(injection)"}"#, #"{"type":"subscribe","account":5}"#,
      #"{"type":"subscribe","account":"somebody-else"}"#, #"{"type":"subscribe","account":""}"#,
      #"{"type":"subscribe","symbols":[\#(Array(repeating: #""EURUSD""#, count: 300).joined(separator: ","))]}"#,
      String(repeating: "[", count: 8_000), #"{"type":"\#(String(repeating: "x", count: 8_000))"}"#,
    ]
    + ["-1", "1.5", "1e400", "true", "[]", #""x""#, #""""#, #""99999999999999999999""#, #""\#(injection)""#].map {
      #"{"type":"subscribe","account":"demo","since":\#($0)}"#
    }

  static var count: Int { bodies.count + targets.count + tokens.count + connections.count + messages.count }

  /// Sends all of them; each has to be refused.
  static func send(to port: Int) async throws {
    for body in bodies { try await expectRefusal(port, "POST", "/api/orders", body: body) }
    for target in targets { try await expectRefusal(port, "GET", target) }
    for token in tokens {
      let answer = try await expectRefusal(port, "GET", "/api/trades", headers: ["Authorization: Bearer \(token)"])
      #expect(answer.status == 401 || answer.status == 400, "\(token.prefix(60))")
    }
    for login in values.filter({ $0.hasPrefix("\"") }) {
      try await expectRefusal(port, "POST", "/api/session", body: #"{"login":\#(login),"password":\#(login)}"#)
    }
    for bytes in connections { try await expectClosure(port, bytes) }
    let huge = String(repeating: "x", count: 3 << 20)
    #expect(try await expectRefusal(port, "POST", "/api/orders", body: huge).status == 413)
  }

  @discardableResult
  static func expectRefusal(
    _ port: Int, _ method: String, _ path: String, body: String? = nil, headers: [String] = []
  ) async throws -> WireClient.Answer {
    let answer = try await WireClient.request(port, method, path, body: body, headers: headers)
    let what = Comment(rawValue: "\(method) \(path.prefix(80)) \(body?.prefix(120) ?? ""): \(answer.body.prefix(300))")
    #expect((400..<500).contains(answer.status), what)
    // What NIO refuses before there is a request has no body.
    if !answer.body.isEmpty {
      #expect(try answer.json("error", "message")?.isEmpty == false, what)
      #expect(try answer.json("error", "remedy")?.isEmpty == false, what)
    }
    return answer
  }

  /// The server answers 4xx, or closes without a word; it neither waits nor fails.
  static func expectClosure(_ port: Int, _ bytes: String) async throws {
    let answer = try await WireClient.connect(port).executeThenClose { inbound, outbound in
      try? await outbound.write(ByteBuffer(string: bytes))
      outbound.finish()
      var all = ByteBuffer()
      // A connection that is reset was closed too.
      do { for try await var part in inbound { all.writeBuffer(&part) } } catch {}
      return String(buffer: all)
    }
    #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(bytes.prefix(60)): \(answer.prefix(100))")
  }
}
