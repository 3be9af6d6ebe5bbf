import FoundationEssentials
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Cluster DNS over UDP: answers for the cluster's own names, and hands every other question to the machine's name servers.
final class DNSServer: Sendable {
  private let zone: Mutex<DNSZone>
  private let logger: Logger

  init(configuration: NetworkConfiguration, logger: Logger) {
    zone = Mutex(DNSZone(configuration: configuration))
    self.logger = logger
  }

  func update(_ zone: DNSZone) { self.zone.withLock { $0 = zone } }

  /// Serves until the task is cancelled.
  /// - Throws: when the address cannot be bound.
  func run(address: IPv4Address, upstream: [IPv4Address], group: any EventLoopGroup) async throws {
    let loop = group.next()
    let relay = DNSRelay(upstream: upstream)
    let server = try await DatagramBootstrap(group: loop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            DNSHandler(relay: relay) { [self] question, turn in
              zone.withLock { $0.lookup(question.name, type: question.type, rotation: turn) }
            })
        }
      }
      .bind(host: address.description, port: 53).get()
    defer { server.close(promise: nil) }
    let outward = try await DatagramBootstrap(group: loop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(DNSRelayHandler(relay: relay, server: server))
        }
      }
      .bind(host: "0.0.0.0", port: 0).get()
    defer { outward.close(promise: nil) }
    try await loop.submit { relay.channel = NIOLoopBound(outward, eventLoop: loop) }.get()
    logger.debug("cluster DNS listens", metadata: ["address": "\(address):53"])
    try await withTaskCancellationHandler {
      try await server.closeFuture.get()
    } onCancel: {
      server.close(promise: nil)
    }
  }

  /// The machine's name servers, in the order of resolv.conf.
  static func machineNameServers(_ path: String = "/etc/resolv.conf") -> [IPv4Address] {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap { line in
      let words = line.split(whereSeparator: \.isWhitespace)
      return words.count >= 2 && words[0] == "nameserver" ? IPv4Address(words[1]) : nil
    }
  }
}

/// Remembers who asked what, while a name server outside works on it. Used on one event loop only.
private final class DNSRelay: @unchecked Sendable {  // safe: every access is on the loop of both channels
  struct Pending {
    var client: SocketAddress
    var id: UInt16
  }

  let upstream: [SocketAddress]
  var channel: NIOLoopBound<any Channel>?
  private var pending: [UInt16: Pending] = [:]
  private var order: [UInt16] = []
  private var next: UInt16 = .random(in: 0...UInt16.max)

  init(upstream: [IPv4Address]) {
    self.upstream = upstream.compactMap { try? SocketAddress(ipAddress: $0.description, port: 53) }
  }

  /// Sends the question on under an id of our own. Clients repeat what stays unanswered, and then reach the next server.
  func forward(_ message: ByteBuffer, id: UInt16, from client: SocketAddress) {
    guard !upstream.isEmpty, let channel else { return }
    next &+= 1
    pending[next] = Pending(client: client, id: id)
    order.append(next)
    // Old questions go unanswered for good: their clients have given up.
    if order.count > 1024 { pending[order.removeFirst()] = nil }
    var message = message
    message.setInteger(next, at: message.readerIndex)
    let server = upstream[Int(next) % upstream.count]
    channel.value.writeAndFlush(AddressedEnvelope(remoteAddress: server, data: message), promise: nil)
  }

  func take(_ id: UInt16) -> Pending? { pending.removeValue(forKey: id) }
}

private final class DNSHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>

  private let relay: DNSRelay
  private let lookup: @Sendable (DNSMessage.Question, Int) -> DNSZone.Lookup
  private var turn = 0

  init(relay: DNSRelay, lookup: @escaping @Sendable (DNSMessage.Question, Int) -> DNSZone.Lookup) {
    self.relay = relay
    self.lookup = lookup
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    guard let question = DNSMessage.parse(Array(envelope.data.readableBytesView)) else { return }
    turn &+= 1
    let response: [UInt8]
    switch lookup(question, turn & 0xffff) {
    case .found(let answers): response = DNSMessage.response(to: question, .noError, answers: answers)
    case .missing: response = DNSMessage.response(to: question, .nameError)
    case .foreign:
      relay.forward(envelope.data, id: question.id, from: envelope.remoteAddress)
      return
    }
    let answer = AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: response))
    context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A client that is gone (port unreachable) is no reason to stop serving the others.
  }
}

private final class DNSRelayHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private let relay: DNSRelay
  private let server: any Channel

  init(relay: DNSRelay, server: any Channel) {
    self.relay = relay
    self.server = server
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var message = unwrapInboundIn(data).data
    guard let id = message.getInteger(at: message.readerIndex, as: UInt16.self), let asked = relay.take(id) else {
      return
    }
    message.setInteger(asked.id, at: message.readerIndex)
    server.writeAndFlush(AddressedEnvelope(remoteAddress: asked.client, data: message), promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // An unreachable name server shows as a question without answer.
  }
}
