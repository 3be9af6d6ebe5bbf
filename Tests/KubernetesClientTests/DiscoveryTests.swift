import KubernetesModels
import Testing

@testable import KubernetesClient

struct DiscoveryTests {
  private static func document(_ groups: [JSONValue]) -> JSONValue {
    ["kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": .array(groups)]
  }

  private static func resource(_ plural: String, _ kind: String, _ short: String) -> JSONValue {
    [
      "resource": .string(plural), "responseKind": ["group": "", "version": "", "kind": .string(kind)],
      "scope": "Namespaced", "singularResource": .string(kind.lowercased()), "shortNames": [.string(short)],
      "verbs": ["get"], "subresources": [["subresource": "status", "verbs": ["get"]]],
    ]
  }

  private static func server(apps: @escaping @Sendable () -> [JSONValue]) -> FakeTransport {
    FakeTransport { request, _ in
      if request.path == "/api" {
        return .json(
          document([
            ["metadata": [:], "versions": [["version": "v1", "resources": [resource("pods", "Pod", "po")]]]]
          ]))
      }
      return .json(
        document([
          ["metadata": ["name": "apps"], "versions": [["version": "v1", "resources": .array(apps())]]],
          [
            "metadata": ["name": "metrics.k8s.io"],
            "versions": [["version": "v1beta1", "freshness": "Stale", "resources": []]],
          ],
        ]))
    }
  }

  @Test func aggregatedDiscoveryTakesTwoRequests() async throws {
    let transport = Self.server { [Self.resource("deployments", "Deployment", "deploy")] }
    let found = try await KubernetesClient(transport: transport).discover()
    #expect(transport.requests.map(\.path).sorted() == ["/api", "/apis"])
    #expect(transport.requests[0].headers.contains { $0.value.contains("v=v2;as=APIGroupDiscoveryList") })
    #expect(found.resource(named: "po")?.type == .pods)
    #expect(found.failures.keys.sorted() == ["metrics.k8s.io/v1beta1"])
    for name in ["deploy", "Deployment", "deployments.apps", "deployments.v1.apps", "deployment.apps"] {
      let type = found.resource(matching: name)?.type
      #expect(type?.apiVersion == "apps/v1" && type?.plural == "deployments", "\(name)")
    }
    for name in ["deployments.v2.apps", "deployments.extensions", "", "."] {
      #expect(found.resource(matching: name) == nil, "\(name)")
    }
    #expect(found.resource(matching: "pods.v1.")?.type == .pods)
  }

  @Test func theCacheAsksOnceAndAgainForWhatItMisses() async throws {
    let apps = Shared<[JSONValue]>([Self.resource("deployments", "Deployment", "deploy")])
    let transport = Self.server { apps.value }
    let time = Shared(ContinuousClock.now)
    let cache = DiscoveryCache(
      client: KubernetesClient(transport: transport), lifetime: .seconds(600), missInterval: .seconds(5),
      now: { time.value })
    let found = try await withThrowingTaskGroup(of: DiscoveredResource?.self) { group in
      for _ in 0..<5 { group.addTask { try await cache.resource(matching: "deploy") } }
      return try await group.reduce(into: [DiscoveredResource?]()) { $0.append($1) }
    }
    #expect(found.count == 5 && found.allSatisfy { $0?.type.kind == "Deployment" })
    #expect(transport.requests.count == 2)
    apps.value.append(Self.resource("widgets", "Widget", "wdg"))
    #expect(try await cache.resource(apiVersion: "apps/v1", kind: "Widget") == nil, "a fresh miss is believed")
    #expect(transport.requests.count == 2)
    time.change { $0 += .seconds(6) }
    #expect(try await cache.resource(apiVersion: "apps/v1", kind: "Widget")?.type.plural == "widgets")
    #expect(try await cache.resource(matching: "deploy") != nil)
    #expect(transport.requests.count == 4)
    await cache.invalidate()
    _ = try await cache.discovery()
    #expect(transport.requests.count == 6)
    time.change { $0 += .seconds(601) }
    #expect(try await cache.serves(.pods))
    #expect(transport.requests.count == 8)
  }
}
