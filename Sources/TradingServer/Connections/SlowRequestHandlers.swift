import NIOCore
import NIOHTTP1

/// Closes connections on which a request takes too long to arrive ("slow loris"): each holds memory and a place.
///
/// It stands before the HTTP decoder and sees bytes; `RequestProgressHandler` behind the decoder tells it where requests
/// begin and end. Between requests the connection may rest, as long as the limit for idle connections allows; bytes of a
/// next request that came along with the end of the last one count as rest.
final class RequestClockHandler: ChannelInboundHandler, ChannelOutboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer

  /// From a request's first byte to the end of its headers.
  static let headerTimeout: TimeAmount = .seconds(10)
  /// From there to the end of its body.
  static let bodyTimeout: TimeAmount = .seconds(20)

  /// For a client to read the answer to a request that it is still sending.
  static let farewell: TimeAmount = .seconds(1)

  private enum State { case resting, receiving, discarding, off }
  private var state = State.resting
  private var timeout: Scheduled<Void>?
  private let headerTimeout, bodyTimeout: TimeAmount

  init(headerTimeout: TimeAmount = headerTimeout, bodyTimeout: TimeAmount = bodyTimeout) {
    self.headerTimeout = headerTimeout
    self.bodyTimeout = bodyTimeout
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if state == .discarding { return }
    if state == .resting {
      state = .receiving
      start(headerTimeout, on: context.channel)
    }
    context.fireChannelRead(data)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if state == .discarding { context.read() }
    context.fireChannelReadComplete()
  }

  /// The server has said all that it will. Of a request that it did not want to read to its end, such as one with too
  /// large a body, the rest is thrown away for a moment: a connection that is closed upon unread bytes is reset, and
  /// takes the answer with it (RFC 9112, section 9.6).
  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    context.close(mode: mode, promise: promise)
    guard mode == .output, state == .receiving else { return }
    state = .discarding
    start(Self.farewell, on: context.channel)
    context.read()
  }

  func handlerRemoved(context: ChannelHandlerContext) { turnOff() }

  fileprivate func headersEnded(on channel: any Channel) {
    if state == .receiving { start(bodyTimeout, on: channel) }
  }

  fileprivate func requestEnded() {
    guard state == .receiving else { return }
    state = .resting
    timeout?.cancel()
  }

  /// The connection is no HTTP any more.
  fileprivate func turnOff() {
    state = .off
    timeout?.cancel()
  }

  private func start(_ time: TimeAmount, on channel: any Channel) {
    timeout?.cancel()
    timeout = channel.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
  }
}

/// Tells the `RequestClockHandler` of its connection where requests begin and end.
final class RequestProgressHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart

  private var clock: RequestClockHandler?

  func handlerAdded(context: ChannelHandlerContext) {
    clock = try? context.pipeline.syncOperations.handler(type: RequestClockHandler.self)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    // What the connection turns into keeps no clock, and not its memory either.
    if let clock {
      clock.turnOff()
      context.pipeline.syncOperations.removeHandler(clock, promise: nil)
    }
    clock = nil
  }

  /// After bytes that are no HTTP there is nothing to wait for: the handlers behind have answered when they return.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.fireErrorCaught(error)
    if error is HTTPParserError { context.close(promise: nil) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head: clock?.headersEnded(on: context.channel)
    case .body: break
    case .end: clock?.requestEnded()
    }
    context.fireChannelRead(data)
  }
}
