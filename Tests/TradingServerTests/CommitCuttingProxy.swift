import NIOCore
import NIOPosix
import Synchronization

/// Stands between the server and PostgreSQL, and cuts the connection after the first group of orders has been committed
/// but before the answer is delivered: the worst moment there is.
final class CommitCuttingProxy: Sendable {
  private let cutConnections = Mutex(0)

  /// How often an answer was withheld.
  var cuts: Int { cutConnections.withLock { $0 } }

  /// Runs the proxy to `upstream` while `body` runs with the proxy's port.
  func run<Value: Sendable>(
    to upstream: Int, _ body: @escaping @Sendable (_ port: Int) async throws -> Value
  ) async throws -> Value {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    let port = server.channel.localAddress?.port ?? 0
    return try await server.executeThenClose { clients in
      try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body(port) }
        group.addTask {
          await withDiscardingTaskGroup { connections in
            do {
              for try await client in clients {
                connections.addTask { try? await self.forward(client, to: upstream) }
              }
            } catch {}
          }
          return nil
        }
        defer { group.cancelAll() }
        while let value = try await group.next() { if let value { return value } }
        throw ChannelError.eof
      }
    }
  }

  private func forward(_ client: NIOAsyncChannel<ByteBuffer, ByteBuffer>, to upstream: Int) async throws {
    let database = try await WireClient.connect(upstream)
    let committing = Gate()
    try await client.executeThenClose { fromClient, toClient in
      try await database.executeThenClose { fromDatabase, toDatabase in
        try await withThrowingTaskGroup { group in
          group.addTask {
            for try await part in fromClient {
              // The statement that writes is executed, not only prepared: no formats follow its name in Bind.
              if String(buffer: part).contains("write_group\0\0") { committing.open() }
              try await toDatabase.write(part)
            }
          }
          group.addTask {
            for try await part in fromDatabase {
              if committing.isOpen, self.withholds() { return }
              try await toClient.write(part)
            }
          }
          defer { group.cancelAll() }
          try await group.next()
        }
      }
    }
  }

  private func withholds() -> Bool {
    cutConnections.withLock { cuts in
      if cuts > 0 { return false }
      cuts = 1
      return true
    }
  }
}
