import NIOCore
import NIOPosix

extension KubernetesClient {
  /// Listens on a port of this machine and passes each connection on to a port of a pod, as `kubectl port-forward` does,
  /// for as long as `body` runs.
  ///
  /// A connection that the pod refuses is closed; the others are not touched by it.
  /// - Parameters:
  ///   - localPort: the port to listen on, on the loopback address; 0 takes a free one.
  ///   - body: gets the port that is listened on.
  /// - Throws: what `body` throws; ``KubernetesError/transport(_:)`` when the port is taken.
  public func forwardingPort<Result: Sendable>(
    _ port: Int, pod name: String, in namespace: String, localPort: Int = 0, host: String = "127.0.0.1",
    _ body: @Sendable (_ localPort: Int) async throws -> Result
  ) async throws -> Result {
    let listener: NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>
    do {
      listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.allowRemoteHalfClosure, value: true)
        .bind(host: host, port: localPort) { channel in
          channel.eventLoop.makeCompletedFuture {
            try NIOAsyncChannel(
              wrappingChannelSynchronously: channel,
              configuration: .init(isOutboundHalfClosureEnabled: false))
          }
        }
    } catch {
      throw ErrorClassifier.classify(error, server: "\(host):\(localPort)")
    }
    let bound = listener.channel.localAddress?.port ?? localPort
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await listener.executeThenClose { connections in
          await withDiscardingTaskGroup { relays in
            do {
              for try await local in connections {
                relays.addTask { await relay(local, port, name, namespace) }
              }
            } catch {}
          }
        }
      }
      defer { group.cancelAll() }
      return try await body(bound)
    }
  }

  /// Copies both ways until the pod's side ends, or both have nothing more to say.
  private func relay(
    _ local: NIOAsyncChannel<ByteBuffer, ByteBuffer>, _ port: Int, _ name: String, _ namespace: String
  ) async {
    _ = try? await local.executeThenClose { inbound, outbound in
      let pod = try await connect(toPort: port, pod: name, in: namespace)
      defer { pod.close() }
      await withTaskGroup(of: Bool.self) { group in
        group.addTask {
          do {
            for try await bytes in inbound { try await pod.send(bytes) }
            // The local side has said all it wants to say, and may still be waiting for the answer.
            return false
          } catch {
            return true
          }
        }
        group.addTask {
          do { while let bytes = try await pod.receive() { try await outbound.write(bytes) } } catch {}
          return true
        }
        for await isOver in group where isOver { break }
        group.cancelAll()
      }
    }
  }
}
