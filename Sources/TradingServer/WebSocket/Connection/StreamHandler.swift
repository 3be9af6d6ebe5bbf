import NIOCore
import NIOWebSocket
import TradingCore

/// One WebSocket, alone in its pipeline: hands bytes and events to the session and does what the session says.
///
/// A connection costs this object, its channel and what is not sent yet: there is no task, stream or actor of its own.
final class StreamHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let loop: StreamLoop
  private var session: StreamSession
  private var reader: FrameReader
  /// Of the request; not kept longer than it takes to look at it.
  private var token: String?
  private var isWritable = true
  /// The prices that it is shown.
  private var quotes: QuoteFanOut
  /// The account whose group they are for; nil for the dealer's own.
  private var dealsAs: String?
  /// Nil before the handler is in the pipeline and once the connection is gone.
  private var context: ChannelHandlerContext?
  var place = CohortPlace()
  /// Where the loop keeps it.
  var index = 0

  init(loop: StreamLoop, token: String?) {
    self.loop = loop
    self.token = token
    quotes = loop.quotes
    session = StreamSession(terms: loop.terms, now: .now())
    reader = FrameReader(maximumMessageSize: loop.terms.limits.messageSize)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    loop.add(self)
    perform(session.start(token: token, at: .now()))
    token = nil
  }

  func handlerRemoved(context: ChannelHandlerContext) { leave() }

  func channelInactive(context: ChannelHandlerContext) {
    leave()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    reader.append(unwrapInboundIn(data))
    let now = NIODeadline.now()
    do throws(StreamClose) {
      while self.context != nil, let event = try reader.next() { perform(session.receive(event, at: now)) }
    } catch {
      reader = FrameReader(maximumMessageSize: 0)
      perform(session.close(error, at: now))
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    isWritable = context.channel.isWritable
    if isWritable {
      // Accounts first: prices are only the newest anyway.
      resumeAccounts()
      quotes.bringUpToDate(self)
    }
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is ChannelShouldQuiesceEvent: drain()
    case ChannelEvent.inputClosed: context.close(promise: nil)
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  /// Sends the client to another replica.
  func drain() { perform(session.drain(reconnectWithinMilliseconds: StreamLoop.reconnectWindow, at: .now())) }

  /// Called by the loop about once a second.
  func look(at now: NIODeadline, time: Timestamp) {
    perform(session.look(at: now, time: time))
    // For what could not be read the last time.
    if isWritable { resumeAccounts() }
  }

  private func resumeAccounts() {
    for account in session.accounts { loop.accounts.resume(self, account) }
  }

  private func leave() {
    guard context != nil else { return }
    context = nil
    stop()
    loop.remove(self)
  }

  /// Nothing is told any more.
  private func stop() {
    quotes.leave(self)
    for account in session.accounts { loop.accounts.unwatch(self, account) }
  }

  private func perform(_ actions: [StreamSession.Action]) {
    for action in actions {
      switch action {
      case .send(let reply):
        session.wrote(at: .now())
        write(reply.frame())
      case .pong(let payload): write(.frame(.pong, payload))
      case .ping: write(.frame(.ping, ByteBuffer()))
      case .follow(let instruments): quotes.follow(self, instruments, freshLook: true)
      case .unfollow(let instruments): quotes.follow(self, instruments, freshLook: false)
      case .watch(let account, let since): loop.accounts.watch(self, account, since: since)
      case .unwatch(let account):
        loop.accounts.unwatch(self, account)
        if account == dealsAs { show(loop.quotes, for: nil) }
      case .close(let reason):
        stop()
        write(.frame(reason))
      case .answerClose(let payload):
        stop()
        let context = context
        context?.writeAndFlush(wrapOutboundOut(.frame(.connectionClose, payload))).assumeIsolated()
          .whenComplete { _ in context?.close(promise: nil) }
      case .end: context?.close(promise: nil)
      }
    }
  }

  /// Goes over to other prices, and shows all of them.
  private func show(_ other: QuoteFanOut, for account: String?) {
    dealsAs = account
    guard other !== quotes else { return }
    quotes.leave(self)
    quotes = other
    quotes.follow(self, session.instruments, freshLook: true)
  }

  private func write(_ frame: ByteBuffer) { context?.writeAndFlush(wrapOutboundOut(frame), promise: nil) }
}

extension StreamHandler: QuoteFollower {
  var takesQuotes: Bool { isWritable && session.isOpen && context != nil }

  func sendQuotes(_ frame: ByteBuffer) {
    guard let context else { return }
    session.wrote(at: loop.now)
    context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
  }
}

extension StreamHandler: AccountFollower {
  var takesAccounts: Bool { takesQuotes }

  func sendAccount(_ frame: ByteBuffer) {
    session.wrote(at: .now())
    write(frame)
  }

  func opened(_ accountId: String, group: String) { show(loop.quotes(of: group), for: accountId) }

  func refuse(_ accountId: String, _ mistake: StreamMistake) {
    session.forget(account: accountId)
    perform([.send(.error(mistake))])
  }

  func close(_ reason: StreamClose) { perform(session.close(reason, at: .now())) }
}
