import NIOCore
import NIOWebSocket

/// A message to many clients that is the same for all but for its number: `{"type":…,"sequence":N` and a tail.
///
/// The tail is written once and shared: frames from a server are not masked, so the same bytes serve every connection.
struct NumberedMessage {
  enum Kind: String {
    case snapshot, tick, account, transaction
  }

  /// `,"key":value…}`
  let tail: ByteBuffer
  private let beginning: String

  init(_ kind: Kind, tail: ByteBuffer) {
    beginning = "{\"type\":\"\(kind.rawValue)\",\"sequence\":"
    self.tail = tail
  }

  /// Room for one head.
  static let maximumHead = ByteBuffer.maximumFrameHead + 64

  /// Writes what comes before the tail: the frame's head and the message's beginning with `number`.
  func writeHead(number: Int64, to buffer: inout ByteBuffer) {
    let digits = String(number)
    buffer.writeFrameHead(
      .text, length: beginning.utf8.count + digits.utf8.count + tail.readableBytes)
    buffer.writeString(beginning)
    buffer.writeString(digits)
  }

  /// What comes before the tail, by itself.
  func head(number: Int64) -> ByteBuffer {
    var head = ByteBufferAllocator().buffer(capacity: Self.maximumHead)
    writeHead(number: number, to: &head)
    return head
  }
}
