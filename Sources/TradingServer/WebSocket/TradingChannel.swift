import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOWebSocket

/// A connection that speaks HTTP, or WebSocket when its first request asks for it at `/ws`.
struct TradingChannel: HTTPChannelHandler {
  enum Mode: Sendable {
    case http(NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>)
    case webSocket(NIOAsyncChannel<WebSocketFrame, WebSocketFrame>)
  }

  struct Value: ServerChildChannelValue {
    let channel: any Channel
    /// Known when the first request has been read.
    let mode: EventLoopFuture<Mode>
  }

  static let maximumMessageSize = 1 << 16
  private static let idleTimeout: Duration = .seconds(90)

  let responder: Responder
  let sessions: TickSessions
  let readiness: Readiness

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      let encoder = HTTPResponseEncoder()
      let decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes))
      let filter = UpgradeRequestFilter { [readiness] in readiness.isDraining }
      let errors = HTTPServerProtocolErrorHandler()
      let upgrader = NIOTypedHTTPServerUpgradeHandler<Mode>(
        httpEncoder: encoder, extraHTTPHandlers: [decoder, filter, errors],
        upgradeConfiguration: NIOTypedHTTPServerUpgradeConfiguration(
          upgraders: [webSocketUpgrader()],
          notUpgradingCompletionHandler: { channel in Self.continueAsHTTP(channel, logger: logger) }))
      try pipeline.addHandlers([encoder, decoder, filter, errors, upgrader, FirstRequestHandler()])
      return Value(channel: channel, mode: upgrader.upgradeResultFuture)
    }
  }

  func handle(value: Value, logger: Logger) async {
    await withTaskCancellationHandler {
      do {
        switch try await value.mode.get() {
        case .http(let channel): await handleHTTP(asyncChannel: channel, logger: logger)
        case .webSocket(let channel): await sessions.serve(channel)
        }
      } catch {
        // The client went away, or sent no HTTP, before there was a first request.
        try? await value.channel.close()
      }
    } onCancel: {
      value.channel.close(promise: nil)
    }
  }

  private func webSocketUpgrader() -> NIOTypedWebSocketServerUpgrader<Mode> {
    NIOTypedWebSocketServerUpgrader(
      maxFrameSize: Self.maximumMessageSize,
      // The filter lets only requests through that are to be upgraded.
      shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
      upgradePipelineHandler: { channel, _ in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.removeFirstRequestHandler()
          try pipeline.addHandler(
            NIOWebSocketFrameAggregator(
              minNonFinalFragmentSize: 1, maxAccumulatedFrameCount: 64,
              maxAccumulatedFrameSize: Self.maximumMessageSize))
          try pipeline.addHandler(WebSocketControlHandler())
          return .webSocket(try NIOAsyncChannel(wrappingChannelSynchronously: channel))
        }
      })
  }

  private static func continueAsHTTP(_ channel: any Channel, logger: Logger) -> EventLoopFuture<Mode> {
    channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      try pipeline.removeFirstRequestHandler()
      try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
      try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: idleTimeout, logger: logger))
      return .http(
        try NIOAsyncChannel(
          wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true)))
    }
  }
}

extension ChannelPipeline.SynchronousOperations {
  fileprivate func removeFirstRequestHandler() throws {
    removeHandler(try handler(type: FirstRequestHandler.self), promise: nil)
  }
}
