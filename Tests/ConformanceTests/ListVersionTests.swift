import KubernetesClient
import KubernetesModels
import Testing

/// How fresh a list is (Kubernetes: "Semantics for get and list").
@Suite(.timeLimit(.minutes(2))) struct ListVersionTests {
  private func names(_ list: ResourceList<ConfigMap>) -> [String] { list.items.compactMap(\.metadata.name) }

  @Test(arguments: Servers.atHand) func exactVersionShowsThePast(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    try await server.client.create(configMap("a", in: namespace))
    let past = try await server.client.list(ConfigMap.self, in: namespace).resourceVersion
    try await server.client.create(configMap("b", in: namespace))
    try await server.client.delete(ConfigMap.self, "a", in: namespace)
    let exact = try await server.client.list(
      ConfigMap.self, in: namespace, options: ListOptions(resourceVersion: past, resourceVersionMatch: "Exact"))
    #expect(names(exact) == ["a"] && exact.resourceVersion == past)
    let fresh = try await server.client.list(
      ConfigMap.self, in: namespace, options: ListOptions(resourceVersion: past, resourceVersionMatch: "NotOlderThan"))
    #expect(UInt64(fresh.resourceVersion) ?? 0 >= UInt64(past) ?? .max)
  }

  @Test(arguments: Servers.atHand) func newestShowsOnesOwnWrites(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    for number in 0..<10 {
      try await server.client.create(configMap("n\(number)", in: namespace))
      #expect(try await server.client.list(ConfigMap.self, in: namespace).items.count == number + 1)
    }
  }

  @Test(arguments: Servers.atHand) func impossibleOptionsAreRefused(_ kind: Servers) async throws {
    let server = try await kind.start()
    let path = "/api/v1/namespaces/\(try await server.namespace())/configmaps"
    let cases: [[(name: String, value: String)]] = [
      [("resourceVersionMatch", "Exact")], [("resourceVersionMatch", "Exact"), ("resourceVersion", "0")],
      [("resourceVersionMatch", "Nonsense"), ("resourceVersion", "5")], [("limit", "x")],
      [("continue", "nonsense"), ("limit", "1")],
    ]
    for query in cases {
      let answer = try await server.client.call(.get, path, query: query)
      #expect((400...422).contains(answer.status), "\(query): \(answer.status)")
    }
  }

  @Test(arguments: Servers.atHand) func futureVersionIsWaitedForInVain(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let now = try await server.client.list(ConfigMap.self, in: namespace).resourceVersion
    let future = String((UInt64(now) ?? 0) + 1_000_000)
    var client = server.client
    client.retryPolicy.maximumAttempts = 1
    let error = try await refusal {
      try await client.list(ConfigMap.self, in: namespace, options: ListOptions(resourceVersion: future))
    }
    #expect(error.statusCode == 504 && error.isTransient)
    #expect(error.status?.details?.causes?.contains { $0.reason == "ResourceVersionTooLarge" } == true)
  }
}
