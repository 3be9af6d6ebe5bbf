import NIOCore
import NIOPosix
import Synchronization

/// Stands between the server and PostgreSQL, and cuts the connection after the first COMMIT has been carried out but
/// before the answer is delivered: the worst moment there is.
final class CommitCuttingProxy: Sendable {
  private struct State {
    var isCommitting = false
    var cuts = 0
  }
  private let state = Mutex(State())

  /// How often an answer was withheld.
  var cuts: Int { state.withLock { $0.cuts } }

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
    try await client.executeThenClose { fromClient, toClient in
      try await database.executeThenClose { fromDatabase, toDatabase in
        try await withThrowingTaskGroup { group in
          group.addTask {
            for try await part in fromClient {
              if String(buffer: part).contains("COMMIT") { self.state.withLock { $0.isCommitting = true } }
              try await toDatabase.write(part)
            }
          }
          group.addTask {
            for try await part in fromDatabase {
              if self.withholds() { return }
              try await toClient.write(part)
            }
          }
          defer { group.cancelAll() }
          try await group.next()
        }
      }
    }
  }

  /// The first thing that comes back after the first COMMIT is its answer.
  private func withholds() -> Bool {
    state.withLock { state in
      guard state.isCommitting, state.cuts == 0 else { return false }
      state.cuts = 1
      return true
    }
  }
}
