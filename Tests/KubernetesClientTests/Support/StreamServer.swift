import Foundation
import KubernetesModels
import SandboxCluster

@testable import KubernetesClient

/// The sandbox's API server on a port of its own, with one pod that understands a handful of commands.
struct StreamServer {
  static let namespace = "default"
  let server: APIServer
  let frontEnd: APIServerFrontEnd
  var configuration: ClusterConfiguration

  /// - Parameter isOld: whether it speaks only `v4.channel.k8s.io`, as API servers before 1.30 do.
  static func with<Result: Sendable>(
    isOld: Bool = false, _ body: (StreamServer) async throws -> Result
  ) async throws -> Result {
    let server = try APIServer()
    let streams = PodStreamServer(backend: CommandBackend())
    server.setUpgradeHandler(isOld ? OldUpgrades(base: streams) : streams)
    let frontEnd = APIServerFrontEnd(server: server)
    let port = try await frontEnd.bind(host: "127.0.0.1", port: 0)
    let folder = try TemporaryFolder()
    let file = try folder.write("config", server.adminKubeconfig(server: "https://127.0.0.1:\(port)"))
    let started = StreamServer(server: server, frontEnd: frontEnd, configuration: try .kubeconfig(file))
    let pod: JSONValue = [
      "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p", "namespace": "default"],
      "spec": ["containers": [["name": "main", "image": "example:1"]]],
    ]
    try await server.client().create(.pods, DynamicObject(pod))
    let outcome: Swift.Result<Result, any Error>
    do { outcome = .success(try await body(started)) } catch { outcome = .failure(error) }
    try await frontEnd.shutdown()
    return try outcome.get()
  }

  func withClient<Result: Sendable>(_ body: (KubernetesClient) async throws -> Result) async throws -> Result {
    let client = try KubernetesClient(configuration: configuration)
    let outcome: Swift.Result<Result, any Error>
    do { outcome = .success(try await body(client)) } catch { outcome = .failure(error) }
    try await client.shutdown()
    return try outcome.get()
  }
}

/// Does not know what is newer than v4.
private struct OldUpgrades: UpgradeHandler {
  let base: PodStreamServer

  func decide(_ request: StreamRequest) async -> UpgradeDecision {
    var request = request
    request.headers = request.headers.map { header in
      guard header.name.lowercased() == "sec-websocket-protocol" else { return header }
      return (header.name, header.value.split(separator: ",").filter { !$0.contains("v5.") }.joined(separator: ","))
    }
    return await base.decide(request)
  }
}

/// A pod without a container.
private struct CommandBackend: PodStreamBackend {
  func exec(
    namespace: String, pod: String, container: String, command: [String], tty: Bool,
    stdin: AsyncStream<StreamInput>?, output: @escaping @Sendable (StreamOutput) async throws -> Void
  ) async throws -> Int32 {
    switch command.first {
    case "cat":
      for await input in stdin ?? AsyncStream(unfolding: { nil }) {
        if case .data(let bytes) = input { try await output(.stdout(bytes)) }
        if input == .close { return 0 }
      }
      return 1
    case "fail":
      try await output(.stdout(Array("out".utf8)))
      try await output(.stderr(Array("err".utf8)))
      return Int32(command[1]) ?? 0
    case "flood":
      let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 10_000)
      for _ in 0..<(Int(command[1]) ?? 0) / chunk.count { try await output(.stdout(chunk)) }
      return 0
    case "size":
      for await case .resize(let width, let height) in stdin ?? AsyncStream(unfolding: { nil }) {
        try await output(.stdout(Array("\(width)x\(height)".utf8)))
        return 0
      }
      return 1
    case "deaf":
      let (nothing, never) = AsyncStream.makeStream(of: Void.self)
      defer { never.finish() }
      // Until it is cancelled.
      for await _ in nothing {}
      return 0
    default: throw PodStreamError(.badRequest, "no such program: \(command)")
    }
  }

  func attach(
    namespace: String, pod: String, container: String, tty: Bool, stdin: AsyncStream<StreamInput>?,
    output: @escaping @Sendable (StreamOutput) async throws -> Void
  ) async throws -> Int32 {
    try await output(.stdout(Array("attached to \(container)".utf8)))
    return 0
  }

  func connect(namespace: String, pod: String, port: Int) async throws -> any DuplexBytes {
    guard port == 80 else { throw PodStreamError(.internalError, "nobody listens on port \(port)") }
    return Echo()
  }

  private struct Echo: DuplexBytes {
    private let stream = AsyncStream.makeStream(of: [UInt8].self)

    func read() async throws -> [UInt8]? {
      for await bytes in stream.stream { return bytes }
      return nil
    }
    func write(_ bytes: [UInt8]) async throws { stream.continuation.yield(bytes) }
    func closeWrite() async throws { stream.continuation.finish() }
    func close() async { stream.continuation.finish() }
  }
}
