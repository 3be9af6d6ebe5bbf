import NIOCore
import NIOPosix

/// A byte stream over a socket, read on demand: nothing is taken from the socket before somebody asks for it.
///
/// There is one reader and one writer at a time.
final class ByteChannel: DuplexBytes {
  private let channel: any Channel
  private let handler: NIOLoopBound<Handler>

  private init(channel: any Channel, handler: NIOLoopBound<Handler>) {
    self.channel = channel
    self.handler = handler
  }

  /// Opens a stream on a socket that `connect` makes from a prepared bootstrap.
  static func open(
    _ connect: (ClientBootstrap) -> EventLoopFuture<any Channel>
  ) async throws -> ByteChannel {
    let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.autoRead, value: false)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .connectTimeout(.seconds(10))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Handler()) }
      }
    let channel: any Channel
    do {
      channel = try await connect(bootstrap).get()
    } catch let error as NIOConnectionError {
      // One address was asked; its error says all.
      throw error.connectionErrors.first?.error ?? error
    }
    let handler = try await channel.eventLoop.submit {
      NIOLoopBound(try channel.pipeline.syncOperations.handler(type: Handler.self), eventLoop: channel.eventLoop)
    }.get()
    return ByteChannel(channel: channel, handler: handler)
  }

  func read() async throws -> [UInt8]? {
    try await withTaskCancellationHandler {
      try await channel.eventLoop.flatSubmit { [handler, channel] in
        handler.value.read(on: channel)
      }.get()
    } onCancel: {
      channel.close(promise: nil)
    }
  }

  func write(_ bytes: [UInt8]) async throws {
    try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
  }

  func closeWrite() async throws {
    try await channel.close(mode: .output).get()
  }

  func close() async {
    try? await channel.close().get()
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var arrived: [UInt8] = []
    private var ended = false
    private var failure: (any Error)?
    private var waiting: EventLoopPromise<[UInt8]?>?

    func read(on channel: any Channel) -> EventLoopFuture<[UInt8]?> {
      let promise = channel.eventLoop.makePromise(of: [UInt8]?.self)
      if !arrived.isEmpty {
        promise.succeed(arrived)
        arrived = []
      } else if let failure {
        promise.fail(failure)
      } else if ended {
        promise.succeed(nil)
      } else {
        waiting = promise
        channel.read()
      }
      return promise.futureResult
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      arrived += Array(unwrapInboundIn(data).readableBytesView)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
      guard let promise = waiting else { return }
      if !arrived.isEmpty {
        waiting = nil
        promise.succeed(arrived)
        arrived = []
      } else if !ended {
        context.read()
      }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if let event = event as? ChannelEvent, event == .inputClosed { finish() }
      context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) { finish() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      failure = error
      finish()
      context.close(promise: nil)
    }

    private func finish() {
      ended = true
      guard let promise = waiting else { return }
      waiting = nil
      if !arrived.isEmpty {
        promise.succeed(arrived)
        arrived = []
      } else if let failure {
        promise.fail(failure)
      } else {
        promise.succeed(nil)
      }
    }
  }
}
