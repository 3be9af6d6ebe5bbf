import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// A client that writes and reads bytes, so that tests see exactly what the server sends.
enum WireClient {
  struct Answer: Sendable {
    let status: Int
    let head: String
    let body: String

    /// The JSON at a path of keys, as text.
    func json(_ keys: String...) throws -> String? {
      var value: Any? = try JSONSerialization.jsonObject(with: Data(body.utf8))
      for key in keys { value = (value as? [String: Any])?[key] }
      return value.map { "\($0)" }
    }
  }

  /// A server's certificate, and the name that it has to carry; nothing else is trusted.
  struct Trust: Sendable {
    let context: NIOSSLContext
    let name: String

    init(certificate file: String, name: String) throws {
      var configuration = TLSConfiguration.makeClientConfiguration()
      configuration.trustRoots = .file(file)
      context = try NIOSSLContext(configuration: configuration)
      self.name = name
    }
  }

  /// - Parameter trust: nil for a connection without TLS.
  static func connect(_ port: Int, trust: Trust? = nil) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
    try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port) {
      channel in
      channel.eventLoop.makeCompletedFuture {
        if let trust {
          try channel.pipeline.syncOperations.addHandler(
            NIOSSLClientHandler(context: trust.context, serverHostname: trust.name))
        }
        return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
      }
    }
  }

  static func request(
    _ port: Int, _ method: String, _ path: String, body: String? = nil, headers: [String] = [], trust: Trust? = nil
  ) async throws -> Answer {
    let lines =
      ["\(method) \(path) HTTP/1.1", "Host: localhost", "Connection: close"] + headers
      + (body.map { ["Content-Length: \($0.utf8.count)"] } ?? [])
    let text = lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
    let bytes = try await connect(port, trust: trust).executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(string: text))
      var all = ByteBuffer()
      for try await var part in inbound { all.writeBuffer(&part) }
      return String(buffer: all)
    }
    let parts = bytes.components(separatedBy: "\r\n\r\n")
    let status = parts[0].split(separator: " ").dropFirst().first.flatMap { Int($0) }
    return Answer(
      status: status ?? 0, head: parts[0], body: parts.dropFirst().joined(separator: "\r\n\r\n"))
  }

  /// The first `count` lines of a body that does not end, without what frames its chunks.
  static func lines(_ port: Int, _ path: String, count: Int, headers: [String] = []) async throws -> [String] {
    let request = (["GET \(path) HTTP/1.1", "Host: localhost"] + headers).joined(separator: "\r\n") + "\r\n\r\n"
    return try await connect(port).executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(string: request))
      var text = ""
      for try await part in inbound {
        text += String(buffer: part)
        let lines = text.split(whereSeparator: \.isNewline).map { String($0) }.filter {
          $0.hasPrefix("{") && $0.hasSuffix("}")
        }
        if lines.count >= count { return Array(lines.prefix(count)) }
      }
      return []
    }
  }

  static func order(
    _ port: Int, _ id: String, side: String = "buy", volume: String = "0.10"
  ) async throws -> Answer {
    let body = #"{"clientOrderId":"\#(id)","symbol":"EURUSD","side":"\#(side)","type":"market","volume":"\#(volume)"}"#
    return try await request(port, "POST", "/api/orders", body: body)
  }
}

/// The client's end of a WebSocket, frame by frame (RFC 6455, section 5.2).
struct WireSocket {
  enum Frame: Equatable {
    case text(String)
    case pong(String)
    case close(Int)
    case ended
  }

  private var input: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
  private let output: NIOAsyncChannelOutboundWriter<ByteBuffer>
  private let channel: any Channel
  private var buffer = ByteBuffer()
  /// What the server's close said in words.
  private(set) var closeReason = ""

  /// Upgrades a fresh connection and runs `body` on it.
  static func with<Value>(
    _ port: Int, _ path: String = "/ws", trust: WireClient.Trust? = nil,
    _ body: (inout WireSocket) async throws -> Value
  ) async throws -> Value {
    let connection = try await WireClient.connect(port, trust: trust)
    return try await connection.executeThenClose { inbound, outbound in
      var socket = WireSocket(input: inbound.makeAsyncIterator(), output: outbound, channel: connection.channel)
      let alarm = socket.hangUp(after: .seconds(20))
      try await socket.upgrade(path)
      alarm.cancel()
      return try await body(&socket)
    }
  }

  private init(
    input: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator, output: NIOAsyncChannelOutboundWriter<ByteBuffer>,
    channel: any Channel
  ) {
    self.input = input
    self.output = output
    self.channel = channel
  }

  private mutating func upgrade(_ path: String) async throws {
    let lines = [
      "GET \(path) HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket",
      "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    try await output.write(ByteBuffer(string: lines.joined(separator: "\r\n") + "\r\n\r\n"))
    var head = ""
    while !head.hasSuffix("\r\n\r\n") {
      guard try await fill(1), let byte = buffer.readString(length: 1) else { throw ChannelError.eof }
      head += byte
    }
    // The accept value of RFC 6455's own example.
    guard head.contains(" 101 "), head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") else { throw ChannelError.eof }
  }

  mutating func next() async throws -> Frame {
    guard try await fill(2), let first = buffer.readInteger(as: UInt8.self),
      let second = buffer.readInteger(as: UInt8.self)
    else { return .ended }
    var length = Int(second & 0x7f)
    switch length {
    case 126:
      guard try await fill(2), let long = buffer.readInteger(as: UInt16.self) else { return .ended }
      length = Int(long)
    case 127:
      guard try await fill(8), let long = buffer.readInteger(as: UInt64.self) else { return .ended }
      length = Int(long)
    default: break
    }
    guard try await fill(length), var payload = buffer.readSlice(length: length) else { return .ended }
    switch first & 0x0f {
    case 8:
      let code = payload.readInteger(as: UInt16.self).map { Int($0) } ?? 0
      closeReason = String(buffer: payload)
      return .close(code)
    case 9: return try await next()
    case 10: return .pong(String(buffer: payload))
    default: return .text(String(buffer: payload))
    }
  }

  /// The next text, as JSON.
  mutating func nextJSON() async throws -> [String: Any] {
    guard case .text(let text) = try await next() else { throw ChannelError.eof }
    return try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
  }

  /// Closes the connection unless that is cancelled before: whoever waits for a frame then gets `.ended`.
  func hangUp(after limit: TimeAmount) -> Scheduled<Void> {
    let channel = channel
    return channel.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
  }

  func send(_ text: String) async throws { try await send(opcode: 1, Array(text.utf8)) }

  func ping(_ text: String) async throws { try await send(opcode: 9, Array(text.utf8)) }

  func close(_ code: UInt16) async throws { try await send(opcode: 8, [UInt8(code >> 8), UInt8(code & 0xff)]) }

  /// Bytes that are no frame that the others can write.
  func send(raw bytes: [UInt8]) async throws { try await output.write(ByteBuffer(bytes: bytes)) }

  private func send(opcode: UInt8, _ payload: [UInt8]) async throws {
    let mask: [UInt8] = [1, 2, 3, 4]
    var bytes: [UInt8] = [0x80 | opcode]
    if payload.count < 126 {
      bytes.append(0x80 | UInt8(payload.count))
    } else {
      bytes += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
    }
    bytes += mask
    for (index, byte) in payload.enumerated() { bytes.append(byte ^ mask[index % 4]) }
    try await output.write(ByteBuffer(bytes: bytes))
  }

  private mutating func fill(_ count: Int) async throws -> Bool {
    while buffer.readableBytes < count {
      guard var part = try await input.next() else { return false }
      buffer.writeBuffer(&part)
    }
    return true
  }
}
