import Synchronization

@testable import SandboxCluster

/// A pod that understands a handful of commands, without a container.
struct ScriptedBackend: PodStreamBackend {
  private static var nothing: AsyncStream<StreamInput> { AsyncStream(unfolding: { nil }) }

  func exec(
    namespace: String, pod: String, container: String, command: [String], tty: Bool,
    stdin: AsyncStream<StreamInput>?, output: @escaping @Sendable (StreamOutput) async throws -> Void
  ) async throws -> Int32 {
    switch command.first {
    case "cat":
      for await input in stdin ?? Self.nothing {
        if case .data(let bytes) = input { try await output(.stdout(bytes)) }
        if input == .close { break }
      }
      return 0
    case "exit":
      try await output(.stdout(Array("out\n".utf8)))
      try await output(.stderr(Array("err\n".utf8)))
      return Int32(command[1]) ?? 0
    case "big":
      let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 10_000)
      for _ in 0..<(Int(command[1]) ?? 0) / chunk.count { try await output(.stdout(chunk)) }
      return 0
    case "size":
      for await input in stdin ?? Self.nothing {
        guard case .resize(let width, let height) = input else { continue }
        try await output(.stdout(Array("\(width)x\(height)\n".utf8)))
        return 0
      }
      return 1
    default: throw PodStreamError(.badRequest, "no such command: \(command)")
    }
  }

  func attach(
    namespace: String, pod: String, container: String, tty: Bool,
    stdin: AsyncStream<StreamInput>?, output: @escaping @Sendable (StreamOutput) async throws -> Void
  ) async throws -> Int32 {
    try await output(.stdout(Array("attached to \(container)\n".utf8)))
    return 0
  }

  func connect(namespace: String, pod: String, port: Int) async throws -> any DuplexBytes {
    guard port == 80 else { throw PodStreamError(.internalError, "nobody listens on port \(port)") }
    return Echo()
  }

  /// Sends back what it gets, in its own time, and ends when the client does.
  private final class Echo: DuplexBytes {
    private let pipe = BoundedPipe<[UInt8]>(limit: 64 * 1024)
    func read() async throws -> [UInt8]? { await pipe.next() }
    func write(_ bytes: [UInt8]) async throws { await pipe.push(bytes, weight: bytes.count) }
    func closeWrite() async throws { pipe.finish() }
    func close() async { pipe.finish(discarding: true) }
  }
}
