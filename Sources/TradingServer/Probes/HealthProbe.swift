import NIOCore
import NIOPosix
import NIOSSL

/// Asks a server on this machine whether it is alive, for container health checks.
public enum HealthProbe {
  /// True when `GET /health` on 127.0.0.1 answers 200 within `limit`.
  ///
  /// - Parameter isSecure: whether the server speaks TLS. Its certificate is not looked at: it names another host, and
  ///   who answers on this machine is not in question.
  public static func isHealthy(port: Int, isSecure: Bool, within limit: Duration = .seconds(3)) async -> Bool {
    let deadline = TimeAmount(limit)
    do {
      let connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connectTimeout(deadline)
        .connect(host: "127.0.0.1", port: port) { channel in
          channel.eventLoop.makeCompletedFuture {
            if isSecure { try channel.pipeline.syncOperations.addHandler(try tls()) }
            return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
          }
        }
      let alarm = connection.channel.eventLoop.scheduleTask(in: deadline) { connection.channel.close(promise: nil) }
      defer { alarm.cancel() }
      return try await connection.executeThenClose { inbound, outbound in
        try await outbound.write(
          ByteBuffer(string: "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
        var answer = ByteBuffer()
        for try await var part in inbound {
          answer.writeBuffer(&part)
          if let status = answer.getString(at: 0, length: 12) { return status == "HTTP/1.1 200" }
        }
        return false
      }
    } catch {
      return false
    }
  }

  private static func tls() throws -> NIOSSLClientHandler {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.certificateVerification = .none
    return try NIOSSLClientHandler(context: NIOSSLContext(configuration: configuration), serverHostname: nil)
  }
}
