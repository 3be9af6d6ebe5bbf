import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// A connection that speaks HTTP, or WebSocket when its first request asks for it at `/ws`.
struct TradingChannel: HTTPChannelHandler {
  enum Mode: Sendable {
    case http(NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>)
    /// Served on its event loop from now on.
    case webSocket
  }

  struct Value: ServerChildChannelValue {
    let channel: any Channel
    /// Known when the first request has been read.
    let mode: EventLoopFuture<Mode>
  }

  private static let limits: NIOHTTPDecoderLimitConfiguration = {
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = 16_384
    limits.maxHeaderListSize = 65_536
    limits.maxHeaderFieldCount = 100
    return limits
  }()
  private static let idleTimeout: Duration = .seconds(90)

  let responder: Responder
  let hub: StreamHub
  let readiness: Readiness

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      // Most requests are small; a large body makes the buffer grow.
      try channel.syncOptions?.setOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 1_024, maximum: 65_536))
      let pipeline = channel.pipeline.syncOperations
      let encoder = HTTPResponseEncoder()
      let decoder = ByteToMessageHandler(
        HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: Self.limits))
      let progress = RequestProgressHandler()
      let filter = UpgradeRequestFilter { [readiness] in readiness.isDraining }
      let errors = HTTPServerProtocolErrorHandler()
      let upgrader = NIOTypedHTTPServerUpgradeHandler<Mode>(
        httpEncoder: encoder, extraHTTPHandlers: [decoder, progress, filter, errors],
        upgradeConfiguration: NIOTypedHTTPServerUpgradeConfiguration(
          upgraders: [webSocketUpgrader()],
          notUpgradingCompletionHandler: { channel in Self.continueAsHTTP(channel, logger: logger) }))
      try pipeline.addHandlers([
        RequestClockHandler(), encoder, decoder, progress, filter, errors, upgrader, FirstRequestHandler(),
      ])
      return Value(channel: channel, mode: upgrader.upgradeResultFuture)
    }
  }

  func handle(value: Value, logger: Logger) async {
    await withTaskCancellationHandler {
      do {
        // A WebSocket needs no task, so its own ends here.
        if case .http(let channel) = try await value.mode.get() {
          await handleHTTP(asyncChannel: channel, logger: logger)
        }
      } catch {
        // The client went away, or sent no HTTP, before there was a first request.
        try? await value.channel.close()
      }
    } onCancel: {
      value.channel.close(promise: nil)
    }
  }

  private func webSocketUpgrader() -> StreamUpgrader<Mode> {
    StreamUpgrader { [hub] channel, head in
      let pipeline = channel.pipeline.syncOperations
      try pipeline.removeFirstRequestHandler()
      try pipeline.addHandler(hub.makeHandler(on: channel.eventLoop, token: head.streamToken))
      return .webSocket
    }
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

extension HTTPRequestHead {
  /// The bearer token of the Authorization header, or of `?token=` for browsers, which cannot send that header.
  var streamToken: String? {
    if let header = headers.first(name: "Authorization") {
      let parts = header.split(separator: " ", maxSplits: 1)
      return parts.count == 2 && parts[0].lowercased() == "bearer" ? String(parts[1]) : header
    }
    let query = uri.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
    return query.split(separator: "&").first { $0.hasPrefix("token=") }.map { String($0.dropFirst("token=".count)) }
  }
}
