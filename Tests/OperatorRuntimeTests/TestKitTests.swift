import Foundation
import KubernetesClient
import KubernetesModels
import OperatorTestKit
import Testing

/// The test kit does what it says, or tests that lean on it prove nothing.
@Suite(.timeLimit(.minutes(1))) struct TestKitTests {
  let server: TestAPIServer
  let faults: FaultInjector
  let client: KubernetesClient

  init() throws {
    server = try TestAPIServer()
    faults = FaultInjector(server.transport)
    var client = KubernetesClient(transport: faults)
    client.retryPolicy = RetryPolicy(maximumAttempts: 1)
    self.client = client
  }

  func events(_ fault: Fault?, atMost count: Int = 4) async throws -> [String] {
    faults.setPlan { _ in fault }
    var seen: [String] = []
    let stream = client.watch(ConfigMap.self, in: "default", options: WatchOptions(timeoutSeconds: 1))
    for try await event in stream {
      switch event {
      case .added(let map) where map.metadata.name != "kube-root-ca.crt": seen.append(map.metadata.name ?? "")
      default: break
      }
      if seen.count == count { break }
    }
    return seen
  }

  @Test func requestThatIsDroppedNeverHappensAndOneWhoseAnswerIsLostDoes() async throws {
    faults.setPlan { _ in .drop }
    await #expect(throws: KubernetesError.self) { try await client.create(ConfigMap.configMap("dropped")) }
    faults.setPlan { _ in .loseAnswer }
    await #expect(throws: KubernetesError.self) { try await client.create(ConfigMap.configMap("done")) }
    #expect(try await server.client.getIfPresent(ConfigMap.self, "dropped", in: "default") == nil)
    #expect(try await server.client.getIfPresent(ConfigMap.self, "done", in: "default") != nil)
    #expect(faults.writes.count == 2)
  }

  @Test(arguments: Fault.Refusal.allCases) func refusalIsWhatTheServerWouldSay(_ refusal: Fault.Refusal) async throws {
    faults.setPlan { _ in .refuse(refusal, retryAfterSeconds: 3) }
    do {
      _ = try await client.get(ConfigMap.self, "a", in: "default")
      Issue.record("was not refused")
    } catch let error as KubernetesError {
      #expect(error.statusCode == refusal.rawValue)
      #expect(error.retryAfter == .seconds(3))
      #expect(error.isGone == (refusal == .gone))
      #expect(error.isConflict == (refusal == .conflict))
    }
  }

  @Test func streamsBreakCloseExpireAndRepeat() async throws {
    for name in ["a", "b"] { try await server.client.create(ConfigMap.configMap(name)) }
    #expect(try await events(nil, atMost: 2) == ["a", "b"])
    #expect(try await events(.duplicate) == ["a", "a", "b", "b"])
    #expect(try await events(.close(afterChunks: 0)).isEmpty)
    await #expect(throws: KubernetesError.self) { _ = try await events(.truncate(afterChunks: 0)) }
    do {
      _ = try await events(.expire(afterChunks: 1))
      Issue.record("did not expire")
    } catch let error as KubernetesError {
      #expect(error.isGone)
    }
  }

  @Test func serverIsReachedOverTLSWithItsKubeconfig() async throws {
    let (url, kubeconfig) = try await server.serve()
    #expect(url.hasPrefix("https://127.0.0.1:"))
    let file = FileManager.default.temporaryDirectory.appending(path: "kubeconfig-\(UUID().uuidString)")
    try kubeconfig.write(to: file, atomically: true, encoding: .utf8)
    let remote = try KubernetesClient(configuration: .kubeconfig(file.path))
    try await remote.create(build(ConfigMap.configMap("remote")) { $0.metadata.labels = ["a": "b"] })
    #expect(try await server.client.get(ConfigMap.self, "remote", in: "default").metadata.labels == ["a": "b"])
    try await remote.shutdown()
    try await server.stop()
    try FileManager.default.removeItem(at: file)
  }

  @Test func clockMovesOnlyWhenItIsToldTo() async throws {
    let clock = TestClock()
    let woken = Shared<[Int]>([])
    let sleepers = [3, 1, 2].map { seconds in
      Task {
        try await clock.sleep(until: clock.now.advanced(by: .seconds(seconds)), tolerance: nil)
        woken.update { $0.append(seconds) }
      }
    }
    #expect(await eventually { clock.sleeperCount == 3 })
    await clock.advance(by: .seconds(2))
    #expect(woken.value == [1, 2])
    await clock.advance(by: .seconds(1))
    for sleeper in sleepers { try await sleeper.value }
    #expect(woken.value == [1, 2, 3])
  }
}
