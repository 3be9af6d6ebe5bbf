import NIOCore

/// The frames of SPDY/3.1 that a stream server meets.
enum SPDYFrame: Sendable, Equatable {
  /// `block` is a compressed header block.
  case synStream(id: UInt32, associated: UInt32, isFinal: Bool, isUnidirectional: Bool, block: [UInt8])
  case synReply(id: UInt32, isFinal: Bool, block: [UInt8])
  case rstStream(id: UInt32, status: UInt32)
  case settings([(id: UInt32, value: UInt32)])
  case ping(UInt32)
  case goAway(lastStream: UInt32, status: UInt32)
  case headers(id: UInt32, isFinal: Bool, block: [UInt8])
  case windowUpdate(id: UInt32, delta: UInt32)
  case data(id: UInt32, isFinal: Bool, bytes: [UInt8])
  /// A control frame of a type that may be ignored.
  case unknown(type: UInt16)

  static func == (left: SPDYFrame, right: SPDYFrame) -> Bool { left.serialized() == right.serialized() }

  /// RST_STREAM and GOAWAY codes in use here.
  enum StatusCode {
    static let protocolError: UInt32 = 1
    static let cancel: UInt32 = 5
    static let flowControlError: UInt32 = 7
  }

  private static let version: UInt16 = 3
  private static let finalFlag: UInt8 = 1
  private static let unidirectionalFlag: UInt8 = 2

  func serialized() -> [UInt8] {
    var body = ByteBuffer()
    switch self {
    case .data(let id, let isFinal, let bytes):
      var buffer = ByteBuffer()
      buffer.writeInteger(id & 0x7FFF_FFFF)
      buffer.writeInteger(UInt32(isFinal ? Self.finalFlag : 0) << 24 | UInt32(bytes.count))
      buffer.writeBytes(bytes)
      return Array(buffer.readableBytesView)
    case .synStream(let id, let associated, let isFinal, let isUnidirectional, let block):
      body.writeInteger(id)
      body.writeInteger(associated)
      body.writeInteger(UInt16(0))
      body.writeBytes(block)
      return control(1, (isFinal ? Self.finalFlag : 0) | (isUnidirectional ? Self.unidirectionalFlag : 0), body)
    case .synReply(let id, let isFinal, let block):
      body.writeInteger(id)
      body.writeBytes(block)
      return control(2, isFinal ? Self.finalFlag : 0, body)
    case .rstStream(let id, let status):
      body.writeInteger(id)
      body.writeInteger(status)
      return control(3, 0, body)
    case .settings(let entries):
      body.writeInteger(UInt32(entries.count))
      for entry in entries {
        body.writeInteger(entry.id & 0xFF_FFFF)
        body.writeInteger(entry.value)
      }
      return control(4, 0, body)
    case .ping(let id):
      body.writeInteger(id)
      return control(6, 0, body)
    case .goAway(let lastStream, let status):
      body.writeInteger(lastStream)
      body.writeInteger(status)
      return control(7, 0, body)
    case .headers(let id, let isFinal, let block):
      body.writeInteger(id)
      body.writeBytes(block)
      return control(8, isFinal ? Self.finalFlag : 0, body)
    case .windowUpdate(let id, let delta):
      body.writeInteger(id)
      body.writeInteger(delta)
      return control(9, 0, body)
    case .unknown(let type): return control(type, 0, body)
    }
  }

  private func control(_ type: UInt16, _ flags: UInt8, _ body: ByteBuffer) -> [UInt8] {
    var buffer = ByteBuffer()
    buffer.writeInteger(0x8000 | Self.version)
    buffer.writeInteger(type)
    buffer.writeInteger(UInt32(flags) << 24 | UInt32(body.readableBytes))
    buffer.writeImmutableBuffer(body)
    return Array(buffer.readableBytesView)
  }

  /// Takes one frame off the front; nil when it is not all there yet.
  ///
  /// - Throws: `SPDYError` for bytes that are no SPDY/3.
  static func read(from buffer: inout ByteBuffer) throws(SPDYError) -> SPDYFrame? {
    let start = buffer.readerIndex
    guard let first = buffer.getInteger(at: start, as: UInt32.self),
      let second = buffer.getInteger(at: start + 4, as: UInt32.self)
    else { return nil }
    let length = Int(second & 0xFF_FFFF)
    guard buffer.readableBytes >= 8 + length else { return nil }
    buffer.moveReaderIndex(forwardBy: 8)
    guard var body = buffer.readSlice(length: length) else { return nil }
    let isFinal = UInt8(second >> 24) & finalFlag != 0
    guard first & 0x8000_0000 != 0 else {
      return .data(id: first, isFinal: isFinal, bytes: Array(body.readableBytesView))
    }
    guard UInt16(first >> 16 & 0x7FFF) == version else { throw SPDYError("unsupported SPDY version") }
    let isUnidirectional = UInt8(second >> 24) & unidirectionalFlag != 0
    return try control(UInt16(first & 0xFFFF), &body, isFinal: isFinal, isUnidirectional: isUnidirectional)
  }

  private static func control(
    _ type: UInt16, _ body: inout ByteBuffer, isFinal: Bool, isUnidirectional: Bool
  ) throws(SPDYError) -> SPDYFrame {
    func number() throws(SPDYError) -> UInt32 {
      guard let value: UInt32 = body.readInteger() else { throw SPDYError("short frame of type \(type)") }
      return value
    }
    func id() throws(SPDYError) -> UInt32 { try number() & 0x7FFF_FFFF }
    func rest() -> [UInt8] { Array(body.readableBytesView) }
    switch type {
    case 1:
      let stream = try id()
      let associated = try id()
      body.moveReaderIndex(forwardBy: min(2, body.readableBytes))  // priority and credential slot
      return .synStream(
        id: stream, associated: associated, isFinal: isFinal, isUnidirectional: isUnidirectional, block: rest())
    case 2: return .synReply(id: try id(), isFinal: isFinal, block: rest())
    case 3: return .rstStream(id: try id(), status: try number())
    case 4:
      var entries: [(UInt32, UInt32)] = []
      for _ in 0..<min(try number(), 1000) { entries.append((try number() & 0xFF_FFFF, try number())) }
      return .settings(entries)
    case 6: return .ping(try number())
    case 7: return .goAway(lastStream: try id(), status: try number())
    case 8: return .headers(id: try id(), isFinal: isFinal, block: rest())
    case 9: return .windowUpdate(id: try id(), delta: try id())
    default: return .unknown(type: type)
    }
  }
}

/// The peer broke the protocol, or the connection broke.
struct SPDYError: Error, Sendable, Hashable, CustomStringConvertible {
  var message: String
  init(_ message: String) { self.message = message }
  var description: String { message }
}
