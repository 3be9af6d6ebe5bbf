import Foundation
import KubernetesModels
import NIOHTTP1
import Testing

@testable import KubernetesClient

/// What only a real socket shows: time-outs, pools, closing and errors of the network.
struct HTTPTransportTests {
  private static let answer = configMap("a").serializedString()

  private static func withClient<T: Sendable>(
    _ configuration: ClusterConfiguration, _ work: (KubernetesClient) async throws -> T
  ) async throws -> T {
    let client = try KubernetesClient(configuration: configuration)
    let result: Result<T, any Error>
    do { result = .success(try await work(client)) } catch { result = .failure(error) }
    try await client.shutdown()
    return try result.get()
  }

  private static func failure(_ work: () async throws -> Void) async -> KubernetesError? {
    do { try await work() } catch { return error as? KubernetesError }
    return nil
  }

  @Test func requestsCarryTokenAndUserAgent() async throws {
    let heads = Shared<[String]>([])
    let server = try await LoopbackServer { head in
      heads.value = [head.uri, head.headers["Authorization"].joined(), head.headers["User-Agent"].joined()]
      return .init(body: Self.answer)
    }
    let configuration = ClusterConfiguration(
      server: "http://127.0.0.1:\(server.port)/prefix", credentials: .init(bearer: .token("t0")), userAgent: "me/1")
    let object = try await Self.withClient(configuration) { try await $0.get(ConfigMap.self, "a", in: "rtx") }
    #expect(object.metadata.name == "a")
    #expect(heads.value == ["/prefix/api/v1/namespaces/rtx/configmaps/a", "Bearer t0", "me/1"])
    try await server.close()
  }

  @Test func anIPv6ServerIsReached() async throws {
    // A machine without IPv6 has nothing to bind to, and nothing to show.
    guard let server = try? await LoopbackServer(host: "::1", { _ in .init(body: "{\"gitVersion\":\"v6\"}") })
    else { return }
    let configuration = ClusterConfiguration(server: "http://[::1]:\(server.port)")
    #expect(try await Self.withClient(configuration) { try await $0.serverVersion() } == "v6")
    try await server.close()
  }

  @Test func theTimeOutCoversTheBody() async throws {
    let server = try await LoopbackServer { _ in .init(body: "{", staysOpen: true) }
    var configuration = ClusterConfiguration(server: "http://127.0.0.1:\(server.port)")
    configuration.requestTimeout = .milliseconds(200)
    let error = try await Self.withClient(configuration) { client in
      await Self.failure { _ = try await client.get(ConfigMap.self, "a", in: "rtx") }
    }
    guard case .timeout(let text) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(text.contains("GET /api/v1/namespaces/rtx/configmaps/a"))
    #expect(await eventually { server.connections == 0 }, "the connection of a request given up is closed")
    try await server.close()
  }

  @Test func manyWatchesDoNotHoldUpOtherRequestsAndCloseWhenCancelled() async throws {
    let frame = JSONValue.object(["type": "ADDED", "object": configMap("a")]).serializedString() + "\n"
    let server = try await LoopbackServer { head in
      head.uri.contains("watch=true") ? .init(body: frame, staysOpen: true) : .init(body: Self.answer)
    }
    try await Self.withClient(ClusterConfiguration(server: "http://127.0.0.1:\(server.port)")) { client in
      let seen = Shared(0)
      let watches = Task {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for _ in 0..<150 {
            group.addTask {
              for try await _ in client.watch(ConfigMap.self, in: "rtx") { seen.change { $0 += 1 } }
            }
          }
          try await group.waitForAll()
        }
      }
      #expect(await eventually(within: .seconds(20)) { seen.value == 150 })
      _ = try await client.get(ConfigMap.self, "a", in: "rtx")
      watches.cancel()
      await #expect(throws: CancellationError.self) { try await watches.value }
      #expect(await eventually { server.connections <= 1 }, "only the kept-alive connection of the get is left")
    }
    try await server.close()
  }

  @Test func aWatchThatIsLeftClosesItsConnection() async throws {
    let frame = JSONValue.object(["type": "ADDED", "object": configMap("a")]).serializedString() + "\n"
    let server = try await LoopbackServer { _ in .init(body: frame, staysOpen: true) }
    try await Self.withClient(ClusterConfiguration(server: "http://127.0.0.1:\(server.port)")) { client in
      for try await _ in client.watch(ConfigMap.self, in: "rtx") { break }
      #expect(await eventually { server.connections == 0 })
    }
    try await server.close()
  }

  @Test func aRefusedConnectionIsToldAtOnce() async throws {
    let server = try await LoopbackServer { _ in .init() }
    let port = server.port
    try await server.close()
    let start = ContinuousClock.now
    let error = try await Self.withClient(ClusterConfiguration(server: "http://127.0.0.1:\(port)")) { client in
      await Self.failure { _ = try await client.serverVersion() }
    }
    guard case .transport(let failure) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(failure.kind == .refused, "\(failure)")
    // Below the connect time-out of 10 s, on a machine that is busy with other tests too.
    #expect(start.duration(to: .now) < .seconds(9))
  }

  @Test func aRefusedTokenIsReadAgainFromItsFile() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("token", "old")
    let server = try await LoopbackServer { head in
      head.headers["Authorization"] == ["Bearer new"]
        ? .init(body: Self.answer) : .init(status: .unauthorized, body: "{}")
    }
    let configuration = ClusterConfiguration(
      server: "http://127.0.0.1:\(server.port)", credentials: .init(bearer: .file(file)))
    try await Self.withClient(configuration) { client in
      let error = await Self.failure { _ = try await client.get(ConfigMap.self, "a", in: "rtx") }
      #expect(error?.isUnauthorized == true)
      try folder.write("token", "new")
      _ = try await client.get(ConfigMap.self, "a", in: "rtx")
    }
    try await server.close()
  }
}
