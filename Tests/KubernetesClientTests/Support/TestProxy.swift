import NIOCore
import NIOPosix
import NIOSSL

@testable import KubernetesClient

/// A proxy on the loopback address: HTTP CONNECT or SOCKS5, over TLS or plainly, with a password or without.
final class TestProxy: Sendable {
  private let listener: any Channel
  /// The hosts and ports that it was asked to connect to.
  let asked = Shared<[String]>([])
  var port: Int { listener.localAddress?.port ?? 0 }

  /// - Parameter login: `user:password` that it insists on.
  init(_ kind: ProxyHandshake.Kind, login: String? = nil, tls: TLSConfiguration? = nil) async throws {
    let context = try tls.map { try NIOSSLContext(configuration: $0) }
    listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { [asked] channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          if let context { try pipeline.addHandler(NIOSSLServerHandler(context: context)) }
          try pipeline.addHandler(Door(kind: kind, login: login, asked: asked))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  func close() async throws { try await listener.close() }

  private final class Door: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    private let kind: ProxyHandshake.Kind
    private let login: String?
    private let asked: Shared<[String]>
    private var bytes: [UInt8] = []
    private var step = 0

    init(kind: ProxyHandshake.Kind, login: String?, asked: Shared<[String]>) {
      self.kind = kind
      self.login = login
      self.asked = asked
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      bytes += unwrapInboundIn(data).readableBytesView
      if kind == .http { http(context) } else { socks(context) }
    }

    private func http(_ context: ChannelHandlerContext) {
      let head = String(decoding: bytes, as: UTF8.self)
      guard head.hasSuffix("\r\n\r\n") else { return }
      if let login {
        let expected = ByteBuffer(string: login)
        let encoded = Array(expected.readableBytesView).base64
        // `lowercased` alone would make wrong passwords right: the base64 is compared as it is.
        guard head.contains("asic \(encoded)") else {
          return finish(context, Array("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n".utf8))
        }
      }
      let target = String(head.split(separator: " ")[1])
      connect(target, context, reply: Array("HTTP/1.1 200 OK\r\n\r\n".utf8))
    }

    private func socks(_ context: ChannelHandlerContext) {
      switch step {
      case 0:
        guard bytes.count >= 2, bytes.count >= 2 + Int(bytes[1]) else { return }
        let wanted: UInt8 = login == nil ? 0 : 2
        guard bytes[2..<2 + Int(bytes[1])].contains(wanted) else { return finish(context, [5, 255]) }
        bytes = []
        step = login == nil ? 2 : 1
        write(context, [5, wanted])
      case 1:
        let parts = (login ?? "").split(separator: ":").map { Array($0.utf8) }
        let expected = [1, UInt8(parts[0].count)] + parts[0] + [UInt8(parts[1].count)] + parts[1]
        guard bytes == expected else { return finish(context, [1, 1]) }
        bytes = []
        step = 2
        write(context, [1, 0])
      default:
        guard bytes.count >= 7 else { return }
        let host =
          bytes[3] == 1
          ? bytes[4..<8].map { String($0) }.joined(separator: ".")
          : String(decoding: bytes[5..<5 + Int(bytes[4])], as: UTF8.self)
        let port = Int(bytes[bytes.count - 2]) << 8 + Int(bytes[bytes.count - 1])
        connect("\(host):\(port)", context, reply: [5, 0, 0, 1, 127, 0, 0, 1, 0, 0])
      }
    }

    private func connect(_ target: String, _ context: ChannelHandlerContext, reply: [UInt8]) {
      asked.change { $0.append(target) }
      let parts = target.split(separator: ":")
      let near = context.channel
      let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
      ClientBootstrap(group: context.eventLoop)
        .connect(host: String(parts[0]), port: Int(parts[1]) ?? 0)
        .flatMap { far in
          near.writeAndFlush(ByteBuffer(bytes: reply)).flatMapThrowing {
            try near.pipeline.syncOperations.addHandler(Pipe(far))
            try far.pipeline.syncOperations.addHandler(Pipe(near))
            near.pipeline.syncOperations.removeHandler(bound.value, promise: nil)
          }
        }.whenFailure { _ in near.close(promise: nil) }
    }

    private func write(_ context: ChannelHandlerContext, _ bytes: [UInt8]) {
      context.writeAndFlush(NIOAny(ByteBuffer(bytes: bytes)), promise: nil)
    }

    private func finish(_ context: ChannelHandlerContext, _ bytes: [UInt8]) {
      let channel = context.channel
      channel.writeAndFlush(ByteBuffer(bytes: bytes)).whenComplete { _ in channel.close(promise: nil) }
    }
  }

  private final class Pipe: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let other: any Channel
    init(_ other: any Channel) { self.other = other }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      other.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }
    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}

extension [UInt8] {
  fileprivate var base64: String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: count, by: 3) {
      let part = self[start..<Swift.min(start + 3, count)]
      let bits = part.enumerated().reduce(0) { $0 | Int($1.element) << (16 - 8 * $1.offset) }
      for index in 0..<4 {
        text.append(index <= part.count ? alphabet[bits >> (18 - 6 * index) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
