import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// A server on the loopback address that answers by a closure, over TLS or plainly.
final class LoopbackServer: Sendable {
  struct Answer: Sendable {
    var status: HTTPResponseStatus = .ok
    var body = ""
    /// Whether the body goes on, with nothing more to come.
    var staysOpen = false
  }

  /// Counts the connections that are open now.
  private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add(_ change: Int) { count.withLock { $0 += change } }
  }

  private let channel: any Channel
  private let counter = Counter()
  var port: Int { channel.localAddress?.port ?? 0 }
  var connections: Int { counter.value }

  init(
    host: String = "127.0.0.1", tls: TLSConfiguration? = nil,
    _ answer: @escaping @Sendable (HTTPRequestHead) -> Answer
  ) async throws {
    let context = try tls.map { try NIOSSLContext(configuration: $0) }
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { [counter] channel in
        counter.add(1)
        channel.closeFuture.whenComplete { _ in counter.add(-1) }
        return channel.eventLoop.makeCompletedFuture {
          if let context { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context)) }
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(Handler(answer: answer))
        }
      }
      .bind(host: host, port: 0).get()
  }

  func close() async throws { try await channel.close() }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart
    let answer: @Sendable (HTTPRequestHead) -> Answer
    var head: HTTPRequestHead?

    init(answer: @escaping @Sendable (HTTPRequestHead) -> Answer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head): self.head = head
      case .body: break
      case .end:
        guard let head else { return }
        let answer = answer(head)
        let fields = HTTPHeaders([("Transfer-Encoding", "chunked")])
        let start = HTTPResponseHead(version: .http1_1, status: answer.status, headers: fields)
        context.write(wrapOutboundOut(.head(start)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer.body)))), promise: nil)
        if !answer.staysOpen { context.write(wrapOutboundOut(.end(nil)), promise: nil) }
        context.flush()
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}
