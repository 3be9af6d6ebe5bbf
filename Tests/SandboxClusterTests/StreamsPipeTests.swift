import KubernetesClient
import KubernetesModels
import Synchronization
import Testing

@testable import SandboxCluster

@Suite struct StreamsPipeTests {
  @Test(.timeLimit(.minutes(1))) func aFullPipeHoldsTheProducerBack() async throws {
    let pipe = BoundedPipe<Int>(limit: 2)
    let pushed = Mutex(0)
    let producer = Task {
      for number in 0..<10 {
        await pipe.push(number, weight: 1)
        pushed.withLock { $0 += 1 }
      }
      pipe.finish()
    }
    var received: [Int] = []
    while let number = await pipe.next() {
      received.append(number)
      // Two in the pipe, one on its way in.
      #expect(pushed.withLock { $0 } <= received.count + 3)
    }
    await producer.value
    #expect(received == Array(0..<10))
  }

  @Test(.timeLimit(.minutes(1))) func cancellationWakesAWaitingConsumer() async {
    let pipe = BoundedPipe<Int>(limit: 1)
    let consumer = Task { await pipe.next() }
    consumer.cancel()
    #expect(await consumer.value == nil)
  }

  @Test(.timeLimit(.minutes(1))) func finishingFreesAWaitingProducer() async {
    let pipe = BoundedPipe<Int>(limit: 0)
    let producer = Task { await pipe.push(1, weight: 1) }
    pipe.finish(discarding: true)
    _ = await producer.value
    #expect(await pipe.next() == nil)
    #expect(await pipe.push(2, weight: 1) == false)
  }

  private func request(
    _ query: [(name: String, value: String)], headers: [(name: String, value: String)] = [],
    subresource: StreamRequest.Subresource = .exec, containers: JSONValue = [["name": "a"]]
  ) -> StreamRequest {
    StreamRequest(
      subresource: subresource, namespace: "n", podName: "p", pod: ["spec": ["containers": containers]], method: .get,
      path: "", query: query, headers: headers, user: .admin)
  }

  @Test func commandsAreReadFromTheQuery() throws {
    let command = try RemoteCommand(
      request([
        ("command", "sh"), ("command", "-c"), ("stdin", "true"), ("stdout", "1"), ("stderr", "true"), ("tty", "true"),
      ]))
    #expect(command.command == ["sh", "-c"])
    #expect(command.container == "a")
    #expect(command.stdin && command.stdout && command.tty)
    #expect(!command.stderr)  // a terminal has one output
  }

  @Test func aChoiceOfContainersMustBeMade() {
    let error = #expect(throws: PodStreamError.self) {
      try RemoteCommand(request([("command", "x"), ("stdout", "true")], containers: [["name": "a"], ["name": "b"]]))
    }
    #expect(error?.message == "a container name must be specified for pod p, choose one of: [a b]")
  }

  @Test func unknownProtocolsAreRefusedBeforeTheUpgrade() async throws {
    let headers = [
      ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"),
      ("Sec-WebSocket-Protocol", "chat"),
    ]
    let decision = await PodStreamServer(backend: ScriptedBackend()).decide(
      request([("command", "x"), ("stdout", "true")], headers: headers.map { (name: $0.0, value: $0.1) }))
    guard case .refuse(let response) = decision else {
      Issue.record("accepted")
      return
    }
    #expect(response.status == 400)
  }

  @Test func theAcceptValueIsThatOfRFC6455() {
    #expect(WebSocketUpgrade.acceptValue(for: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }

  @Test func exitCodesBecomeStatusCauses() {
    #expect(CommandStatus.exit(0)["status"] == "Success")
    let failed = CommandStatus.exit(3)
    #expect(failed["reason"] == "NonZeroExitCode")
    #expect(failed.value(at: ["details", "causes"]) == [["reason": "ExitCode", "message": "3"]])
  }
}
