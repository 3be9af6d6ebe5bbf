import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Synchronization

/// A server of /ws that tells each connection a few of an account's transactions and then behaves as it is told to.
final class FeedServer: Sendable {
  enum Habit: Sendable {
    /// Sends the client away, and resumes where it left off.
    case sendsAway
    /// Sends the client away, and leaves a transaction out when it comes back.
    case forgets
    /// Keeps the connection and says nothing more.
    case fallsSilent
  }

  private let habit: Habit
  private let subscriptions = Mutex<[String]>([])

  init(_ habit: Habit) { self.habit = habit }

  /// What clients asked about accounts.
  var seen: [String] { subscriptions.withLock { $0 } }

  /// Runs `body` with the server's port.
  func run<Value>(_ body: (_ port: Int) async throws -> Value) async throws -> Value {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        let upgrader = NIOWebSocketServerUpgrader(
          shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
          upgradePipelineHandler: { channel, _ in
            channel.eventLoop.makeCompletedFuture {
              try channel.pipeline.syncOperations.addHandler(Handler(server: self))
            }
          })
        return channel.pipeline.configureHTTPServerPipeline(
          withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
      }
      .bind(host: "127.0.0.1", port: 0).get()
    do {
      let value = try await body(server.localAddress?.port ?? 0)
      try await server.close()
      return value
    } catch {
      try await server.close()
      throw error
    }
  }

  /// Messages in answer to a client's.
  private func answers(to text: String) -> [String] {
    guard text.contains("account") else { return [#"{"type":"snapshot","sequence":1,"prices":[]}"#] }
    subscriptions.withLock { $0.append(text) }
    let since = text.split(separator: #""since":""#).dropFirst().first?.prefix { $0 != "\"" }
    let first = (since.flatMap { Int($0) } ?? 0) + (habit == .forgets && since != nil ? 2 : 1)
    return (first..<first + 3).map { #"{"transaction":{"accountId":"demo","id":"\#($0)"},"type":"transaction"}"# }
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame
    private let server: FeedServer

    init(server: FeedServer) { self.server = server }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let frame = unwrapInboundIn(data)
      guard frame.opcode == .text else { return context.close(promise: nil) }
      let text = String(buffer: frame.unmaskedData)
      for answer in server.answers(to: text) { write(.text, ByteBuffer(string: answer), context) }
      guard text.contains("account"), server.habit != .fallsSilent else { return }
      write(.connectionClose, ByteBuffer(integer: UInt16(1001)), context)
    }

    private func write(_ opcode: WebSocketOpcode, _ payload: ByteBuffer, _ context: ChannelHandlerContext) {
      context.writeAndFlush(
        wrapOutboundOut(WebSocketFrame(fin: true, opcode: opcode, data: payload)), promise: nil)
    }
  }
}
