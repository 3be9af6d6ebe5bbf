import NIOCore
import NIOHTTP1

/// Decides whether a request may become a WebSocket, by taking the `Upgrade` header from all others.
///
/// NIO's upgrade handler answers nothing at all to a request with that header that it does not upgrade; without the
/// header the request reaches the router, which answers as to any other request.
final class UpgradeRequestFilter: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart

  private let isDraining: () -> Bool

  init(isDraining: @escaping () -> Bool) { self.isDraining = isDraining }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .head(var head) = unwrapInboundIn(data), head.headers.contains(name: "Upgrade"), !isAcceptable(head)
    else { return context.fireChannelRead(data) }
    head.headers.remove(name: "Upgrade")
    context.fireChannelRead(wrapInboundOut(.head(head)))
  }

  /// RFC 6455, section 4.2.1.
  private func isAcceptable(_ head: HTTPRequestHead) -> Bool {
    let path = head.uri.split(separator: "?", maxSplits: 1).first ?? ""
    let upgrades = head.headers[canonicalForm: "Upgrade"]
    let keys = head.headers["Sec-WebSocket-Key"]
    return path == "/ws" && head.method == .GET && upgrades.count == 1 && upgrades[0].lowercased() == "websocket"
      && keys.count == 1 && keys[0].utf8.count == 24
      && head.headers["Sec-WebSocket-Version"] == ["13"] && !isDraining()
  }
}

/// Looks after a connection until its first request has been read: closes it when the server drains, or when the
/// client takes too long.
final class FirstRequestHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny

  private var timeout: Scheduled<Void>?

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    timeout = context.eventLoop.scheduleTask(in: .seconds(60)) { channel.close(promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timeout?.cancel()
    timeout = nil
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }
}
