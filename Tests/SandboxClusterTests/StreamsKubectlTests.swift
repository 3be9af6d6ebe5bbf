import Foundation
import KubernetesModels
import NIOCore
import NIOPosix
import Testing

@testable import SandboxCluster

private let kubectl = onPath("kubectl")

/// exec, attach and port-forward by stock kubectl over TLS, in both of its ways: WebSocket and SPDY/3.1.
@Suite(.enabled(if: kubectl != nil, "needs kubectl"), .serialized) struct StreamsKubectlTests {
  /// `true` is WebSocket.
  private static let ways = [true, false]

  private struct Outcome {
    var code: Int32
    var output: Data
    var errors: String
    var text: String { String(decoding: output, as: UTF8.self) }
  }

  private struct Kubectl: Sendable {
    var config: String
    var overWebSocket: Bool

    func process(_ arguments: [String]) throws -> Process {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: try #require(kubectl))
      process.arguments = ["--kubeconfig", config, "--cache-dir", config + ".cache"] + arguments
      var environment = ProcessInfo.processInfo.environment
      environment["KUBECTL_REMOTE_COMMAND_WEBSOCKETS"] = overWebSocket ? "true" : "false"
      environment["KUBECTL_PORT_FORWARD_WEBSOCKETS"] = overWebSocket ? "true" : "false"
      process.environment = environment
      return process
    }

    func run(_ arguments: String, input: Data = Data()) async throws -> Outcome {
      try await Self.run(try process(arguments.split(separator: " ").map(String.init)), input: input)
    }

    func run(_ program: String, _ arguments: [String]) async throws -> Outcome {
      let process = try process([])
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments = arguments
      return try await Self.run(process, input: Data())
    }

    private static func run(_ process: Process, input: Data) async throws -> Outcome {
      let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
      (process.standardInput, process.standardOutput, process.standardError) = (stdin, stdout, stderr)
      try process.run()
      async let output = read(stdout)
      async let errors = read(stderr)
      await write(input, to: stdin)
      let outcome = await Outcome(code: 0, output: output, errors: String(decoding: errors, as: UTF8.self))
      process.waitUntilExit()
      return Outcome(code: process.terminationStatus, output: outcome.output, errors: outcome.errors)
    }

    private static func read(_ pipe: Pipe) async -> Data {
      await withCheckedContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(returning: pipe.fileHandleForReading.readDataToEndOfFile()) }
      }
    }

    private static func write(_ data: Data, to pipe: Pipe) async {
      await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        DispatchQueue.global().async {
          try? pipe.fileHandleForWriting.write(contentsOf: data)
          try? pipe.fileHandleForWriting.close()
          continuation.resume()
        }
      }
    }
  }

  private func withPod(_ overWebSocket: Bool, _ body: (Kubectl) async throws -> Void) async throws {
    let server = try APIServer()
    server.setUpgradeHandler(PodStreamServer(backend: ScriptedBackend()))
    let wire = Wire(server)
    _ = try await wire.create("/api/v1/namespaces/default/pods", pod("p", node: "n"))
    _ = try await wire.patch("/api/v1/namespaces/default/pods/p/status", ["status": ["phase": "Running"]])
    let frontEnd = APIServerFrontEnd(server: server)
    let port = try await frontEnd.bind(host: "127.0.0.1", port: 0)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("streams-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let config = folder.appendingPathComponent("config").path
    try server.adminKubeconfig(server: "https://127.0.0.1:\(port)")
      .write(toFile: config, atomically: true, encoding: .utf8)
    do {
      try await body(Kubectl(config: config, overWebSocket: overWebSocket))
    } catch {
      try? await frontEnd.shutdown()
      throw error
    }
    try await frontEnd.shutdown()
    try? FileManager.default.removeItem(at: folder)
  }

  @Test(.timeLimit(.minutes(1)), arguments: ways) func execSendsInputToItsEndAndBack(overWebSocket: Bool) async throws {
    try await withPod(overWebSocket) { kubectl in
      let input = Data((0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
      let outcome = try await kubectl.run("exec -i p -- cat", input: input)
      #expect(outcome.output == input)
      #expect(outcome.code == 0)
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: ways) func execReportsExitCodeAndSeparateOutputs(overWebSocket: Bool)
    async throws
  {
    try await withPod(overWebSocket) { kubectl in
      let outcome = try await kubectl.run("exec p -- exit 7")
      #expect(outcome.text == "out\n")
      #expect(outcome.errors.contains("err\n"))
      #expect(outcome.errors.contains("command terminated with exit code 7"))
      #expect(outcome.code == 7)
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: ways) func outputOfAnySizeArrivesWhole(overWebSocket: Bool) async throws {
    try await withPod(overWebSocket) { kubectl in
      let outcome = try await kubectl.run("exec p -- big 5000000")
      #expect(outcome.output.count == 5_000_000)
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: ways) func failuresReachTheUser(overWebSocket: Bool) async throws {
    try await withPod(overWebSocket) { kubectl in
      let unknownCommand = try await kubectl.run("exec p -- dance")
      #expect(unknownCommand.errors.contains("no such command"))
      #expect(unknownCommand.code == 1)
      let unknownContainer = try await kubectl.run("exec p -c nope -- cat")
      #expect(unknownContainer.errors.contains("container nope is not valid for pod p"))
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: ways) func attachReadsTheContainer(overWebSocket: Bool) async throws {
    try await withPod(overWebSocket) { kubectl in
      let outcome = try await kubectl.run("attach p")
      #expect(outcome.text.contains("attached to main"))
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: ways) func portForwardCarriesConnections(overWebSocket: Bool) async throws {
    try await withPod(overWebSocket) { kubectl in
      let process = try kubectl.process(["port-forward", "pod/p", ":80"])
      let (stdout, stderr) = (Pipe(), Pipe())
      (process.standardOutput, process.standardError) = (stdout, stderr)
      try process.run()
      defer { process.terminate() }
      let line = try await Self.line(of: stdout)
      let port = try #require(
        line.split(separator: ":").dropFirst().first?.split(separator: " ").first.flatMap { Int($0) })
      for size in [5, 300_000] {
        let sent = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        #expect(try await Self.exchange(sent, port: port) == sent)
      }
    }
  }

  @Test(
    .timeLimit(.minutes(1)), .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script")),
    arguments: ways)
  func theTerminalsSizeReachesTheProcess(overWebSocket: Bool) async throws {
    try await withPod(overWebSocket) { kubectl in
      let inner = try kubectl.process(["exec", "-it", "p", "--", "size"])
      let words = ["stty cols 91 rows 17;", try #require(inner.executableURL).path] + (inner.arguments ?? [])
      let outcome = try await kubectl.run(
        "/usr/bin/script", ["-qec", words.joined(separator: " "), "/dev/null"])
      #expect(outcome.text.contains("91x17"))
    }
  }

  /// The Python that has the official client, if any: `KUBERNETES_PYTHON`, else the system's.
  private static let python: String? = {
    let path = ProcessInfo.processInfo.environment["KUBERNETES_PYTHON"] ?? "/usr/bin/python3"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = ["-c", "import kubernetes"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    process.waitUntilExit()
    return process.terminationStatus == 0 ? path : nil
  }()

  private static let script = """
    import sys
    from kubernetes import client, config
    from kubernetes.stream import stream, portforward
    config.load_kube_config(sys.argv[1])
    api = client.CoreV1Api()
    s = stream(api.connect_get_namespaced_pod_exec, 'p', 'default', command=['exit', '3'], stdin=False, stdout=True,
               stderr=True, tty=False, _preload_content=False)
    s.run_forever(timeout=20)
    print(repr(s.read_stdout()), repr(s.read_stderr()), s.returncode)
    s = stream(api.connect_get_namespaced_pod_exec, 'p', 'default', command=['cat'], stdin=True, stdout=True,
               stderr=False, tty=False, _preload_content=False)
    s.write_stdin('hello\\n')
    print(repr(s.readline_stdout(timeout=20)))
    s.close()
    forward = portforward(api.connect_get_namespaced_pod_portforward, 'p', 'default', ports='80')
    socket = forward.socket(80)
    socket.settimeout(20)
    socket.sendall(b'x' * 100000)
    received = b''
    while len(received) < 100000:
        received += socket.recv(65536)
    socket.close()
    print(len(received), forward.error(80))
    """

  @Test(.timeLimit(.minutes(1)), .enabled(if: python != nil, "needs the Python client"))
  func thePythonClientExecutesAndForwards() async throws {
    try await withPod(true) { kubectl in
      let outcome = try await kubectl.run(try #require(Self.python), ["-c", Self.script, kubectl.config])
      #expect(outcome.text == "'out\\n' 'err\\n' 3\n'hello'\n100000 None\n", Comment(rawValue: outcome.errors))
    }
  }

  private static func line(of pipe: Pipe) async throws -> String {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        var text = ""
        while !text.contains("\n") {
          let data = pipe.fileHandleForReading.availableData
          if data.isEmpty { break }
          text += String(decoding: data, as: UTF8.self)
        }
        continuation.resume(returning: text)
      }
    }
  }

  /// Sends bytes, closes its half, and reads to the end.
  private static func exchange(_ bytes: [UInt8], port: Int) async throws -> [UInt8] {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      async let sending: Void = {
        try await outbound.write(ByteBuffer(bytes: bytes))
        outbound.finish()
      }()
      var received: [UInt8] = []
      for try await chunk in inbound {
        received += chunk.readableBytesView
        if received.count >= bytes.count { break }
      }
      try await sending
      return received
    }
  }
}
