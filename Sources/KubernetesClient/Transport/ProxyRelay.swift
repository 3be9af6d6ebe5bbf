import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A door on the loopback address to a proxy that AsyncHTTPClient cannot speak to itself: one behind TLS, or a SOCKS5
/// one with a password.
///
/// AsyncHTTPClient takes it for a plain HTTP proxy. It opens for nobody else: each CONNECT must carry a secret that is
/// made here and never leaves the process.
final class ProxyRelay: Sendable {
  private let secret: String
  private let listener: any Channel

  /// Binds to a free port of the loopback address.
  /// - Throws: ``ConfigurationError`` when there is none.
  init(to proxy: ProxyAddress) throws {
    let secret = (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()
    self.secret = secret
    do {
      // Binding to the loopback address does not wait for anybody.
      listener = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .childChannelOption(.autoRead, value: true)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(RelayDoor(secret: secret, proxy: proxy))
          }
        }
        .bind(host: "127.0.0.1", port: 0).wait()
    } catch {
      throw ConfigurationError(
        file: "loopback address", problem: "no port for the way to the proxy (\(error))",
        remedy: "let this process listen on 127.0.0.1, or use an http:// proxy")
    }
  }

  deinit { close() }

  /// How AsyncHTTPClient gets in.
  var proxy: HTTPClient.Configuration.Proxy {
    .server(
      host: "127.0.0.1", port: listener.localAddress?.port ?? 0,
      authorization: .basic(username: "relay", password: secret))
  }

  func close() { listener.close(promise: nil) }
}

/// Reads one CONNECT, checks the secret, opens the way and becomes a pipe.
private final class RelayDoor: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let secret: String
  private let proxy: ProxyAddress
  private var head: [UInt8] = []
  private var isOpening = false

  init(secret: String, proxy: ProxyAddress) {
    self.secret = secret
    self.proxy = proxy
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isOpening else { return context.close(promise: nil) }
    head.append(contentsOf: unwrapInboundIn(data).readableBytesView)
    guard head.count < ProxyHandshake.headLimit else { return context.close(promise: nil) }
    guard head.suffix(4).elementsEqual([13, 10, 13, 10]) else { return }
    guard let (host, port) = target() else {
      return answer("407 Proxy Authentication Required", context).whenComplete { [channel = context.channel] _ in
        channel.close(promise: nil)
      }
    }
    isOpening = true
    open(host, port, context)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  /// The host and port of the CONNECT, if it knows the secret.
  private func target() -> (host: String, port: Int)? {
    let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
    let words = (lines.first ?? "").split(separator: " ")
    let expected = "basic " + Data("relay:\(secret)".utf8).base64EncodedString()
    let isKnown = lines.dropFirst().contains { line in
      guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == "proxy-authorization" else {
        return false
      }
      let value = String(line[line.index(after: colon)...].drop { $0 == " " })
      // The scheme's name is compared without regard to case, the rest is base64 and is not.
      return value.prefix(6).lowercased() + value.dropFirst(6) == expected
    }
    guard isKnown, words.count == 3, words[0] == "CONNECT", let colon = words[1].lastIndex(of: ":"),
      let port = Int(words[1][words[1].index(after: colon)...])
    else { return nil }
    let host = words[1][..<colon]
    return (host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : String(host), port)
  }

  private func open(_ host: String, _ port: Int, _ context: ChannelHandlerContext) {
    let dialer = ProxyDialer(proxy: proxy, host: host, port: port)
    let near = context.channel
    let bound = NIOLoopBound((context: context, handler: self), eventLoop: context.eventLoop)
    // Both ends on one event loop, so that the pipe needs no hops.
    dialer.dial(on: context.eventLoop).whenComplete { result in
      let (context, handler) = bound.value
      switch result {
      case .success(let far):
        handler.answer("200 Connection established", context).flatMapThrowing {
          let (left, right) = (RelayEnd(), RelayEnd())
          left.partner = right
          right.partner = left
          try near.pipeline.syncOperations.addHandler(left)
          try far.pipeline.syncOperations.addHandler(right)
          near.pipeline.syncOperations.removeHandler(bound.value.handler, promise: nil)
        }.whenFailure { _ in
          near.close(promise: nil)
          far.close(promise: nil)
        }
      case .failure:
        handler.answer("502 Bad Gateway", context).whenComplete { _ in near.close(promise: nil) }
      }
    }
  }

  private func answer(_ status: String, _ context: ChannelHandlerContext) -> EventLoopFuture<Void> {
    let text = "HTTP/1.1 \(status)\r\n\r\n"
    return context.channel.writeAndFlush(ByteBuffer(string: text))
  }
}

/// One end of a pipe between two channels of the same event loop; a full end stops the other from reading.
private final class RelayEnd: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  var partner: RelayEnd?
  private var context: ChannelHandlerContext?
  private var hasPendingRead = false

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    partner = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    partner?.context?.write(data, promise: nil)
  }

  func channelReadComplete(context: ChannelHandlerContext) { partner?.context?.flush() }

  func channelInactive(context: ChannelHandlerContext) { partner?.context?.close(promise: nil) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func read(context: ChannelHandlerContext) {
    if partner?.context?.channel.isWritable ?? true { context.read() } else { hasPendingRead = true }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    guard context.channel.isWritable, let partner, partner.hasPendingRead else { return }
    partner.hasPendingRead = false
    partner.context?.read()
  }
}
