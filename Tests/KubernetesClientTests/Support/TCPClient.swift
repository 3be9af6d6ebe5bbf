import NIOCore
import NIOPosix
import NIOSSL
import SandboxCluster

@testable import KubernetesClient

enum TCPClient {
  /// Sends a text and reads until as many bytes have come back.
  static func exchange(_ text: String, port: Int) async throws -> String {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(string: text))
      var received = ByteBuffer()
      for try await bytes in inbound {
        received.writeImmutableBuffer(bytes)
        if received.readableBytes >= text.utf8.count { break }
      }
      return String(buffer: received)
    }
  }
}

extension StreamServer {
  /// TLS of another server that the cluster's authority vouches for, as `localhost`.
  func tlsOfAServer() throws -> TLSConfiguration {
    let identity = try server.certificateAuthority.issue(
      commonName: "proxy", usage: .server(dnsNames: ["localhost"], addresses: ["127.0.0.1"]))
    return .makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(identity.certificatePEM.utf8)).map {
        .certificate($0)
      },
      privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(identity.privateKeyPEM.utf8), format: .pem)))
  }
}
