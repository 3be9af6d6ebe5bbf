import FoundationEssentials
import KubernetesModels
import NIOPosix

/// A small HTTP/1.1 client for a service on a unix socket: one connection a request, and connections that become raw byte streams.
struct UnixHTTP: Sendable {
  let socketPath: String

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  struct Response: Sendable {
    var status: Int
    var body: [UInt8]
    var text: String { String(decoding: body, as: UTF8.self) }
  }

  /// Sends a request and reads the whole answer.
  func send(_ method: String, _ target: String, body: JSONValue? = nil) async throws -> Response {
    let channel = try await connect()
    do {
      try await channel.write(Self.request(method, target, body: body, headers: ["Connection: close"]))
      var bytes: [UInt8] = []
      while let chunk = try await channel.read() { bytes += chunk }
      await channel.close()
      return try Self.parse(bytes)
    } catch {
      await channel.close()
      throw error
    }
  }

  /// Sends a request whose answer turns the connection into a byte stream.
  /// - Returns: the stream, and what arrived of it together with the head.
  /// - Throws: ``Failure`` with the server's message when it refuses.
  func hijack(_ method: String, _ target: String, body: JSONValue? = nil) async throws -> (ByteChannel, [UInt8]) {
    let channel = try await connect()
    do {
      let upgrade = ["Connection: Upgrade", "Upgrade: tcp"]
      try await channel.write(Self.request(method, target, body: body, headers: upgrade))
      var bytes: [UInt8] = []
      while true {
        guard let chunk = try await channel.read() else {
          throw Failure(description: "\(method) \(target): the connection ended before an answer came")
        }
        bytes += chunk
        guard let end = Self.endOfHead(bytes) else { continue }
        let status = try Self.status(bytes)
        if status == 101 || status == 200 { return (channel, Array(bytes[end...])) }
        while let chunk = try await channel.read() { bytes += chunk }
        let answer = try Self.parse(bytes)
        throw Failure(description: Self.message(answer))
      }
    } catch {
      await channel.close()
      throw error
    }
  }

  private func connect() async throws -> ByteChannel {
    try await ByteChannel.open { $0.connect(unixDomainSocketPath: socketPath) }
  }

  /// What podman says is wrong, in its `message` field or as plain text.
  static func message(_ response: Response) -> String {
    let json = try? JSONValue(parsing: response.body)
    return json?["message"]?.stringValue ?? "status \(response.status): \(response.text.prefix(500))"
  }

  private static func request(_ method: String, _ target: String, body: JSONValue?, headers: [String]) -> [UInt8] {
    let content = body?.serialized() ?? []
    var head = ["\(method) \(target) HTTP/1.1", "Host: podman", "Content-Length: \(content.count)"]
    if body != nil { head.append("Content-Type: application/json") }
    return Array(((head + headers).joined(separator: "\r\n") + "\r\n\r\n").utf8) + content
  }

  private static func endOfHead(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= 4 else { return nil }
    for index in 0...(bytes.count - 4)
    where bytes[index] == 13 && bytes[index + 1] == 10 && bytes[index + 2] == 13 && bytes[index + 3] == 10 {
      return index + 4
    }
    return nil
  }

  private static func status(_ bytes: [UInt8]) throws -> Int {
    let line = String(decoding: bytes.prefix { $0 != 13 }, as: UTF8.self)
    let parts = line.split(separator: " ")
    guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), let status = Int(parts[1]) else {
      throw Failure(description: "not an HTTP answer: \(line.prefix(80))")
    }
    return status
  }

  static func parse(_ bytes: [UInt8]) throws -> Response {
    guard let end = endOfHead(bytes) else { throw Failure(description: "the answer broke off in its head") }
    let head = String(decoding: bytes[..<end], as: UTF8.self).lowercased()
    let body = Array(bytes[end...])
    let isChunked = head.split(whereSeparator: \.isNewline).contains { line in
      line.hasPrefix("transfer-encoding:") && line.contains("chunked")
    }
    return Response(status: try status(bytes), body: isChunked ? dechunk(body) : body)
  }

  /// What is left after an incomplete chunk is dropped: the connection broke there.
  private static func dechunk(_ body: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var rest = body[...]
    while let line = rest.firstIndex(of: 13) {
      let size = String(decoding: rest[..<line].prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
      guard let count = Int(size, radix: 16), count > 0, rest.endIndex - line - 2 >= count else { break }
      result += rest[(line + 2)..<(line + 2 + count)]
      rest = rest[(line + 2 + count)...].dropFirst(2)
    }
    return result
  }
}
