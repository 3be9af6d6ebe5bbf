import Glibc
import NIOCore
import NIOWebSocket

/// What a client of /ws is told by its connection.
enum FeedEvent {
  /// A price or account message: the number after the last one's, unless the message begins a new count, and its time in
  /// milliseconds of the day, where there are such.
  case message(sequence: Int64?, isFirst: Bool, time: Int64?)
  /// A transaction of the account that is followed, by its id.
  case transaction(Int64)
  /// The connection is gone: why, and since when.
  case ended(String, since: NIODeadline)
}

/// Reads the messages of one connection without decoding them: ten thousand clients share the machine with the server.
final class FeedHandler: ChannelInboundHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundOut = WebSocketFrame

  /// Set by the client as soon as the connection stands.
  var onEvent: ((FeedEvent) -> Void)? {
    didSet { deliver() }
  }
  /// When anything came last.
  private var heard = NIODeadline.now()
  private var early: [FeedEvent] = []
  private var hasEnded = false
  private var context: ChannelHandlerContext?

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    heard = .now()
    switch frame.opcode {
    case .text, .binary, .continuation:
      let bytes = frame.data.readableBytesView
      if let id = Self.transaction(in: bytes) { return tell(.transaction(id)) }
      // A heartbeat or a refusal has no number.
      tell(
        .message(
          sequence: Self.integer(after: #""sequence":"#, in: bytes),
          isFirst: bytes.starts(with: #"{"type":"snapshot""#.utf8), time: Self.time(in: bytes)))
    case .ping: send(.pong, frame.data, context)
    case .connectionClose:
      var payload = frame.data
      let code = payload.readInteger(as: UInt16.self)
      end("close \(code.map { "\($0)" } ?? "without a code")")
      send(.connectionClose, frame.data, context)
      context.close(promise: nil)
    default: break
    }
  }

  func channelInactive(context: ChannelHandlerContext) { end("connection lost") }
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  /// Sends a client's frame; those are masked (RFC 6455, section 5.3).
  func send(_ opcode: WebSocketOpcode, _ payload: ByteBuffer, _ context: ChannelHandlerContext) {
    let frame = WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: payload)
    context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
  }

  private func end(_ reason: String, since: NIODeadline = .now()) {
    guard !hasEnded else { return }
    hasEnded = true
    tell(.ended(reason, since: since))
  }

  private func tell(_ event: FeedEvent) {
    early.append(event)
    deliver()
  }

  private func deliver() {
    guard let onEvent, !early.isEmpty else { return }
    let events = early
    early = []
    for event in events { onEvent(event) }
  }

  /// Ends the connection when nothing has come for so long.
  func giveUp(after silence: TimeAmount) {
    guard NIODeadline.now() - heard > silence else { return }
    end("silence", since: heard)
    context?.close(promise: nil)
  }

  /// The id of a transaction's message, whose keys come in the order of the alphabet.
  static func transaction(in bytes: ByteBufferView) -> Int64? {
    bytes.starts(with: #"{"transaction":"#.utf8) ? integer(after: #""id":"#, in: bytes) : nil
  }

  /// The number that follows a key.
  static func integer(after key: String, in bytes: ByteBufferView) -> Int64? {
    guard let place = bytes.firstRange(of: key.utf8) else { return nil }
    var (value, digits) = (Int64(0), 0)
    for byte in bytes[place.upperBound...].prefix(18) {
      // Ids may be written as text.
      if byte == UInt8(ascii: "\""), digits == 0 { continue }
      guard (48...57).contains(byte) else { break }
      value = value * 10 + Int64(byte - 48)
      digits += 1
    }
    return digits > 0 ? value : nil
  }

  /// Milliseconds of the day of the message's time, which is RFC 3339 in UTC with milliseconds.
  static func time(in bytes: ByteBufferView) -> Int64? {
    guard let place = bytes.firstRange(of: #""time":""#.utf8) else { return nil }
    let text = Array(bytes[place.upperBound...].prefix(24))
    guard text.count == 24, text[10] == UInt8(ascii: "T") else { return nil }
    func number(_ from: Int, _ count: Int) -> Int64 { text[from..<from + count].reduce(0) { $0 * 10 + Int64($1) - 48 } }
    return ((number(11, 2) * 60 + number(14, 2)) * 60 + number(17, 2)) * 1_000 + number(20, 3)
  }

  /// Milliseconds since `time` of the day, by this machine's clock.
  static func delay(since time: Int64) -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let today = Int64(now.tv_sec % 86_400) * 1_000 + Int64(now.tv_nsec) / 1_000_000
    let delay = today - time
    // Midnight lies between them.
    return delay < -43_200_000 ? delay + 86_400_000 : delay
  }
}
