import KubernetesClient
import NIOCore
import NIOHTTP1
import NIOSSL

/// One connection: reads a request whole, has it answered off the event loop, streams the answer, takes the next.
///
/// A request that wants the connection for itself (exec, attach, port-forward) ends HTTP on it.
final class ConnectionHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  /// As a real server: `--max-request-bytes`.
  static let bodyLimit = 3 << 20

  private let server: APIServer
  /// Parts of pipelined requests that arrived while one is being answered.
  private var waiting: [HTTPServerRequestPart] = []
  private var head: HTTPRequestHead?
  private var body = ByteBuffer()
  private var isTooLarge = false
  private var running: Task<Void, Never>?
  /// Found once: a client certificate belongs to the connection.
  private var certificateUser: UserIdentity??

  init(server: APIServer) {
    self.server = server
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let part = unwrapInboundIn(data)
    guard running == nil else { return waiting.append(part) }
    take(part, context)
  }

  private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
    switch part {
    case .head(let head):
      self.head = head
      body.clear()
      isTooLarge = false
      if head.headers["expect"].contains(where: { $0.lowercased() == "100-continue" }) {
        context.writeAndFlush(wrapOutboundOut(.head(.init(version: .http1_1, status: .continue))), promise: nil)
      }
    case .body(var chunk):
      if body.readableBytes + chunk.readableBytes > Self.bodyLimit { isTooLarge = true }
      if !isTooLarge { body.writeBuffer(&chunk) }
    case .end:
      guard let head else { return }
      self.head = nil
      answer(head, context)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    running?.cancel()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A client that goes away without saying so, or bytes that are no HTTP: nothing to answer.
    context.close(promise: nil)
  }

  private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let exchange = HTTPExchange(
      server: server, channel: context.channel, head: head, body: Array(body.readableBytesView), isTooLarge: isTooLarge,
      certificateUser: user(of: context))
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    let loop = context.eventLoop
    running = Task {
      let outcome = await exchange.run()
      loop.execute {
        let (handler, context) = bound.value
        handler.finish(outcome, context)
      }
    }
  }

  private func user(of context: ChannelHandlerContext) -> UserIdentity? {
    if let certificateUser { return certificateUser }
    let handler = try? context.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
    let bytes = try? handler?.peerCertificate?.toDERBytes()
    let user = bytes.flatMap { server.authenticate(certificateDER: $0) }
    certificateUser = .some(user)
    return user
  }

  private func finish(_ outcome: HTTPExchange.Outcome, _ context: ChannelHandlerContext) {
    running = nil
    switch outcome {
    case .close: context.close(promise: nil)
    case .upgrade(let install): handOver(install, context)
    case .keepAlive:
      while running == nil, !waiting.isEmpty { take(waiting.removeFirst(), context) }
    }
  }

  /// Takes HTTP out of the pipeline and puts the stream's handlers in.
  private func handOver(
    _ install: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>, _ context: ChannelHandlerContext
  ) {
    let channel = context.channel
    let operations = context.pipeline.syncOperations
    do {
      let encoder = try operations.context(handlerType: HTTPResponseEncoder.self)
      let decoder = try operations.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self)
      let bound = NIOLoopBound((decoder, context), eventLoop: context.eventLoop)
      operations.removeHandler(context: encoder).flatMap { install(channel) }
        // The decoder goes last: it hands on bytes that came early.
        .flatMap { channel.pipeline.syncOperations.removeHandler(context: bound.value.1) }
        .flatMap { channel.pipeline.syncOperations.removeHandler(context: bound.value.0) }
        // Early bytes come outside of a read, and readers wait for its end.
        .map { channel.pipeline.fireChannelReadComplete() }
        .whenFailure { _ in channel.close(promise: nil) }
    } catch {
      channel.close(promise: nil)
    }
  }
}
