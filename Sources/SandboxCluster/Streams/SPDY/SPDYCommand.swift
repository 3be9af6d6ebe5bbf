import KubernetesModels
import Logging
import NIOCore

/// exec or attach over SPDY streams, one for each of error, stdin, stdout, stderr and resize (remotecommand v4).
struct SPDYCommand: Sendable {
  let command: RemoteCommand
  let backend: any PodStreamBackend
  let logger: Logger

  /// How long the client may take to open its streams.
  private static let patience = Duration.seconds(30)

  func start(on channel: any Channel) -> EventLoopFuture<Void> {
    SPDYSession.start(on: channel, tunnelled: false, logger: logger) { await serve($0) }
  }

  private var expected: Set<String> {
    var names: Set<String> = ["error"]
    if command.stdin { names.insert("stdin") }
    if command.stdout { names.insert("stdout") }
    if command.stderr { names.insert("stderr") }
    if command.tty { names.insert("resize") }
    return names
  }

  private func serve(_ connection: SPDYConnection) async {
    guard let streams = await collect(connection) else { return }
    let input = BoundedPipe<StreamInput>(limit: 64 * 1024)
    await withTaskGroup(of: Void.self) { group in
      if let stdin = streams["stdin"] {
        group.addTask {
          while let bytes = await stdin.read() { await input.push(.data(bytes), weight: bytes.count) }
          await input.push(.close, weight: 1)
          input.finish()
        }
      }
      if let resize = streams["resize"] { group.addTask { await Self.readSizes(resize, into: input) } }
      let status = await command.run(on: backend, stdin: AsyncStream(unfolding: { await input.next() })) { output in
        switch output {
        case .stdout(let bytes): try await streams["stdout"]?.write(bytes)
        case .stderr(let bytes): try await streams["stderr"]?.write(bytes)
        }
      }
      input.finish(discarding: true)
      _ = try? await streams["error"]?.write(status.serialized())
      for name in ["stdout", "stderr", "error", "resize", "stdin"] { await streams[name]?.close() }
      group.cancelAll()
    }
  }

  /// The streams by type once all are open; nil when the client leaves or dawdles.
  private func collect(_ connection: SPDYConnection) async -> [String: SPDYStream]? {
    await withTaskGroup(of: [String: SPDYStream]?.self) { group in
      group.addTask {
        var streams: [String: SPDYStream] = [:]
        for await stream in connection.accepted {
          streams[stream.headers["streamtype"] ?? ""] = stream
          if expected.isSubset(of: streams.keys) { return streams }
        }
        return nil
      }
      group.addTask {
        _ = try? await Task.sleep(for: Self.patience)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }

  /// JSON objects, one a line.
  private static func readSizes(_ stream: SPDYStream, into input: BoundedPipe<StreamInput>) async {
    var pending: [UInt8] = []
    while let bytes = await stream.read() {
      pending += bytes
      while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        if let size = TerminalSize.input(pending[..<end]) { await input.push(size, weight: 1) }
        pending.removeSubrange(...end)
      }
      if pending.count > 1024 { pending.removeAll() }
    }
  }
}
