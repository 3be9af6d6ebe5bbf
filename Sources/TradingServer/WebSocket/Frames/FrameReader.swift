import NIOCore
import NIOWebSocket

/// What a client said: a whole message, or a control frame.
enum StreamEvent: Equatable {
  /// Valid UTF-8.
  case text(ByteBuffer)
  case ping(ByteBuffer)
  case pong
  /// The payload is what is sent back: the code alone, or nothing.
  case close(ByteBuffer)
}

/// Reads a client's bytes as RFC 6455 demands of a server. Keeps bytes only between the parts of a frame or message.
struct FrameReader {
  /// More fragments than this are not a message but an attack.
  private static let maximumFragments = 64

  private let maximumMessageSize: Int
  /// The beginning of a frame that has not arrived whole.
  private var unread: ByteBuffer?
  private var fragments: ByteBuffer?
  private var fragmentCount = 0

  init(maximumMessageSize: Int) { self.maximumMessageSize = maximumMessageSize }

  mutating func append(_ bytes: ByteBuffer) {
    if unread == nil { unread = bytes } else { unread?.writeImmutableBuffer(bytes) }
  }

  /// The next event, nil when more bytes are needed.
  ///
  /// - Throws: `StreamClose` with the code to close with. Nothing may be read after that.
  mutating func next() throws(StreamClose) -> StreamEvent? {
    while let buffer = unread {
      let held = fragments?.readableBytes ?? 0
      guard let header = try FrameHeader(of: buffer, held: held, limit: maximumMessageSize),
        let frame = buffer.getSlice(at: buffer.readerIndex + header.size, length: header.length)
      else { return nil }
      unread?.moveReaderIndex(forwardBy: header.size + header.length)
      if unread?.readableBytes == 0 { unread = nil }
      var payload = frame
      payload.webSocketUnmask(header.mask)
      if let event = try event(header, payload) { return event }
    }
    return nil
  }

  private mutating func event(_ header: FrameHeader, _ payload: ByteBuffer) throws(StreamClose) -> StreamEvent? {
    switch header.opcode {
    case .ping: return .ping(payload)
    case .pong: return .pong
    case .connectionClose: return .close(try Self.closeCode(payload))
    case .binary: throw .binary
    case .text where fragments != nil: throw .violation("a message began inside another")
    case .continuation where fragments == nil: throw .violation("a continuation without a beginning")
    default: break
    }
    if header.isFinal, fragments == nil { return .text(try Self.checked(payload)) }
    fragmentCount += 1
    if fragmentCount > Self.maximumFragments {
      throw StreamClose(code: 1009, reason: "messages have at most \(Self.maximumFragments) fragments")
    }
    if fragments == nil { fragments = payload } else { fragments?.writeImmutableBuffer(payload) }
    guard header.isFinal, let message = fragments else { return nil }
    fragments = nil
    fragmentCount = 0
    return .text(try Self.checked(message))
  }

  private static func checked(_ text: ByteBuffer) throws(StreamClose) -> ByteBuffer {
    guard String(validating: text.readableBytesView, as: UTF8.self) != nil else { throw .malformedText }
    return text
  }

  private static func closeCode(_ payload: ByteBuffer) throws(StreamClose) -> ByteBuffer {
    if payload.readableBytes == 0 { return payload }
    guard let code = payload.getInteger(at: payload.readerIndex, as: UInt16.self) else {
      throw .violation("a close frame with half a code")
    }
    guard StreamClose.isValid(received: code) else { throw .violation("\(code) is not a close code") }
    var rest = payload
    guard let echo = rest.readSlice(length: 2) else { return payload }
    _ = try checked(rest)
    return echo
  }
}

/// The head of one frame (RFC 6455, section 5.2).
private struct FrameHeader {
  let isFinal: Bool
  let opcode: WebSocketOpcode
  let length: Int
  let mask: WebSocketMaskingKey
  /// Bytes of the head itself.
  let size: Int

  /// Nil when more bytes are needed. What is wrong is said as soon as it can be seen.
  ///
  /// - Parameters:
  ///   - held: bytes of the message that came in earlier frames.
  ///   - limit: the most bytes that a message may have.
  init?(of buffer: ByteBuffer, held: Int, limit: Int) throws(StreamClose) {
    let start = buffer.readerIndex
    guard let first = buffer.getInteger(at: start, as: UInt8.self) else { return nil }
    isFinal = first & 0x80 != 0
    if first & 0x70 != 0 { throw .violation("reserved bits are set, and no extension was agreed on") }
    guard let opcode = WebSocketOpcode(encodedWebSocketOpcode: first & 0x0f),
      [.continuation, .text, .binary, .ping, .pong, .connectionClose].contains(opcode)
    else { throw .violation("an unknown opcode") }
    self.opcode = opcode
    let isControl = first & 0x08 != 0
    if isControl, !isFinal { throw .violation("a control frame in fragments") }

    guard let second = buffer.getInteger(at: start + 1, as: UInt8.self) else { return nil }
    if second & 0x80 == 0 { throw .violation("clients must mask their frames") }
    let short = Int(second & 0x7f)
    if isControl, short > 125 { throw .violation("a control frame of more than 125 bytes") }

    let wide: UInt64
    var head = 2
    switch short {
    case 126:
      guard let length = buffer.getInteger(at: start + head, as: UInt16.self) else { return nil }
      if length < 126 { throw .violation("a length that is longer than it need be") }
      wide = UInt64(length)
      head += 2
    case 127:
      guard let length = buffer.getInteger(at: start + head, as: UInt64.self) else { return nil }
      if length <= UInt64(UInt16.max) || length >> 63 == 1 { throw .violation("a length that is not well written") }
      wide = length
      head += 8
    default: wide = UInt64(short)
    }
    if !isControl, wide > UInt64(limit - held) { throw .tooLarge(limit: limit) }
    guard let mask = WebSocketMaskingKey(buffer.getBytes(at: start + head, length: 4) ?? []) else { return nil }
    length = Int(wide)
    self.mask = mask
    size = head + 4
  }
}
