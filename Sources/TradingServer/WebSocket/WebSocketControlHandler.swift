import NIOCore
import NIOWebSocket

/// The control frames of a WebSocket (RFC 6455, section 5.5): answers pings and closes, sends pings of its own,
/// and says goodbye with 1001 when the server drains. Passes only messages on.
final class WebSocketControlHandler: ChannelDuplexHandler {
  typealias InboundIn = WebSocketFrame
  typealias InboundOut = WebSocketFrame
  typealias OutboundIn = WebSocketFrame
  typealias OutboundOut = WebSocketFrame

  private static let pingInterval: TimeAmount = .seconds(20)
  /// A client that sends nothing, not even the answer to a ping, is gone.
  private static let silenceLimit: TimeAmount = .seconds(65)
  /// For the client to answer our close.
  private static let closeTimeout: TimeAmount = .seconds(2)

  private var isClosing = false
  private var lastRead = NIODeadline.now()
  private var ping: RepeatedTask?

  func handlerAdded(context: ChannelHandlerContext) {
    let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
    ping = context.eventLoop.scheduleRepeatedTask(initialDelay: Self.pingInterval, delay: Self.pingInterval) { _ in
      bound.value.handler.sendPing(context: bound.value.context)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    ping?.cancel()
    ping = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    lastRead = .now()
    let frame = unwrapInboundIn(data)
    switch frame.opcode {
    case .ping: send(.pong, frame.unmaskedData, context: context)
    case .pong: break
    case .connectionClose:
      if isClosing {
        context.close(promise: nil)
      } else {
        // The same code goes back; the reason is not repeated.
        var payload = frame.unmaskedData
        close(payload.readSlice(length: min(2, payload.readableBytes)) ?? ByteBuffer(), context: context)
        context.close(promise: nil)
      }
    default:
      if !isClosing { context.fireChannelRead(data) }
    }
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    // Nothing may follow a close frame.
    if isClosing { promise?.fail(ChannelError.outputClosed) } else { context.write(data, promise: promise) }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard event is ChannelShouldQuiesceEvent else { return context.fireUserInboundEventTriggered(event) }
    guard !isClosing else { return }
    let code = UInt16(webSocketErrorCode: .goingAway)
    close(ByteBuffer(integer: code), context: context)
    let channel = context.channel
    context.eventLoop.scheduleTask(in: Self.closeTimeout) { channel.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Fragments that do not fit together, or a message that is too large.
    if !isClosing, error is NIOWebSocketFrameAggregator.Error {
      let tooLarge = (error as? NIOWebSocketFrameAggregator.Error) == .accumulatedFrameSizeIsTooLarge
      close(
        ByteBuffer(integer: UInt16(webSocketErrorCode: tooLarge ? .messageTooLarge : .protocolError)), context: context)
    }
    context.close(promise: nil)
  }

  private func sendPing(context: ChannelHandlerContext) {
    if NIODeadline.now() - lastRead > Self.silenceLimit { return context.close(promise: nil) }
    send(.ping, ByteBuffer(), context: context)
  }

  private func close(_ payload: ByteBuffer, context: ChannelHandlerContext) {
    send(.connectionClose, payload, context: context)
    isClosing = true
  }

  private func send(_ opcode: WebSocketOpcode, _ payload: ByteBuffer, context: ChannelHandlerContext) {
    guard !isClosing else { return }
    context.writeAndFlush(wrapOutboundOut(WebSocketFrame(fin: true, opcode: opcode, data: payload)), promise: nil)
  }
}
