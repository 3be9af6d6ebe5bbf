import NIOCore

/// Moves bytes between a client and a stream of podman.
struct StreamPump {
  var channel: ByteChannel
  /// With a terminal there are no frames: everything is output.
  var isRaw: Bool

  /// Returns when the process has closed its output.
  func run(
    early: [UInt8], stdin: AsyncStream<StreamInput>?,
    output: @escaping @Sendable (StreamOutput) async throws -> Void,
    resize: @escaping @Sendable (UInt16, UInt16) async -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask { [channel, isRaw] in
        var frames = StreamFrames(isRaw: isRaw)
        for item in frames.take(early) { try await output(item) }
        while let bytes = try await channel.read() {
          for item in frames.take(bytes) { try await output(item) }
        }
        return true
      }
      if let stdin {
        group.addTask { [channel] in
          for await input in stdin {
            switch input {
            case .data(let bytes): try await channel.write(bytes)
            case .resize(let width, let height): await resize(width, height)
            case .close: try await channel.closeWrite()
            }
          }
          return false
        }
      }
      defer { group.cancelAll() }
      do {
        while let isOver = try await group.next(), !isOver {}
      } catch let error as ChannelError {
        // The process may close its input, and end, while the client still sends.
        guard !Task.isCancelled else { throw error }
        while let isOver = try? await group.next(), !isOver {}
      }
    }
  }
}

/// Takes apart the frames in which podman sends the output of a process without terminal: one byte for the stream, three zeros, four bytes of length.
struct StreamFrames {
  var isRaw: Bool
  private var rest: [UInt8] = []

  init(isRaw: Bool) { self.isRaw = isRaw }

  mutating func take(_ bytes: [UInt8]) -> [StreamOutput] {
    guard !isRaw else { return bytes.isEmpty ? [] : [.stdout(bytes)] }
    rest += bytes
    var output: [StreamOutput] = []
    while rest.count >= 8 {
      let length = rest[4..<8].reduce(0) { $0 << 8 | Int($1) }
      guard rest.count >= 8 + length else { break }
      let content = Array(rest[8..<8 + length])
      if length > 0 { output.append(rest[0] == 2 ? .stderr(content) : .stdout(content)) }
      rest.removeFirst(8 + length)
    }
    return output
  }
}
