import KubernetesClient
import KubernetesModels
import NIOCore

/// What goes wrong with a body.
struct BodyFault: Sendable {
  enum End: Sendable {
    case clean
    /// In the middle of a line.
    case broken
    /// With an ERROR event of 410.
    case expired
  }

  var end: End?
  var after: Int
  var duplicates = false
}

/// A body that does not arrive as it was sent.
struct FaultyBody: AsyncSequence, Sendable {
  typealias Element = ByteBuffer

  let base: ResponseBody
  let fault: BodyFault

  func makeAsyncIterator() -> Iterator {
    Iterator(base: base.makeAsyncIterator(), fault: fault)
  }

  struct Iterator: AsyncIteratorProtocol {
    private var base: ResponseBody.AsyncIterator
    private let fault: BodyFault
    private var count = 0
    private var isOver = false

    init(base: ResponseBody.AsyncIterator, fault: BodyFault) {
      self.base = base
      self.fault = fault
    }

    mutating func next() async throws -> ByteBuffer? {
      guard !isOver else { return nil }
      if count >= fault.after, let end = fault.end { return try await finish(end) }
      count += 1
      guard let chunk = try await base.next() else { return nil }
      return fault.duplicates ? Self.doubled(chunk) : chunk
    }

    private mutating func finish(_ end: BodyFault.End) async throws -> ByteBuffer? {
      switch end {
      case .clean:
        isOver = true
        return nil
      case .expired:
        isOver = true
        let event = #"{"type":"ERROR","object":"# + FaultInjector.status(.gone).serializedString() + "}\n"
        return ByteBuffer(string: event)
      case .broken:
        // Half of what comes next, and then the cable is out.
        guard count <= fault.after, let chunk = try await base.next(), chunk.readableBytes > 1 else {
          throw FaultInjector.broken("closed half-way")
        }
        count = fault.after + 1
        return chunk.getSlice(at: chunk.readerIndex, length: chunk.readableBytes / 2)
      }
    }

    /// Each line twice. The servers of this kit never cut a line in two.
    private static func doubled(_ chunk: ByteBuffer) -> ByteBuffer {
      var result = ByteBuffer()
      for line in chunk.readableBytesView.split(separator: UInt8(ascii: "\n")) {
        for _ in 0..<2 {
          result.writeBytes(line)
          result.writeInteger(UInt8(ascii: "\n"))
        }
      }
      return result
    }
  }
}
