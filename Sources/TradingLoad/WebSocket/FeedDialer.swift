import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket

/// Opens connections to /ws.
struct FeedDialer: Sendable {
  let loop: any EventLoop
  let token: SessionToken
  /// Addresses of this machine that clients connect from, in turn; empty leaves it to the system.
  let sources: [SocketAddress]
  let tls: NIOSSLContext?

  /// nil when the server cannot be reached or does not upgrade.
  func connect(to target: Target, client: Int, isolation: isolated any Actor) async -> (any Channel)? {
    await withCheckedContinuation { continuation in
      ClientBootstrap(group: loop)
        .connectTimeout(.seconds(5))
        .binding(to: sources.isEmpty ? nil : sources[client % sources.count])
        .connect(host: target.host, port: target.port)
        .flatMap { channel in
          do {
            return try upgrade(channel, target)
          } catch {
            return channel.eventLoop.makeFailedFuture(error)
          }
        }
        .whenComplete { continuation.resume(returning: (try? $0.get()) ?? nil) }
    }
  }

  private func upgrade(_ channel: any Channel, _ target: Target) throws -> EventLoopFuture<(any Channel)?> {
    let pipeline = channel.pipeline.syncOperations
    if target.isSecure, let tls {
      try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: target.serverName))
    }
    var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/ws")
    head.headers.add(name: "host", value: target.authority)
    if let token = token.current { head.headers.add(name: "authorization", value: "Bearer \(token)") }
    let upgrader = NIOTypedWebSocketClientUpgrader<(any Channel)?>(maxFrameSize: 1 << 20) { channel, _ in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(FeedHandler())
        return channel
      }
    }
    var configuration = NIOUpgradableHTTPClientPipelineConfiguration(
      upgradeConfiguration: NIOTypedHTTPClientUpgradeConfiguration(
        upgradeRequestHead: head, upgraders: [upgrader],
        notUpgradingCompletionHandler: { channel in channel.close().map { nil } }))
    configuration.leftOverBytesStrategy = .forwardBytes
    return try pipeline.configureUpgradableHTTPClientPipeline(configuration: configuration)
  }
}

extension ClientBootstrap {
  /// Connects from an address of this machine; nil leaves it to the system.
  func binding(to source: SocketAddress?) -> ClientBootstrap { source.map { bind(to: $0) } ?? self }
}
