import NIOCore
import NIOHTTP1

/// One HTTP/1.1 connection: a request at a time, and its answer. Lives on its channel's event loop.
final class ExchangeHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart
  typealias Completion = (Result<Answer, ExchangeError>) -> Void

  private let target: Target
  private var context: ChannelHandlerContext?
  private var completion: Completion?
  private var timer: Scheduled<Void>?
  private var head: HTTPResponseHead?
  private var body = ByteBuffer()
  /// How many requests it has carried.
  private(set) var uses = 0

  init(target: Target) { self.target = target }

  /// Whether another request can be sent.
  var isIdle: Bool { context?.channel.isActive == true && completion == nil }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  /// Sends `request` and calls `completion` once, on the event loop. After `timeout` the connection is given up: its answer
  /// could otherwise be taken for the next request's.
  func send(_ request: Request, timeout: TimeAmount, completion: @escaping Completion) {
    guard let context, isIdle else { return completion(.failure(.connectionLost)) }
    self.completion = completion
    uses += 1
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { self.finish(.failure(.timedOut)) }
    var head = HTTPRequestHead(version: .http1_1, method: request.method, uri: request.path)
    head.headers.add(name: "host", value: target.authority)
    if let token = request.token?.current { head.headers.add(name: "authorization", value: "Bearer \(token)") }
    if let body = request.body {
      head.headers.add(name: "content-type", value: "application/json")
      head.headers.add(name: "content-length", value: String(body.utf8.count))
    }
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if let body = request.body {
      context.write(wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(string: body)))), promise: nil)
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
  }

  func close() { context?.close(promise: nil) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      body = ByteBuffer()
    case .body(var part):
      if body.readableBytes == 0 { body = part } else { body.writeBuffer(&part) }
    case .end:
      guard let head, head.status.code >= 200 else { return }
      let answer = Answer(
        status: Int(head.status.code), retryAfter: head.headers.first(name: "retry-after").flatMap { Int64($0) },
        body: body)
      let isLast = !head.isKeepAlive
      // The answer first: the end of the connection would be taken for it.
      finish(.success(answer))
      if isLast { context.close(promise: nil) }
    }
  }

  func channelInactive(context: ChannelHandlerContext) { finish(.failure(.connectionLost)) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { finish(.failure(.connectionLost)) }

  private func finish(_ result: Result<Answer, ExchangeError>) {
    guard let completion else { return }
    self.completion = nil
    timer?.cancel()
    timer = nil
    head = nil
    if case .failure = result { close() }
    completion(result)
  }
}
