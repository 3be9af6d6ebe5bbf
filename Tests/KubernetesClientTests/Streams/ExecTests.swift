import KubernetesModels
import NIOCore
import Testing

@testable import KubernetesClient

/// exec, attach and port-forward against the sandbox's API server, over TLS.
@Suite(.timeLimit(.minutes(2))) struct ExecTests {
  @Test func aCommandTellsOutputErrorsAndExitCode() async throws {
    try await StreamServer.with { server -> Void in
      try await server.withClient { client -> Void in
        let result = try await client.run(["fail", "3"], pod: "p", in: "default")
        #expect(result.outputText == "out" && result.errorText == "err")
        #expect(result.exit == ProcessExit(code: 3) && !result.exit.isSuccess)
        #expect(try await client.run(["fail", "0"], pod: "p", in: "default").exit.isSuccess)
      }
    }
  }

  @Test func inputIsWrittenAndClosed() async throws {
    try await StreamServer.with { server -> Void in
      try await server.withClient { client -> Void in
        // More than all buffers on the way hold: reading and writing have to go on at the same time.
        let input = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let result = try await client.run(["cat"], pod: "p", in: "default", input: input)
        #expect(result.exit.isSuccess && result.standardOutput == input)
      }
    }
  }

  @Test func aServerThatSpeaksOnlyV4IsUnderstood() async throws {
    try await StreamServer.with(isOld: true) { server -> Void in
      try await server.withClient { client -> Void in
        #expect(try await client.run(["fail", "7"], pod: "p", in: "default").exit.code == 7)
        let process = try await client.exec(["cat"], pod: "p", in: "default", options: .init(input: true))
        #expect(!process.canCloseInput)
        await #expect {
          try await process.closeInput()
        } throws: { "\($0)".contains("v4.channel.k8s.io cannot close") }
        try await process.write(Array("hello".utf8))
        var output = process.output.makeAsyncIterator()
        #expect(try await output.next() == .standardOutput(ByteBuffer(string: "hello")))
      }
    }
  }

  @Test func aTerminalKnowsItsSize() async throws {
    try await StreamServer.with { server -> Void in
      try await server.withClient { client -> Void in
        let process = try await client.exec(
          ["size"], pod: "p", in: "default", options: .init(input: true, terminal: true))
        try await process.resize(to: TerminalSize(width: 132, height: 43))
        var output = process.output.makeAsyncIterator()
        #expect(try await output.next() == .standardOutput(ByteBuffer(string: "132x43")))
        #expect(try await process.waitUntilExit().isSuccess)
      }
    }
  }

  @Test func aSlowReaderHoldsTheCommandBack() async throws {
    try await StreamServer.with { server -> Void in
      try await server.withClient { client -> Void in
        let process = try await client.exec(["flood", "20000000"], pod: "p", in: "default")
        var count = 0
        for try await case .standardOutput(let bytes) in process.output {
          // Not for anything to happen meanwhile: this is the slowness of the reader.
          if count == 0 { try await Task.sleep(for: .milliseconds(100)) }
          count += bytes.readableBytes
        }
        #expect(count == 20_000_000)
        #expect(try await process.waitUntilExit().isSuccess)
        await #expect {
          _ = try await client.run(["flood", "200000"], pod: "p", in: "default", limit: 100_000)
        } throws: { "\($0)".contains("more than 100000 bytes") }
      }
    }
  }

  @Test func attachSeesTheMainProcess() async throws {
    try await StreamServer.with { server -> Void in
      try await server.withClient { client -> Void in
        let process = try await client.attach(pod: "p", in: "default")
        var text = ""
        for try await case .standardOutput(let bytes) in process.output { text += String(buffer: bytes) }
        #expect(text == "attached to main")
      }
    }
  }

  @Test func refusalsAreTheServersOwn() async throws {
    try await StreamServer.with { server -> Void in
      try await server.withClient { client -> Void in
        await #expect {
          _ = try await client.exec(["cat"], pod: "nobody", in: "default")
        } throws: { ($0 as? KubernetesError)?.isNotFound == true }
        await #expect {
          _ = try await client.exec(["cat"], pod: "p", in: "default", options: .init(container: "other"))
        } throws: { "\($0)".contains("container other is not valid for pod p") }
        await #expect {
          _ = try await client.run(["nonsense"], pod: "p", in: "default")
        } throws: { "\($0)".contains("no such program") }
        await #expect {
          _ = try await client.exec([], pod: "p", in: "default")
        } throws: { "\($0)".contains("name a program") }
      }
      var stranger = server
      stranger.configuration.credentials = Credentials(bearer: .token("nonsense"))
      try await stranger.withClient { client -> Void in
        await #expect {
          _ = try await client.exec(["cat"], pod: "p", in: "default")
        } throws: { ($0 as? KubernetesError)?.isUnauthorized == true }
      }
    }
  }

  @Test func cancellingEndsAWaitingReader() async throws {
    try await StreamServer.with { server -> Void in
      try await server.withClient { client -> Void in
        let process = try await client.exec(["deaf"], pod: "p", in: "default")
        // Cancelled before, while or after it begins to wait: it ends in each case.
        let reader = Task { try await process.waitUntilExit() }
        await Task.yield()
        reader.cancel()
        await #expect(throws: CancellationError.self) { try await reader.value }
        process.close()
        await #expect(throws: KubernetesError.self) { try await process.waitUntilExit() }
      }
    }
  }

  @Test func aPortIsReached() async throws {
    try await StreamServer.with { server -> Void in
      try await server.withClient { client -> Void in
        let connection = try await client.connect(toPort: 80, pod: "p", in: "default")
        let sent = ByteBuffer(repeating: 7, count: 100_000)
        try await connection.send(sent)
        var received = ByteBuffer()
        while received.readableBytes < 100_000, var bytes = try await connection.receive() {
          received.writeBuffer(&bytes)
        }
        #expect(received == sent)
        connection.close()
        let dead = try await client.connect(toPort: 81, pod: "p", in: "default")
        await #expect {
          while try await dead.receive() != nil {}
        } throws: { "\($0)".contains("nobody listens on port 81") }
        await #expect(throws: KubernetesError.self) { _ = try await client.connect(toPort: 0, pod: "p", in: "default") }
      }
    }
  }

  @Test func aLocalPortLeadsIntoThePod() async throws {
    try await StreamServer.with { server -> Void in
      try await server.withClient { client -> Void in
        let answers = try await client.forwardingPort(80, pod: "p", in: "default") { port in
          try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<5 {
              group.addTask { try await TCPClient.exchange("hello \(number)", port: port) }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
          }
        }
        #expect(answers == Set((0..<5).map { "hello \($0)" }))
      }
    }
  }

  @Test(arguments: ProxyAddress.Scheme.allCases, [nil, "me:s3cret"]) func streamsAndRequestsGoThroughAProxy(
    _ scheme: ProxyAddress.Scheme, login: String?
  ) async throws {
    try await StreamServer.with { server -> Void in
      var server = server
      let tls = scheme == .https ? try server.tlsOfAServer() : nil
      let proxy = try await TestProxy(scheme == .socks5 ? .socks5 : .http, login: login, tls: tls)
      let address = scheme == .https ? "localhost" : "127.0.0.1"
      server.configuration.tlsServerName = "kubernetes.default.svc"
      server.configuration.proxyURL = "\(scheme.rawValue)://\(login.map { $0 + "@" } ?? "")\(address):\(proxy.port)"
      try await server.withClient { client -> Void in
        let pod = try await client.get(Pod.self, "p", in: "default")
        let result = try await client.run(["fail", "4"], pod: "p", in: "default")
        #expect(pod.metadata.name == "p" && result.exit.code == 4)
      }
      let port = try #require(server.configuration.server.split(separator: ":").last)
      #expect(proxy.asked.value.count >= 2 && Set(proxy.asked.value) == ["127.0.0.1:\(port)"])
      if login != nil {
        server.configuration.proxyURL = "\(scheme.rawValue)://me:wrong@\(address):\(proxy.port)"
        try await server.withClient { client -> Void in
          await #expect {
            _ = try await client.exec(["cat"], pod: "p", in: "default")
          } throws: { error in
            guard case .transport(let failure) = error as? KubernetesError else { return false }
            return failure.message.contains("the proxy") && !failure.message.contains("wrong")
          }
          await #expect(throws: KubernetesError.self) { _ = try await client.get(Pod.self, "p", in: "default") }
        }
      }
      try await proxy.close()
    }
  }
}
