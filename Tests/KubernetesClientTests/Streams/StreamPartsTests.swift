import KubernetesModels
import NIOCore
import Testing

@testable import KubernetesClient

struct StreamPartsTests {
  private static func connection(_ messages: [[UInt8]], _ subprotocol: String = ChannelMessage.v5) -> MessageConnection
  {
    let queue = InboundMessages(resumeReading: {})
    for message in messages { queue.push(ByteBuffer(bytes: message)) }
    queue.finish()
    return MessageConnection(
      subprotocol: subprotocol, receive: { try await queue.next() }, send: { _ in }, close: {})
  }

  private static func result(_ status: JSONValue) -> [UInt8] { [3] + status.serialized() }

  @Test func outputThatComesBehindTheResultIsNotLost() async throws {
    let process = RemoteProcess(
      connection: Self.connection([[1], [1, 65], Self.result(["status": "Success"]), [1, 66], [255, 1]]), what: "x")
    var text = ""
    for try await case .standardOutput(let bytes) in process.output { text += String(buffer: bytes) }
    #expect(text == "AB")
    #expect(try await process.waitUntilExit() == ProcessExit(code: 0))
  }

  @Test func anEndWithoutAResultIsAnError() async throws {
    let process = RemoteProcess(connection: Self.connection([[1, 65]]), what: "exec in n/p")
    await #expect {
      _ = try await process.waitUntilExit()
    } throws: { "\($0)".contains("exec in n/p") && "\($0)".contains("may still run") }
  }

  @Test func resultsAreTold() throws {
    func status(_ json: JSONValue) throws -> ProcessExit { try ProcessExit(ByteBuffer(bytes: json.serialized())) }
    #expect(try status(["status": "Success"]).code == 0)
    #expect(
      try status([
        "status": "Failure", "reason": "NonZeroExitCode",
        "details": ["causes": [["reason": "ExitCode", "message": "137"]]],
      ]).code == 137)
    #expect {
      _ = try status(["status": "Failure", "reason": "InternalError", "message": "no such file"])
    } throws: { ($0 as? KubernetesError)?.status?.message == "no such file" }
    #expect(throws: KubernetesError.self) { _ = try ProcessExit(ByteBuffer(string: "nonsense")) }
  }

  @Test func theQueueHoldsTheOtherSideBackAndWakesIt() async throws {
    let woken = Shared(0)
    let queue = InboundMessages(limit: 10) { woken.change { $0 += 1 } }
    #expect(queue.hasRoom())
    for _ in 0..<3 { queue.push(ByteBuffer(repeating: 1, count: 4)) }
    #expect(!queue.hasRoom())
    _ = try await queue.next()
    #expect(woken.value == 0)
    _ = try await queue.next()
    #expect(woken.value == 1, "at half of the limit it wakes the reader, once")
    _ = try await queue.next()
    #expect(woken.value == 1)
  }

  @Test func severalReadersGetOneMessageEachAndTheEnd() async throws {
    let queue = InboundMessages(resumeReading: {})
    let readers = (0..<3).map { _ in Task { try await queue.next() } }
    let cancelled = Task { try await queue.next() }
    cancelled.cancel()
    await #expect(throws: CancellationError.self) { try await cancelled.value }
    queue.push(ByteBuffer(string: "a"))
    queue.push(ByteBuffer(string: "b"))
    queue.finish()
    var seen: [String] = []
    for reader in readers { if let message = try await reader.value { seen.append(String(buffer: message)) } }
    #expect(seen.sorted() == ["a", "b"])
  }

  @Test func connectIsSaidToAProxy() {
    var http = ProxyHandshake(kind: .http, host: "fd00::1", port: 6443, user: "me", password: "pw")
    #expect(
      String(decoding: http.opening(), as: UTF8.self)
        == "CONNECT [fd00::1]:6443 HTTP/1.1\r\nHost: [fd00::1]:6443\r\nProxy-Authorization: Basic bWU6cHc=\r\n\r\n")
    #expect(http.receive(Array("HTTP/1.1 200 OK\r\nVia: x\r\n".utf8)) == .wait)
    #expect(http.receive(Array("\r\n".utf8)) == .done)
    var refused = ProxyHandshake(kind: .http, host: "a", port: 1)
    guard case .fail(let text) = refused.receive(Array("HTTP/1.1 403 Forbidden\r\n\r\n".utf8)) else {
      Issue.record("accepted")
      return
    }
    #expect(text.contains("403"))
    var chatty = ProxyHandshake(kind: .http, host: "a", port: 1)
    #expect(chatty.receive(Array("HTTP/1.1 200 OK\r\n\r\nhello".utf8)) == .fail("it sent more than its answer"))
  }

  @Test func socksIsSaidByteByByte() {
    var socks = ProxyHandshake(kind: .socks5, host: "ab", port: 258, user: "u", password: "pw")
    #expect(socks.opening() == [5, 2, 0, 2])
    #expect(socks.receive([5]) == .wait)
    #expect(socks.receive([2]) == .send([1, 1, 117, 2, 112, 119]))
    #expect(socks.receive([1, 0]) == .send([5, 1, 0, 3, 2, 97, 98, 1, 2]))
    for byte: UInt8 in [5, 0, 0, 3, 1, 97, 0] { #expect(socks.receive([byte]) == .wait) }
    #expect(socks.receive([0]) == .done)
    var lost = ProxyHandshake(kind: .socks5, host: "ab", port: 1)
    _ = lost.receive([5, 0])
    #expect(
      lost.receive([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]) == .fail("it refused to connect to ab:1 (SOCKS5 code 5)"))
  }
}
