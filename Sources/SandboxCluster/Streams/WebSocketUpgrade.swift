import COpenSSL
import FoundationEssentials
import NIOCore
import NIOWebSocket

/// The handshake of RFC 6455, section 4.2.
struct WebSocketUpgrade {
  private let key: String
  private let protocols: [String]

  init(_ request: StreamRequest) throws(PodStreamError) {
    guard let key = request.header("Sec-WebSocket-Key"), request.header("Sec-WebSocket-Version") == "13" else {
      throw PodStreamError(.badRequest, "websocket: the client is not using version 13 of the protocol")
    }
    self.key = key
    protocols = request.headers.filter { $0.name.lowercased() == "sec-websocket-protocol" }
      .flatMap { $0.value.split(separator: ",") }.map { String($0.filter { $0 != " " }) }
  }

  func offers(_ name: String) -> Bool { protocols.contains(name) }

  var noCommonProtocol: PodStreamError {
    PodStreamError(.badRequest, "unable to negotiate a WebSocket subprotocol; the client supports \(protocols)")
  }

  /// The 101, and a pipeline of WebSocket frames, fragments put together, for `start` to build on.
  func accept(
    _ subprotocol: String, start: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
  ) -> UpgradeDecision {
    let headers = [
      (name: "Upgrade", value: "websocket"), (name: "Connection", value: "Upgrade"),
      (name: "Sec-WebSocket-Accept", value: Self.acceptValue(for: key)),
      (name: "Sec-WebSocket-Protocol", value: subprotocol),
    ]
    return .accept(headers: headers) { channel in
      channel.eventLoop.makeCompletedFuture {
        let longest = 1 << 24
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: longest)))
        try pipeline.addHandler(WebSocketFrameEncoder())
        try pipeline.addHandler(
          NIOWebSocketFrameAggregator(
            minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 4096, maxAccumulatedFrameSize: longest))
      }.flatMap { start(channel) }
    }
  }

  static func acceptValue(for key: String) -> String {
    let text = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
    var digest = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
    SHA1(text, text.count, &digest)
    return Data(digest).base64EncodedString()
  }
}

/// Sends WebSocket frames; every send returns when the bytes are with the operating system, which is what slows senders down.
struct WebSocketSender: Sendable {
  let channel: any Channel

  /// A binary message whose first byte is the channel number.
  func send(_ id: UInt8, _ bytes: some Collection<UInt8>) async throws {
    var buffer = channel.allocator.buffer(capacity: bytes.count + 1)
    buffer.writeInteger(id)
    buffer.writeBytes(bytes)
    try await channel.writeAndFlush(WebSocketFrame(fin: true, opcode: .binary, data: buffer)).get()
  }

  func pong(_ frame: WebSocketFrame) async throws {
    try await channel.writeAndFlush(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData)).get()
  }

  func close(_ code: WebSocketErrorCode = .normalClosure) async throws {
    var buffer = channel.allocator.buffer(capacity: 2)
    buffer.write(webSocketErrorCode: code)
    try await channel.writeAndFlush(WebSocketFrame(fin: true, opcode: .connectionClose, data: buffer)).get()
  }
}
