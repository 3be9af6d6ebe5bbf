import NIOCore
import NIOWebSocket

/// Turns the frames of a WebSocket client into messages: takes data, answers pings, says goodbye.
final class WebSocketMessages: ChannelInboundHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundOut = WebSocketFrame

  /// The longest message that is accepted, in bytes.
  static let messageLimit = 16 << 20
  /// Middleboxes forget connections that are silent for a minute or more.
  static let pingInterval = TimeAmount.seconds(20)

  private let messages: InboundMessages
  private let server: String
  private var pings: RepeatedTask?
  private var isClosing = false

  init(messages: InboundMessages, server: String) {
    self.messages = messages
    self.server = server
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    pings = context.eventLoop.scheduleRepeatedTask(initialDelay: Self.pingInterval, delay: Self.pingInterval) { _ in
      Self.write(.ping, ByteBuffer(), bound.value)
    }
    // From here on reading is asked for, one lot at a time.
    context.read()
  }

  func handlerRemoved(context: ChannelHandlerContext) { stop(.success(())) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    switch frame.opcode {
    case .binary, .text: messages.push(frame.unmaskedData)
    case .ping: Self.write(.pong, frame.unmaskedData, context)
    case .connectionClose: farewell(frame.unmaskedData, context)
    default: break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if messages.hasRoom() { context.read() }
    context.fireChannelReadComplete()
  }

  func channelInactive(context: ChannelHandlerContext) {
    stop(.failure(failure("the server closed the connection without a goodbye")))
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    stop(.failure(ErrorClassifier.classify(error, server: server)))
    context.close(promise: nil)
  }

  /// RFC 6455, 5.5.1: answer with the same code, then close.
  private func farewell(_ data: ByteBuffer, _ context: ChannelHandlerContext) {
    var body = data
    let code = body.readWebSocketErrorCode()
    switch code {
    case nil, .normalClosure, .goingAway: stop(.success(()))
    case .some(let code):
      let reason = body.readString(length: body.readableBytes) ?? ""
      stop(.failure(failure("the server gave the stream up (\(code)) \(reason)")))
    }
    guard !isClosing else { return context.close(promise: nil) }
    isClosing = true
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    Self.write(.connectionClose, data, context).whenComplete { _ in bound.value.close(promise: nil) }
  }

  private func failure(_ text: String) -> KubernetesError {
    .transport(TransportFailure(kind: .closed, server: server, message: text))
  }

  private func stop(_ end: Result<Void, any Error>) {
    pings?.cancel()
    pings = nil
    messages.finish(end)
  }

  /// What a client sends is masked (RFC 6455, 5.3).
  @discardableResult
  private static func write(
    _ opcode: WebSocketOpcode, _ data: ByteBuffer, _ context: ChannelHandlerContext
  ) -> EventLoopFuture<Void> {
    let promise = context.eventLoop.makePromise(of: Void.self)
    let frame = WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data)
    context.writeAndFlush(NIOAny(frame), promise: promise)
    return promise.futureResult
  }
}

/// A WebSocket as tasks see it. When nobody holds it any more, the connection is closed.
final class ClientWebSocket: Sendable {
  private let channel: any Channel
  private let messages: InboundMessages
  private let server: String

  init(channel: any Channel, messages: InboundMessages, server: String) {
    self.channel = channel
    self.messages = messages
    self.server = server
  }

  deinit { channel.close(promise: nil) }

  func receive() async throws -> ByteBuffer? { try await messages.next() }

  func send(_ message: ByteBuffer) async throws {
    do {
      let frame = WebSocketFrame(fin: true, opcode: .binary, maskKey: .random(), data: message)
      try await channel.writeAndFlush(frame).get()
    } catch {
      throw ErrorClassifier.classify(error, server: server)
    }
  }

  /// The server answers a goodbye and closes; where it does not within a second, this side does.
  func close() {
    messages.finish()
    guard channel.isActive else { return }
    var code = ByteBuffer()
    code.write(webSocketErrorCode: .normalClosure)
    let frame = WebSocketFrame(fin: true, opcode: .connectionClose, maskKey: .random(), data: code)
    let channel = channel
    channel.writeAndFlush(frame, promise: nil)
    // Reading may be paused, with the server's answer behind messages that nobody took.
    channel.read()
    channel.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
  }
}
