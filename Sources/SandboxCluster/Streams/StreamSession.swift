import NIOCore

/// Runs a conversation over an upgraded channel: one task reads, one works, and the first to end decides.
enum StreamSession {
  /// How long a client has to take the last bytes and close, once the work is done.
  static let lingering = Duration.seconds(5)

  private enum Ending { case clientLeft, workDone, lingered }

  /// - Parameters:
  ///   - receive: handles what the client sends until it closes.
  ///   - work: answers the client, and at its end says goodbye. Cancelled when the client leaves first.
  static func run<Inbound: Sendable>(
    on channel: NIOAsyncChannel<Inbound, Never>,
    receive: @escaping @Sendable (NIOAsyncChannelInboundStream<Inbound>) async throws -> Void,
    work: @escaping @Sendable () async -> Void
  ) async {
    _ = try? await channel.executeThenClose { inbound, _ in
      await withTaskGroup(of: Ending.self) { group in
        group.addTask {
          _ = try? await receive(inbound)
          return .clientLeft
        }
        group.addTask {
          await work()
          return .workDone
        }
        group.addTask {
          // Noticed even while back-pressure keeps the reading task from reading.
          _ = try? await channel.channel.closeFuture.get()
          return .clientLeft
        }
        if await group.next() == .workDone {
          // Closing with unread input would reset the connection and take the last output with it.
          group.addTask {
            _ = try? await Task.sleep(for: lingering)
            return .lingered
          }
          _ = await group.next()
        }
        group.cancelAll()
        channel.channel.close(promise: nil)
      }
    }
  }
}
