import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket

/// Opens a WebSocket to an API server: TCP, a proxy where there is one, TLS, the HTTP upgrade.
struct WebSocketDialer: Sendable {
  /// The server's base URL, for messages.
  let server: String
  let host: String
  let port: Int
  /// `nil` for plain HTTP.
  let tls: TLSConfiguration?
  /// The name that the server's certificate must carry; `nil` takes the address.
  let serverName: String?
  let proxy: ProxyAddress?

  enum Outcome: Sendable {
    case open(MessageConnection)
    case refused(KubernetesResponse)
  }

  private enum Upgrade: Sendable {
    case messages(InboundMessages, subprotocol: String)
    case http(NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>)
  }

  /// - Parameter head: the request without the fields of the upgrade.
  /// - Throws: whatever NIO throws, or ``KubernetesError``.
  func dial(_ head: HTTPRequestHead, subprotocols: [String]) async throws -> Outcome {
    let channel = try await connect()
    return try await withTaskCancellationHandler {
      do {
        switch try await upgrade(channel, head, subprotocols) {
        case .messages(let messages, let subprotocol):
          guard subprotocols.contains(subprotocol) else {
            throw KubernetesError.decoding(
              "\(server) took none of the stream protocols \(subprotocols.joined(separator: ", ")); is it too old?")
          }
          let socket = ClientWebSocket(channel: channel, messages: messages, server: server)
          return .open(
            MessageConnection(
              subprotocol: subprotocol, receive: { try await socket.receive() }, send: { try await socket.send($0) },
              close: { socket.close() }))
        case .http(let http): return .refused(try await Self.answer(http))
        }
      } catch {
        channel.close(promise: nil)
        throw error
      }
    } onCancel: {
      channel.close(promise: nil)
    }
  }

  private func connect() async throws -> any Channel {
    let group = MultiThreadedEventLoopGroup.singleton
    guard let proxy else {
      return try await ClientBootstrap(group: group).connectTimeout(.seconds(10))
        .channelInitializer { KeepAlive.enable(on: $0) }
        .connect(host: host, port: port).get()
    }
    do {
      return try await ProxyDialer(proxy: proxy, host: host, port: port).dial(on: group).get()
    } catch {
      let problem = (error as? ProxyRefusal)?.problem ?? "\(error)"
      throw KubernetesError.transport(
        TransportFailure(
          kind: .unreachable, server: server, message: "the proxy \(proxy.host):\(proxy.port): \(problem)"))
    }
  }

  private func upgrade(
    _ channel: any Channel, _ head: HTTPRequestHead, _ subprotocols: [String]
  ) async throws -> Upgrade {
    var head = head
    head.headers.replaceOrAdd(name: "Sec-WebSocket-Version", value: "13")
    head.headers.replaceOrAdd(name: "Sec-WebSocket-Protocol", value: subprotocols.joined(separator: ", "))
    let server = server
    let webSocket = NIOTypedWebSocketClientUpgrader<Upgrade>(maxFrameSize: WebSocketMessages.messageLimit) {
      channel, answer in
      channel.eventLoop.makeCompletedFuture {
        let messages = InboundMessages { channel.read() }
        try channel.syncOptions?.setOption(.autoRead, value: false)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(
          NIOWebSocketFrameAggregator(
            minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 4096,
            maxAccumulatedFrameSize: WebSocketMessages.messageLimit))
        try pipeline.addHandler(WebSocketMessages(messages: messages, server: server))
        return .messages(messages, subprotocol: answer.headers.first(name: "Sec-WebSocket-Protocol") ?? "")
      }
    }
    var configuration = NIOUpgradableHTTPClientPipelineConfiguration(
      upgradeConfiguration: NIOTypedHTTPClientUpgradeConfiguration(
        upgradeRequestHead: head, upgraders: [webSocket],
        notUpgradingCompletionHandler: { channel in
          channel.eventLoop.makeCompletedFuture {
            .http(try NIOAsyncChannel(wrappingChannelSynchronously: channel))
          }
        }))
    // The server's first messages may come together with its answer.
    configuration.leftOverBytesStrategy = .forwardBytes
    let (tls, name, ready) = (try tls.map { try NIOSSLContext(configuration: $0) }, serverName ?? host, configuration)
    return try await channel.eventLoop.flatSubmit {
      do {
        let pipeline = channel.pipeline.syncOperations
        if let tls { try pipeline.addHandler(try NIOSSLClientHandler.make(context: tls, name: name)) }
        return try pipeline.configureUpgradableHTTPClientPipeline(configuration: ready)
      } catch {
        return channel.eventLoop.makeFailedFuture(error)
      }
    }.get()
  }

  /// Reads the answer of a server that stays with HTTP.
  private static func answer(
    _ http: NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>
  ) async throws -> KubernetesResponse {
    try await http.executeThenClose { parts, _ in
      var response = KubernetesResponse(status: 0)
      var body: [UInt8] = []
      reading: for try await part in parts {
        switch part {
        case .head(let head):
          response.status = Int(head.status.code)
          response.headers = head.headers.map { (name: $0.name, value: $0.value) }
        case .body(let chunk):
          body.append(contentsOf: chunk.readableBytesView)
          if body.count > 1 << 20 { break reading }
        case .end: break reading
        }
      }
      response.body = ResponseBody(bytes: body)
      return response
    }
  }
}

extension NIOSSLClientHandler {
  /// A handler that checks the name, or, where it is an address (which SNI cannot carry), the address of the other end.
  static func make(context: NIOSSLContext, name: String) throws -> NIOSSLClientHandler {
    let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
    return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : name)
  }
}
