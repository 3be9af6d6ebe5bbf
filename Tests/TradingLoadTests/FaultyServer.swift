import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A server that speaks as much of the trading API as the driver needs, and breaks its promises where it is told to.
final class FaultyServer: Sendable {
  /// What happens to every tenth order, the first time that it is sent.
  enum Fault: Sendable {
    case none
    /// Placed, but the answer is an error that says that nobody knows.
    case answersUnknown
    /// Placed, but the connection ends before the answer.
    case cutsConnection
    /// Answered, but never written.
    case loses
    /// Written twice.
    case doubles
    /// Written, and refused.
    case contradicts
    /// A retry gets another answer.
    case answersDifferently
    /// Placed, and never answered, whatever is tried.
    case keepsSilent
    /// No fault: every answer is its connection's last, as from a server that sends its clients away.
    case endsConnections
  }

  private struct Ledger {
    var receipts: [String: String] = [:]
    var transactions: [String] = []
    var requests = 0
    /// When each token was given out; the last one may be refreshed.
    var tokens: [ContinuousClock.Instant] = []
  }
  /// Of an access token, in seconds; nil where nobody needs one. The login is `alice`, the password `correct horse`.
  private let tokenLifetime: Int?
  fileprivate let fault: Fault
  private let ledger = Mutex(Ledger())

  /// How many orders reached the server, retries included.
  var requests: Int { ledger.withLock { $0.requests } }

  /// How many tokens were given out.
  var tokens: Int { ledger.withLock { $0.tokens.count } }

  init(_ fault: Fault = .none, tokenLifetime: Int? = nil) {
    self.fault = fault
    self.tokenLifetime = tokenLifetime
  }

  /// Runs `body` with the server's port.
  func run<Value>(_ body: (_ port: Int) async throws -> Value) async throws -> Value {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(Handler(server: self))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    do {
      let value = try await body(server.localAddress?.port ?? 0)
      try await server.close()
      return value
    } catch {
      try await server.close()
      throw error
    }
  }

  /// The answer to a request; nil ends the connection instead.
  fileprivate func answer(_ head: HTTPRequestHead, _ body: String) -> (HTTPResponseStatus, String)? {
    let path = head.uri.prefix { $0 != "?" }
    if let tokenLifetime {
      if path.hasPrefix("/api/session") { return session(body, lifetime: tokenLifetime) }
      guard isKnown(head.headers.first(name: "authorization"), lifetime: tokenLifetime) else {
        return (.unauthorized, #"{"error":{"code":"token_expired"}}"#)
      }
    }
    if head.method == .POST { return place(body) }
    switch path {
    case "/api/symbols": return (.ok, #"{"symbols":[{"symbol":"EURUSD","bid":"1.08500"}]}"#)
    case "/api/accounts/demo", "/api/accounts/alice":
      let last = ledger.withLock { $0.transactions.count }
      return (.ok, #"{"accountId":"demo","mode":"HEDGING","lastTransactionId":"\#(last)"}"#)
    case "/api/transactions":
      let since = FaultyServer.value("since", in: head.uri).flatMap { Int($0) } ?? 0
      let news = ledger.withLock { Array($0.transactions.dropFirst(since).prefix(100)) }
      return (.ok, #"{"transactions":[\#(news.joined(separator: ","))]}"#)
    case _ where path.hasPrefix("/api/orders/"):
      let id = String(path.dropFirst("/api/orders/".count))
      return ledger.withLock { $0.receipts[id] }.map { (.ok, $0) } ?? (
        .notFound, #"{"error":{"code":"unknown_order"}}"#
      )
    default: return (.notFound, #"{"error":{"code":"unknown_route"}}"#)
    }
  }

  private func session(_ body: String, lifetime: Int) -> (HTTPResponseStatus, String) {
    ledger.withLock { ledger in
      let isLogIn = body.contains(#""login":"alice""#) && body.contains(#""password":"correct horse""#)
      guard isLogIn || body.contains(#""refreshToken":"r\#(ledger.tokens.count)""#) else {
        return (.unauthorized, #"{"error":{"code":"wrong_credentials"}}"#)
      }
      ledger.tokens.append(.now)
      let number = ledger.tokens.count
      return (.ok, #"{"accessToken":"t\#(number)","refreshToken":"r\#(number)","expiresIn":\#(lifetime)}"#)
    }
  }

  private func isKnown(_ authorization: String?, lifetime: Int) -> Bool {
    guard let number = authorization.flatMap({ Int($0.dropFirst("Bearer t".count)) }) else { return false }
    return ledger.withLock { ledger in
      ledger.tokens.indices.contains(number - 1)
        && ledger.tokens[number - 1].duration(to: .now) < .seconds(lifetime)
    }
  }

  private func place(_ body: String) -> (HTTPResponseStatus, String)? {
    let id = body.split(separator: "\"").drop { $0 != "clientOrderId" }.dropFirst(2).first.map { String($0) } ?? ""
    return ledger.withLock { ledger in
      ledger.requests += 1
      let isFaulty = id.hasSuffix("0")
      if let receipt = ledger.receipts[id] {
        if isFaulty, fault == .keepsSilent { return nil }
        return (.ok, isFaulty && fault == .answersDifferently ? receipt + " " : receipt)
      }
      let receipt = #"{"accountId":"demo","clientOrderId":"\#(id)"}"#
      if isFaulty, fault == .loses { return (.created, receipt) }
      ledger.receipts[id] = receipt
      for _ in 0..<(isFaulty && fault == .doubles ? 2 : 1) {
        let next = ledger.transactions.count + 1
        ledger.transactions.append(#"{"id":"\#(next)","type":"MARKET_ORDER","clientOrderId":"\#(id)"}"#)
      }
      guard isFaulty else { return (.created, receipt) }
      switch fault {
      case .answersUnknown: return (.serviceUnavailable, #"{"error":{"code":"outcome_unknown"}}"#)
      case .cutsConnection, .keepsSilent: return nil
      case .contradicts: return (.unprocessableEntity, #"{"error":{"code":"order_refused"}}"#)
      default: return (.created, receipt)
      }
    }
  }

  private static func value(_ name: String, in uri: String) -> Substring? {
    uri.split(separator: "?").last?.split(separator: "&").first { $0.hasPrefix(name + "=") }?.dropFirst(name.count + 1)
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart
    private let server: FaultyServer
    private var head: HTTPRequestHead?
    private var body = ""

    init(server: FaultyServer) { self.server = server }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head): (self.head, body) = (head, "")
      case .body(let part): body += String(buffer: part)
      case .end:
        guard let head, let (status, text) = server.answer(head, body) else { return context.close(promise: nil) }
        var headers: HTTPHeaders = ["content-length": "\(text.utf8.count)"]
        if server.fault == .endsConnections { headers.add(name: "connection", value: "close") }
        context.write(
          wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
      }
    }
  }
}
