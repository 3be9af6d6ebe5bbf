import NIOCore
import NIOWebSocket
import Testing

@testable import TradingServer

@Suite struct FrameReaderTests {
  private func frame(_ first: UInt8, _ payload: [UInt8], mask: [UInt8] = [7, 11, 13, 17]) -> [UInt8] {
    var bytes = [first]
    switch payload.count {
    case ..<126: bytes.append(0x80 | UInt8(payload.count))
    case ...0xffff: bytes += [0xfe, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
    default: bytes += [0xff] + (0..<8).reversed().map { UInt8(payload.count >> ($0 * 8) & 0xff) }
    }
    return bytes + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
  }

  /// All events of `bytes`, which arrive in parts of `size`.
  private func read(
    _ bytes: [UInt8], parts size: Int, limit: Int = 70_000
  ) throws(StreamClose) -> [StreamEvent] {
    var reader = FrameReader(maximumMessageSize: limit)
    var events: [StreamEvent] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      reader.append(ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)]))
      while let event = try reader.next() { events.append(event) }
    }
    return events
  }

  private func code(_ bytes: [UInt8], limit: Int = 1_000) -> UInt16? {
    do throws(StreamClose) {
      _ = try read(bytes, parts: bytes.count, limit: limit)
      return nil
    } catch {
      return error.code
    }
  }

  @Test(arguments: [1, 2, 3, 7, 64, 100_000])
  func messagesAreWholeHoweverTheyArrive(size: Int) throws {
    let long = [UInt8](repeating: UInt8(ascii: "x"), count: 300)
    let huge = [UInt8](repeating: UInt8(ascii: "y"), count: 66_000)
    let bytes =
      frame(0x81, Array("hello".utf8)) + frame(0x89, [1, 2]) + frame(0x01, Array("gr".utf8)) + frame(0x8a, [])
      + frame(0x00, [0xc3]) + frame(0x80, [0xbc, UInt8(ascii: "n")]) + frame(0x81, long) + frame(0x81, huge)
      + frame(0x88, [3, 0xe8] + Array("bye".utf8))
    let events = try read(bytes, parts: size)
    #expect(
      events == [
        .text(ByteBuffer(string: "hello")), .ping(ByteBuffer(bytes: [1, 2])), .pong, .text(ByteBuffer(string: "grün")),
        .text(ByteBuffer(bytes: long)), .text(ByteBuffer(bytes: huge)), .close(ByteBuffer(bytes: [3, 0xe8])),
      ])
  }

  @Test func whatBreaksTheProtocolHasItsCode() {
    for rsv: UInt8 in [0x40, 0x20, 0x10] { #expect(code([0x81 | rsv]) == 1002) }
    for opcode: UInt8 in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] { #expect(code([0x80 | opcode]) == 1002) }
    #expect(code([0x81, 0x05]) == 1002, "not masked")
    #expect(code([0x09]) == 1002, "a ping in fragments")
    #expect(code([0x89, 0xfe]) == 1002, "a long ping")
    #expect(code([0x81, 0xfe, 0, 5]) == 1002, "five bytes in a long length")
    #expect(code([0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff]) == 1002, "a short length written long")
    #expect(code([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]) == 1002, "the highest bit")
    #expect(code(frame(0x80, [])) == 1002, "a continuation of nothing")
    #expect(code(frame(0x01, []) + frame(0x81, [])) == 1002, "a message inside another")
    #expect(code(frame(0x82, [])) == 1003)
    #expect(code(frame(0x81, [0xc3, 0x28])) == 1007)
    #expect(code(frame(0x81, [0xed, 0xa0, 0x80])) == 1007, "half a surrogate pair")
    #expect(code(frame(0x88, [3, 0xe8, 0xff])) == 1007, "a reason that is not UTF-8")
    #expect(code(frame(0x88, [3])) == 1002)
    for number: UInt16 in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
      #expect(code(frame(0x88, [UInt8(number >> 8), UInt8(number & 0xff)])) == 1002)
    }
    #expect(code(frame(0x81, [UInt8](repeating: 65, count: 1_001))) == 1009)
    let half = [UInt8](repeating: 65, count: 501)
    #expect(code(frame(0x01, half) + frame(0x80, half)) == 1009, "too large in sum")
    #expect(code(frame(0x01, []) + (0..<64).flatMap { _ in frame(0x00, []) }) == 1009, "endless fragments")
    #expect(code(frame(0x81, [UInt8](repeating: 65, count: 1_000))) == nil)
  }

  @Test(arguments: [0, 125, 126, 65_535, 65_536]) func framesAreWrittenInTheFewestBytes(length: Int) {
    let payload = ByteBuffer(repeating: 1, count: length)
    let frame = ByteBuffer.frame(.text, payload)
    #expect(frame.readableBytes - length == (length < 126 ? 2 : length < 65_536 ? 4 : 10))
    #expect(frame.getInteger(at: 0, as: UInt8.self) == 0x81)
    #expect(frame.readableBytesView.suffix(length).elementsEqual(payload.readableBytesView))
  }
}
