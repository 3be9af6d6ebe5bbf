import KubernetesModels
import NIOCore
import Testing

@testable import KubernetesClient

struct WatchStreamTests {
  private static func frame(_ type: String, _ object: JSONValue) -> String {
    JSONValue.object(["type": .string(type), "object": object]).serializedString() + "\n"
  }

  private static let script =
    frame("ADDED", configMap("a", version: "1", data: ["text": "z\u{e4}hlt \u{1F600}"]))
    + frame("MODIFIED", configMap("a", version: "2")) + frame("SURPRISE", configMap("a", version: "3"))
    + frame("BOOKMARK", ["kind": "ConfigMap", "metadata": ["resourceVersion": "7"]])
    + frame("DELETED", configMap("a", version: "8"))

  private static func events(_ chunks: [String], idleTimeout: Duration? = nil) async throws -> [WatchEvent<ConfigMap>] {
    let client = KubernetesClient(transport: FakeTransport([.chunks(chunks)]))
    var events: [WatchEvent<ConfigMap>] = []
    for try await event in client.watch(ConfigMap.self, in: "rtx", options: .init(resourceVersion: "1")) {
      events.append(event)
    }
    return events
  }

  @Test func eventsAreTheSameWhereverTheBytesAreCut() async throws {
    let bytes = Array(Self.script.utf8)
    let whole = try await Self.events([Self.script])
    #expect(whole.count == 4)
    #expect(whole[0].object?.data?["text"] == "z\u{e4}hlt \u{1F600}")
    #expect(whole[2] == .bookmark(resourceVersion: "7", isEndOfInitialEvents: false))
    for cut in stride(from: 1, to: bytes.count, by: 3) {
      let client = KubernetesClient(
        transport: FakeTransport { _, _ in
          KubernetesResponse(
            status: 200,
            body: ResponseBody(
              AsyncStream<ByteBuffer> { continuation in
                continuation.yield(ByteBuffer(bytes: bytes[..<cut]))
                continuation.yield(ByteBuffer())
                continuation.yield(ByteBuffer(bytes: bytes[cut...]))
                continuation.finish()
              }))
        })
      var events: [WatchEvent<ConfigMap>] = []
      for try await event in client.watch(ConfigMap.self, in: "rtx") { events.append(event) }
      #expect(events == whole, "cut after \(cut) bytes")
    }
  }

  @Test func anExpiredVersionInTheStreamIsGone() async throws {
    let gone: JSONValue = ["kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"]
    await #expect {
      try await Self.events([Self.frame("ADDED", configMap("a")), Self.frame("ERROR", gone)])
    } throws: { ($0 as? KubernetesError)?.isGone == true }
  }

  @Test func anExpiredVersionAtTheDoorIsGone() async throws {
    let client = KubernetesClient(transport: FakeTransport([.refusal(410, "Expired")]))
    await #expect {
      for try await _ in client.watch(ConfigMap.self, in: "rtx") {}
    } throws: { ($0 as? KubernetesError)?.isGone == true }
  }

  @Test func aConnectionThatBreaksInsideAnEventIsNotAnEnd() async throws {
    let cut = String(Self.frame("ADDED", configMap("a")).dropLast(5))
    await #expect(throws: KubernetesError.self) { try await Self.events([cut]) }
  }

  @Test func optionsGoIntoTheQuery() async throws {
    let transport = FakeTransport([.chunks([])])
    let options = WatchOptions(labelSelector: "a=b", resourceVersion: "12", timeoutSeconds: 290)
    for try await _ in KubernetesClient(transport: transport).watch(ConfigMap.self, options: options) {}
    let request = try #require(transport.requests.first)
    #expect(
      request.target
        == "/api/v1/configmaps?watch=true&labelSelector=a%3Db&resourceVersion=12&timeoutSeconds=290"
        + "&allowWatchBookmarks=true")
    #expect(request.timeout == nil)
  }

  @Test func cancellingTheTaskEndsTheTransfer() async throws {
    let ended = Shared(false)
    let seen = Shared(0)
    let (chunks, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
    continuation.onTermination = { _ in ended.value = true }
    continuation.yield(ByteBuffer(string: Self.frame("ADDED", configMap("a"))))
    let client = KubernetesClient(
      transport: FakeTransport { _, _ in KubernetesResponse(status: 200, body: ResponseBody(chunks)) })
    let task = Task {
      for try await _ in client.watch(ConfigMap.self, in: "rtx") { seen.change { $0 += 1 } }
    }
    #expect(await eventually { seen.value == 1 })
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(await eventually { ended.value })
  }

  @Test func silenceBeyondTheIdleTimeOutIsAnError() async throws {
    let (chunks, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
    continuation.yield(ByteBuffer(string: Self.frame("ADDED", configMap("a"))))
    let client = KubernetesClient(
      transport: FakeTransport { _, _ in KubernetesResponse(status: 200, body: ResponseBody(chunks)) })
    var count = 0
    await #expect {
      for try await _ in client.watch(ConfigMap.self, in: "rtx", options: .init(idleTimeout: .milliseconds(50))) {
        count += 1
      }
    } throws: { error in
      if case .timeout = error as? KubernetesError { true } else { false }
    }
    #expect(count == 1)
  }

  @Test func aLineWithoutEndIsGivenUp() throws {
    var frames = LineFrames(limit: 10)
    frames.append(ByteBuffer(string: "12345"))
    #expect(try frames.next() == nil)
    frames.append(ByteBuffer(string: "67890\nab\r\nrest"))
    #expect(try frames.next() == Array("1234567890".utf8))
    #expect(try frames.next() == Array("ab".utf8))
    #expect(try frames.next() == nil)
    frames.append(ByteBuffer(string: "1234567"))
    #expect(throws: KubernetesError.self) { try frames.next() }
  }

  @Test func theEndOfTheInitialEventsIsMarked() async throws {
    let mark = Self.frame(
      "BOOKMARK",
      ["metadata": ["resourceVersion": "9", "annotations": ["k8s.io/initial-events-end": "true"]]])
    #expect(try await Self.events([mark]) == [.bookmark(resourceVersion: "9", isEndOfInitialEvents: true)])
    let transport = FakeTransport([.chunks([])])
    let client = KubernetesClient(transport: transport)
    for options in [WatchOptions(sendInitialEvents: true), .init(sendInitialEvents: false), .init()] {
      for try await _ in client.watch(ConfigMap.self, options: options) {}
    }
    #expect(
      transport.requests.map { $0.query.contains { $0 == ("resourceVersionMatch", "NotOlderThan") } }
        == [true, true, false])
  }

  @Test func anObjectThatDoesNotFitIsNamedAndTheWatchGoesOn() async throws {
    var broken = configMap("broken", version: "2")
    broken["data"] = 5
    let events = try await Self.events([
      Self.frame("ADDED", configMap("a")), Self.frame("MODIFIED", broken), Self.frame("ADDED", configMap("b")),
    ])
    #expect(events.compactMap { $0.object?.metadata.name } == ["a", "b"])
    guard events.count == 3, case .undecodable(let object) = events[1] else {
      Issue.record("\(events)")
      return
    }
    #expect((object.change, object.namespace, object.name) == (.modified, "rtx", "broken"))
    #expect(object.resourceVersion == "2")
    #expect("\(object)".contains("ConfigMap rtx/broken") && "\(object)".contains("data"))
  }

  @Test func aListNamesObjectsThatDoNotFitWhenAskedTo() async throws {
    var broken = configMap("broken")
    broken["data"] = 5
    let answer = JSONValue.object(["metadata": ["resourceVersion": "9"], "items": [broken, configMap("b")]])
    let client = KubernetesClient(transport: FakeTransport([.json(answer)]))
    let list = try await client.list(ConfigMap.self, options: ListOptions(reportsUndecodable: true))
    #expect(list.items.map(\.metadata.name) == ["b"])
    #expect(list.undecodable.map(\.name) == ["broken"])
    await #expect {
      _ = try await client.list(ConfigMap.self)
    } throws: { "\($0)".contains("ConfigMap rtx/broken") }
  }
}
