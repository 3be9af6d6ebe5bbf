import Glibc

/// One client's end of a WebSocket.
struct StreamClient {
  /// What came of reading.
  enum Progress {
    case waiting
    /// The server has accepted the WebSocket.
    case accepted
    case closed
  }

  private static let headEnd = Array("\r\n\r\n".utf8)
  private static let accepted = Array("HTTP/1.1 101".utf8)
  private static let tickStart = Array("{\"type\":\"tick\"".utf8)
  private static let numberKey = Array("\"sequence\":".utf8)
  private static let timeKey = Array("\"time\":\"".utf8)
  /// A pong whose mask changes nothing.
  private static let pong: [UInt8] = [0x8a, 0x80, 0, 0, 0, 0]

  let socket: Int32
  private var isOpen = false
  /// What has not come whole yet.
  private var unread: [UInt8] = []
  /// Of the last message.
  private var number = 0

  init(socket: Int32) { self.socket = socket }

  func write(_ bytes: [UInt8]) { _ = send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

  /// Takes what has arrived. `buffer` is room to read into, shared by all clients.
  mutating func read(_ buffer: UnsafeMutableRawBufferPointer, _ recorder: inout Recorder) -> Progress {
    delayAcknowledgement(socket)
    let count = recv(socket, buffer.baseAddress, buffer.count, 0)
    if count < 0 { return errno == EAGAIN ? .waiting : .closed }
    if count == 0 { return .closed }
    let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
    if unread.isEmpty { return take(bytes, &recorder) }
    let joined = unread + bytes
    unread = []
    return joined.withUnsafeBytes { take($0, &recorder) }
  }

  private mutating func take(_ bytes: UnsafeRawBufferPointer, _ recorder: inout Recorder) -> Progress {
    var start = 0
    var progress = Progress.waiting
    if !isOpen {
      guard let end = bytes.end(of: Self.headEnd, within: bytes.count) else {
        unread = Array(bytes)
        return .waiting
      }
      guard bytes.starts(with: Self.accepted) else { return .closed }
      (isOpen, start, progress) = (true, end, .accepted)
    }
    let now = millisecondsOfDay()
    while start + 2 <= bytes.count {
      var (head, length) = (2, Int(bytes[start + 1]))
      if length == 126 {
        guard start + 4 <= bytes.count else { break }
        (head, length) = (4, Int(bytes[start + 2]) << 8 | Int(bytes[start + 3]))
      }
      guard start + head + length <= bytes.count else { break }
      let payload = UnsafeRawBufferPointer(rebasing: bytes[(start + head)..<(start + head + length)])
      switch bytes[start] & 0x0f {
      case 1: message(payload, at: now, &recorder)
      case 9: write(Self.pong)
      default: break
      }
      start += head + length
    }
    if start < bytes.count { unread = Array(bytes[start...]) }
    return progress
  }

  /// `{"type":"tick","sequence":N,"priceSequence":N,"time":"2026-11-23T03:49:40.123Z",…`
  private mutating func message(_ text: UnsafeRawBufferPointer, at now: Double, _ recorder: inout Recorder) {
    guard let digits = text.end(of: Self.numberKey) else { return }
    var received = 0
    for byte in text[digits...] {
      guard (48...57).contains(byte) else { break }
      received = received * 10 + Int(byte - 48)
    }
    let isTick = text.starts(with: Self.tickStart)
    if isTick { recorder.merged += received - number - 1 }
    number = received
    guard isTick, let time = text.end(of: Self.timeKey), time + 23 < text.count else {
      return
    }
    func two(_ offset: Int) -> Double { Double(Int(text[time + offset]) * 10 + Int(text[time + offset + 1]) - 528) }
    let made = (two(11) * 3_600 + two(14) * 60 + two(17)) * 1_000 + two(20) * 10 + Double(Int(text[time + 22]) - 48)
    let delay = now - made
    recorder.tick(delay: delay < -43_200_000 ? delay + 86_400_000 : delay, bytes: text.count)
  }

  private func millisecondsOfDay() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec % 86_400) * 1_000 + Double(time.tv_nsec) / 1e6
  }
}

extension StreamClient {
  static func request(token: String?) -> [UInt8] {
    let lines =
      [
        "GET /ws HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      ] + (token.map { ["Authorization: Bearer \($0)"] } ?? [])
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
  }

  /// A whole frame; its mask of zeros leaves the text as it is.
  static func subscription(_ symbols: [Substring]?) -> [UInt8] {
    let named = symbols.map { ",\"symbols\":[" + $0.map { "\"\($0)\"" }.joined(separator: ",") + "]" } ?? ""
    let text = Array("{\"type\":\"subscribe\"\(named)}".utf8)
    let length = text.count < 126 ? [UInt8(text.count)] : [126, UInt8(text.count >> 8), UInt8(text.count & 0xff)]
    return [0x81, 0x80 | length[0]] + length.dropFirst() + [0, 0, 0, 0] + text
  }
}

extension UnsafeRawBufferPointer {
  /// Where the first occurrence of `text` among the first bytes ends.
  fileprivate func end(of text: [UInt8], within limit: Int = 160) -> Int? {
    guard count >= text.count else { return nil }
    for start in 0...Swift.min(count - text.count, limit)
    where self[start] == text[0] && self[start...].starts(with: text) { return start + text.count }
    return nil
  }
}
