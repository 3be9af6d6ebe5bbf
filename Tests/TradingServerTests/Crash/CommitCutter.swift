import NIOCore
import NIOPosix
import Synchronization

/// Stands between replicas and PostgreSQL and cuts connections while a group of orders is being committed.
final class CommitCutter: Sendable {
  /// When a connection ends.
  enum Moment: CaseIterable, Sendable {
    /// The statement never arrives.
    case beforeTheStatement
    /// Half of it arrives.
    case inTheStatement
    /// It was carried out and committed, but the answer is not delivered.
    case beforeTheAnswer
  }

  private struct State {
    var armed: [Moment] = []
    var cuts = 0
  }
  private let state = Mutex(State())
  private let upstream: Int

  init(upstream: Int) { self.upstream = upstream }

  /// How many connections were cut.
  var cuts: Int { state.withLock { $0.cuts } }

  /// The next commits end like this, one after the other.
  func arm(_ moments: [Moment]) { state.withLock { $0.armed += moments } }

  /// Listens until the tests end; returns the port.
  func start() async throws -> Int {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelOption(.autoRead, value: false)
      .childChannelInitializer { client in
        ClientBootstrap(group: client.eventLoop).connect(host: "127.0.0.1", port: self.upstream).flatMap { database in
          client.eventLoop.makeCompletedFuture {
            let pair = Pair(cutter: self, client: client, database: database)
            try client.pipeline.syncOperations.addHandler(Relay(pair, isClient: true))
            try database.pipeline.syncOperations.addHandler(Relay(pair, isClient: false))
          }.flatMap { client.setOption(.autoRead, value: true) }
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return server.localAddress?.port ?? 0
  }

  fileprivate func next() -> Moment? {
    state.withLock { state in
      guard !state.armed.isEmpty else { return nil }
      state.cuts += 1
      return state.armed.removeFirst()
    }
  }

  /// Both ends of a connection, on one event loop.
  private final class Pair {
    /// The name of the prepared statement that commits, as it stands in its Bind message.
    private static let commit = Array("\0write_group\0".utf8)
    private let cutter: CommitCutter
    private let client: any Channel
    private let database: any Channel
    private var withholdsAnswer = false

    init(cutter: CommitCutter, client: any Channel, database: any Channel) {
      self.cutter = cutter
      self.client = client
      self.database = database
    }

    func fromClient(_ bytes: ByteBuffer) {
      guard bytes.readableBytesView.firstRange(of: Self.commit) != nil, let moment = cutter.next() else {
        return database.writeAndFlush(bytes, promise: nil)
      }
      switch moment {
      case .beforeTheStatement: cut()
      case .inTheStatement:
        var bytes = bytes
        let half = bytes.readSlice(length: bytes.readableBytes / 2) ?? ByteBuffer()
        database.writeAndFlush(half).assumeIsolated().whenComplete { _ in self.cut() }
      case .beforeTheAnswer:
        withholdsAnswer = true
        database.writeAndFlush(bytes, promise: nil)
      }
    }

    func fromDatabase(_ bytes: ByteBuffer) {
      if withholdsAnswer { cut() } else { client.writeAndFlush(bytes, promise: nil) }
    }

    func cut() {
      client.close(promise: nil)
      database.close(promise: nil)
    }
  }

  private final class Relay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let pair: Pair
    private let isClient: Bool

    init(_ pair: Pair, isClient: Bool) {
      self.pair = pair
      self.isClient = isClient
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let bytes = unwrapInboundIn(data)
      if isClient { pair.fromClient(bytes) } else { pair.fromDatabase(bytes) }
    }

    func channelInactive(context: ChannelHandlerContext) { pair.cut() }
  }
}
