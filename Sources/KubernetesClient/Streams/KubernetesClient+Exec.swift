import KubernetesModels
import NIOCore

extension KubernetesClient {
  /// Starts a command in a container. The right to `create` the subresource `pods/exec` is needed, with older servers
  /// to `get` it.
  ///
  /// ```swift
  /// let process = try await client.exec(["sh", "-c", "cat; exit 3"], pod: "p", in: "n", options: .init(input: true))
  /// try await process.write(Array("hello".utf8))
  /// try await process.closeInput()
  /// for try await case .standardOutput(let bytes) in process.output { print(String(buffer: bytes)) }
  /// let exit = try await process.waitUntilExit()
  /// ```
  /// - Throws: ``KubernetesError``: pods, containers and rights that are missing are told here. A program that is not
  ///   in the image is told by ``RemoteProcess/waitUntilExit()``.
  public func exec(
    _ command: [String], pod name: String, in namespace: String, options: ExecOptions = .init()
  ) async throws -> RemoteProcess {
    guard !command.isEmpty else {
      throw KubernetesError.invalidRequest("exec in \(namespace)/\(name): the command is empty; name a program")
    }
    let words = command.map { (name: "command", value: $0) }
    return try await process("exec", name, namespace, options.query + words)
  }

  /// Connects to what runs in a container already: its output from now on and, where the container has `stdin`, its
  /// input. The right to `create` (with older servers: `get`) `pods/attach` is needed.
  /// - Throws: ``KubernetesError``.
  public func attach(
    pod name: String, in namespace: String, options: ExecOptions = .init()
  ) async throws -> RemoteProcess {
    try await process("attach", name, namespace, options.query)
  }

  /// Runs a command to its end and gives what it printed. A command that fails is a result, not an error.
  /// - Parameters:
  ///   - input: what it gets on its standard input, which is then closed.
  ///   - limit: bytes of output that are taken into memory.
  /// - Throws: ``KubernetesError``; ``KubernetesError/decoding(_:)`` when it prints more than `limit`.
  public func run(
    _ command: [String], pod name: String, in namespace: String, container: String? = nil, input: [UInt8]? = nil,
    limit: Int = 16 << 20
  ) async throws -> CommandResult {
    let options = ExecOptions(container: container, input: input != nil)
    let process = try await exec(command, pod: name, in: namespace, options: options)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      // Also ends a write that waits for a command that does not read.
      defer { process.close() }
      // At the same time as reading: a command that prints while it reads would otherwise wait for us for ever.
      if let input {
        group.addTask {
          do {
            try await process.write(input)
            try await process.closeInput()
          } catch KubernetesError.transport {
            // A command may end without having read all of its input; its result tells what came of it.
          }
        }
      }
      var result = CommandResult(exit: ProcessExit(code: 0), standardOutput: [], standardError: [])
      for try await output in process.output {
        switch output {
        case .standardOutput(let bytes): result.standardOutput += bytes.readableBytesView
        case .standardError(let bytes): result.standardError += bytes.readableBytesView
        }
        guard result.standardOutput.count + result.standardError.count <= limit else {
          throw KubernetesError.decoding(
            "\(command[0]) in \(namespace)/\(name) printed more than \(limit) bytes; read its output as it comes")
        }
      }
      result.exit = try await process.waitUntilExit()
      // The command is over: input that it did not take has nowhere to go.
      group.cancelAll()
      return result
    }
  }

  private func process(
    _ subresource: String, _ name: String, _ namespace: String, _ query: [(name: String, value: String)]
  ) async throws -> RemoteProcess {
    let path = try ResourcePath.object(.pods, name: name, namespace: namespace, subresource: subresource)
    let connection = try await connected(
      request(.get, path, query: query), subprotocols: [ChannelMessage.v5, ChannelMessage.v4])
    return RemoteProcess(connection: connection, what: "\(subresource) in \(namespace)/\(name)")
  }

  /// Opens a stream, after its turn under the rate limit.
  func connected(_ request: KubernetesRequest, subprotocols: [String]) async throws -> MessageConnection {
    var request = request
    request.headers = [(name: "Accept", value: "*/*")]
    try await limiter?.wait()
    return try await transport.connect(request, subprotocols: subprotocols)
  }
}

extension ResourceType {
  static let pods = ResourceType(group: "", version: "v1", kind: "Pod", plural: "pods", isNamespaced: true)
}
