import NIOCore
import NIOWebSocket

extension ByteBuffer {
  /// The most bytes that the head of a frame takes.
  static let maximumFrameHead = 10

  /// Writes the head of a whole, unmasked frame (RFC 6455, section 5.2), in the fewest bytes.
  mutating func writeFrameHead(_ opcode: WebSocketOpcode, length: Int) {
    writeInteger(0x80 | UInt8(webSocketOpcode: opcode))
    switch length {
    case ..<126: writeInteger(UInt8(length))
    case ...0xffff:
      writeInteger(UInt8(126))
      writeInteger(UInt16(length))
    default:
      writeInteger(UInt8(127))
      writeInteger(UInt64(length))
    }
  }

  /// A whole frame.
  static func frame(_ opcode: WebSocketOpcode, _ payload: ByteBuffer) -> ByteBuffer {
    var frame = ByteBufferAllocator().buffer(capacity: maximumFrameHead + payload.readableBytes)
    frame.writeFrameHead(opcode, length: payload.readableBytes)
    frame.writeImmutableBuffer(payload)
    return frame
  }

  /// The frame that says goodbye.
  static func frame(_ close: StreamClose) -> ByteBuffer {
    var payload = ByteBuffer(integer: close.code)
    payload.writeString(close.reason)
    return frame(.connectionClose, payload)
  }
}
