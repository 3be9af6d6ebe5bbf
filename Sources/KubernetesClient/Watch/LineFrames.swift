import NIOCore

/// Cuts a stream of chunks into lines. A line may lie across any number of chunks, and a chunk may hold many lines.
struct LineFrames {
  /// The longest line that is accepted, in bytes.
  let limit: Int
  private var pending = ByteBuffer()
  /// How much of `pending` is known to hold no newline, so that long lines are not searched again and again.
  private var searched = 0

  init(limit: Int) { self.limit = limit }

  /// Takes in a chunk.
  mutating func append(_ chunk: ByteBuffer) {
    var chunk = chunk
    pending.discardReadBytes()
    if pending.readableBytes == 0 { pending = chunk } else { pending.writeBuffer(&chunk) }
  }

  /// The next whole line without its newline; `nil` when more bytes are needed.
  /// - Throws: ``KubernetesError/decoding(_:)`` when a line grows past the limit.
  mutating func next() throws -> [UInt8]? {
    let view = pending.readableBytesView
    let newline = UInt8(ascii: "\n")
    guard let end = view[view.startIndex.advanced(by: searched)...].firstIndex(of: newline) else {
      searched = view.count
      try check(searched)
      return nil
    }
    let length = view.distance(from: view.startIndex, to: end)
    try check(length)
    var line = pending.readBytes(length: length) ?? []
    pending.moveReaderIndex(forwardBy: 1)
    searched = 0
    if line.last == UInt8(ascii: "\r") { line.removeLast() }
    return line
  }

  /// What is left when the stream has ended: an unfinished line, or `nil`.
  mutating func remainder() -> [UInt8]? {
    searched = 0
    guard pending.readableBytes > 0 else { return nil }
    return pending.readBytes(length: pending.readableBytes)
  }

  private func check(_ length: Int) throws {
    guard length <= limit else {
      throw KubernetesError.decoding("a line of the stream is longer than \(limit) bytes; it was given up")
    }
  }
}
