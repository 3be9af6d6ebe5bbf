import FoundationEssentials
import NIOCore

/// What is said to a proxy before the connection is ours: HTTP CONNECT (RFC 9110, 9.3.6) or SOCKS5 (RFC 1928 and 1929).
///
/// A value: takes the proxy's bytes, gives the next ones to send, and says when the way is free.
struct ProxyHandshake: Sendable {
  enum Kind: Sendable { case http, socks5 }

  enum Step: Equatable, Sendable {
    case send([UInt8])
    /// More bytes are needed.
    case wait
    /// The way is free.
    case done
    case fail(String)
  }

  private enum State { case httpAnswer, socksMethod, socksPassword, socksReply }

  private let kind: Kind
  private let host: String
  private let port: Int
  private let user: String?
  private let password: String
  private var state: State
  private var received: [UInt8] = []

  /// The longest head of an answer to CONNECT.
  static let headLimit = 16 << 10

  init(kind: Kind, host: String, port: Int, user: String? = nil, password: String = "") {
    self.kind = kind
    self.host = host
    self.port = port
    self.user = user
    self.password = password
    state = kind == .http ? .httpAnswer : .socksMethod
  }

  /// What this side begins with.
  func opening() -> [UInt8] {
    switch kind {
    case .http:
      let authority = (host.contains(":") ? "[\(host)]" : host) + ":\(port)"
      var head = "CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\n"
      if let user {
        head += "Proxy-Authorization: Basic \(Data("\(user):\(password)".utf8).base64EncodedString())\r\n"
      }
      return Array((head + "\r\n").utf8)
    case .socks5:
      return user == nil ? [5, 1, 0] : [5, 2, 0, 2]
    }
  }

  /// Takes bytes of the proxy.
  mutating func receive(_ bytes: some Sequence<UInt8>) -> Step {
    received.append(contentsOf: bytes)
    switch state {
    case .httpAnswer: return httpAnswer()
    case .socksMethod: return socksMethod()
    case .socksPassword: return socksPassword()
    case .socksReply: return socksReply()
    }
  }

  private mutating func httpAnswer() -> Step {
    guard let end = received.firstIndexOfHeadEnd else {
      return received.count > Self.headLimit ? .fail("its answer to CONNECT has no end") : .wait
    }
    let line = String(decoding: received.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    let words = line.split(separator: " ", maxSplits: 2)
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
      return .fail("it does not speak HTTP")
    }
    guard (200..<300).contains(status) else { return .fail("it refused to connect to \(host):\(port) (\(line))") }
    return finished(after: end)
  }

  /// Behind the proxy this side speaks first, with TLS or HTTP alike: bytes that nobody asked for are an intrusion.
  private func finished(after end: Int) -> Step {
    received.count == end ? .done : .fail("it sent more than its answer")
  }

  private mutating func socksMethod() -> Step {
    guard received.count >= 2 else { return .wait }
    guard received[0] == 5 else { return .fail("it does not speak SOCKS5") }
    let method = received[1]
    received.removeFirst(2)
    switch (method, user) {
    case (0, _): return request()
    case (2, let user?):
      state = .socksPassword
      return .send([1] + Self.counted(user) + Self.counted(password))
    default: return .fail("it wants an authentication that the proxy-url has no credentials for")
    }
  }

  private mutating func socksPassword() -> Step {
    guard received.count >= 2 else { return .wait }
    guard received[1] == 0 else { return .fail("it does not accept the user and password of the proxy-url") }
    received.removeFirst(2)
    return request()
  }

  private mutating func request() -> Step {
    state = .socksReply
    // The proxy looks the name up, as with `socks5h`: a cluster's name is often known only on its side.
    let portBytes = [UInt8(truncatingIfNeeded: port >> 8), UInt8(truncatingIfNeeded: port)]
    return .send([5, 1, 0, 3] + Self.counted(host) + portBytes)
  }

  private mutating func socksReply() -> Step {
    guard received.count >= 5 else { return .wait }
    guard received[0] == 5 else { return .fail("it does not speak SOCKS5") }
    guard received[1] == 0 else {
      return .fail("it refused to connect to \(host):\(port) (SOCKS5 code \(received[1]))")
    }
    let address: Int
    switch received[3] {
    case 1: address = 4
    case 3: address = 1 + Int(received[4])
    case 4: address = 16
    default: return .fail("it answered with an address of an unknown kind")
    }
    let length = 4 + address + 2
    guard received.count >= length else { return .wait }
    return finished(after: length)
  }

  private static func counted(_ text: String) -> [UInt8] {
    let bytes = text.utf8.prefix(255)
    return [UInt8(bytes.count)] + bytes
  }
}

extension [UInt8] {
  /// The index behind the empty line that ends an HTTP head.
  fileprivate var firstIndexOfHeadEnd: Int? {
    guard count >= 4 else { return nil }
    let end: [UInt8] = [13, 10, 13, 10]
    return (3..<count).first { self[($0 - 3)...$0].elementsEqual(end) }.map { $0 + 1 }
  }
}

/// Carries a ``ProxyHandshake`` out on a channel, then takes itself out of the way.
final class ProxyHandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private var handshake: ProxyHandshake
  private let outcome: EventLoopPromise<Void>
  private var isOver = false

  /// - Parameter outcome: succeeds when the way is free.
  init(handshake: ProxyHandshake, outcome: EventLoopPromise<Void>) {
    self.handshake = handshake
    self.outcome = outcome
  }

  func handlerAdded(context: ChannelHandlerContext) {
    if context.channel.isActive { open(context) }
  }

  func channelActive(context: ChannelHandlerContext) {
    open(context)
    context.fireChannelActive()
  }

  private func open(_ context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: handshake.opening())), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isOver else { return context.fireChannelRead(data) }
    switch handshake.receive(unwrapInboundIn(data).readableBytesView) {
    case .send(let bytes): context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    case .wait: break
    case .done: end(.success(()))
    case .fail(let problem): end(.failure(ProxyRefusal(problem: problem)))
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    end(.failure(ProxyRefusal(problem: "it closed the connection")))
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    end(.failure(ChannelError.ioOnClosedChannel))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    end(.failure(error))
    context.close(promise: nil)
  }

  private func end(_ result: Result<Void, any Error>) {
    guard !isOver else { return }
    isOver = true
    outcome.completeWith(result)
  }
}

/// A proxy that does not let through.
struct ProxyRefusal: Error {
  var problem: String
}
