import Logging
import NIOCore
import NIOWebSocket

/// Puts a SPDY connection on an upgraded channel.
enum SPDYSession {
  /// - Parameters:
  ///   - tunnelled: the bytes come in WebSocket messages.
  ///   - serve: works with the connection until all is said; it is cancelled when the client leaves.
  static func start(
    on channel: any Channel, tunnelled: Bool, logger: Logger,
    serve: @escaping @Sendable (SPDYConnection) async -> Void
  ) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      if tunnelled { try channel.pipeline.syncOperations.addHandler(WebSocketTunnel()) }
      let bytes = try NIOAsyncChannel<ByteBuffer, Never>(wrappingChannelSynchronously: channel)
      let connection = try SPDYConnection(channel: channel, logger: logger)
      Task {
        await StreamSession.run(on: bytes) { inbound in
          do {
            for try await chunk in inbound { try await connection.receive(chunk) }
          } catch {
            logger.debug("SPDY connection ended: \(error)")
          }
          await connection.end()
        } work: {
          await serve(connection)
          await connection.goAway()
        }
        await connection.end()
      }
    }
  }
}

/// Unwraps binary WebSocket messages into bytes and wraps bytes into messages; answers pings and closes by itself.
final class WebSocketTunnel: ChannelDuplexHandler {
  typealias InboundIn = WebSocketFrame
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = WebSocketFrame

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    switch frame.opcode {
    case .binary, .text: context.fireChannelRead(wrapInboundOut(frame.unmaskedData))
    case .ping:
      let pong = WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData)
      context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
    case .connectionClose: context.close(promise: nil)
    default: break
    }
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let frame = WebSocketFrame(fin: true, opcode: .binary, data: unwrapOutboundIn(data))
    context.write(wrapOutboundOut(frame), promise: promise)
  }
}
