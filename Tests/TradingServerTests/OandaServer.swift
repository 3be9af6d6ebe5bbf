import NIOCore
import NIOPosix
import Synchronization

/// Speaks the part of OANDA's v20 protocol that a price feed needs, well or badly, as told.
final class OandaServer: Sendable {
  /// What the next connection to the stream gets.
  enum Behaviour: Sendable {
    case refusal(Int, String, headers: String = "")
    /// Pieces of the stream as they go over the wire, and whether it goes on in silence or ends.
    case stream([String], isEnding: Bool = false)
  }

  private struct State {
    var behaviours: [Behaviour]
    var heads: [String] = []
    var open = 0
  }
  private let state: Mutex<State>
  private let instruments: String

  init(instruments: [String], _ behaviours: [Behaviour]) {
    self.instruments = instruments.map { #"{"name":"\#($0)","type":"CURRENCY"}"# }.joined(separator: ",")
    state = Mutex(State(behaviours: behaviours))
  }

  /// The heads of all requests.
  var heads: [String] { state.withLock { $0.heads } }
  /// Streams that are open now.
  var openStreams: Int { state.withLock { $0.open } }

  /// Serves while `body` runs with the port.
  func run(_ body: @escaping @Sendable (_ port: Int) async throws -> Void) async throws {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    let port = server.channel.localAddress?.port ?? 0
    try await server.executeThenClose { clients in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask {
          try await body(port)
          return true
        }
        group.addTask {
          await withDiscardingTaskGroup { connections in
            do {
              for try await client in clients { connections.addTask { try? await self.serve(client) } }
            } catch {}
          }
          return false
        }
        defer { group.cancelAll() }
        while let isDone = try await group.next(), !isDone {}
      }
    }
  }

  private func serve(_ client: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async throws {
    try await client.executeThenClose { inbound, outbound in
      var received = ""
      for try await part in inbound {
        received += String(buffer: part)
        guard received.contains("\r\n\r\n") else { continue }
        let head = received
        received = ""
        try await answer(head, outbound)
      }
    }
  }

  private func answer(_ head: String, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) async throws {
    state.withLock { $0.heads.append(head) }
    func write(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }
    guard head.contains("/pricing/stream?") else {
      let body = #"{"instruments":[\#(instruments)],"lastTransactionID":"1"}"#
      return try await write("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }
    let behaviour = state.withLock { state in
      state.behaviours.isEmpty ? .stream([]) : state.behaviours.removeFirst()
    }
    switch behaviour {
    case .refusal(let status, let words, let headers):
      let body = #"{"errorMessage":"\#(words)"}"#
      try await write("HTTP/1.1 \(status) No\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    case .stream(let pieces, let isEnding):
      state.withLock { $0.open += 1 }
      try await write(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/octet-stream\r\n\r\n")
      for piece in pieces { try await write("\(String(piece.utf8.count, radix: 16))\r\n\(piece)\r\n") }
      if isEnding { try await write("0\r\n\r\n") }
    }
  }
}
