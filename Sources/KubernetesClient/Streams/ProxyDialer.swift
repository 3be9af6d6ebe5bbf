import NIOCore
import NIOPosix
import NIOSSL

/// Opens a connection to a host through a proxy, up to the point where bytes go both ways.
struct ProxyDialer: Sendable {
  let proxy: ProxyAddress
  let host: String
  let port: Int

  /// - Throws (in the future): ``ProxyRefusal``; whatever NIO throws.
  func dial(on group: any EventLoopGroup) -> EventLoopFuture<any Channel> {
    ClientBootstrap(group: group).connectTimeout(.seconds(10)).channelInitializer { KeepAlive.enable(on: $0) }
      .connect(host: proxy.host, port: proxy.port)
      .flatMap { channel in
        pass(channel).map { channel }.flatMapErrorThrowing { error in
          channel.close(promise: nil)
          throw error
        }
      }
  }

  private func pass(_ channel: any Channel) -> EventLoopFuture<Void> {
    let outcome = channel.eventLoop.makePromise(of: Void.self)
    let handshake = ProxyHandshake(
      kind: proxy.scheme == .socks5 ? .socks5 : .http, host: host, port: port, user: proxy.user,
      password: proxy.password)
    do {
      let pipeline = channel.pipeline.syncOperations
      if proxy.scheme == .https {
        let tls = try NIOSSLContext(configuration: try proxy.tls())
        try pipeline.addHandler(try NIOSSLClientHandler.make(context: tls, name: proxy.host))
      }
      let handler = ProxyHandshakeHandler(handshake: handshake, outcome: outcome)
      try pipeline.addHandler(handler)
      let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
      return outcome.futureResult.flatMap { channel.pipeline.syncOperations.removeHandler(bound.value) }
    } catch {
      outcome.fail(error)
      return channel.eventLoop.makeFailedFuture(error)
    }
  }
}
