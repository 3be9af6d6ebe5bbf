import KubernetesModels
import Testing

@testable import KubernetesClient

struct VerbTests {
  private static let lease = ResourceType(
    group: "coordination.k8s.io", version: "v1", kind: "Lease", plural: "leases", isNamespaced: true)
  private static let clusterRole = ResourceType(
    group: "rbac.authorization.k8s.io", version: "v1", kind: "ClusterRole", plural: "clusterroles",
    isNamespaced: false)

  @Test func pathsFollowGroupScopeAndSubresource() throws {
    #expect(
      try ResourcePath.object(ConfigMap.resourceType, name: "a", namespace: "rtx")
        == "/api/v1/namespaces/rtx/configmaps/a")
    #expect(
      try ResourcePath.object(Self.lease, name: "l", namespace: "n", subresource: "status")
        == "/apis/coordination.k8s.io/v1/namespaces/n/leases/l/status")
    #expect(
      try ResourcePath.object(Self.clusterRole, name: "system:a/b", namespace: "ignored")
        == "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:a%2Fb")
    #expect(ResourcePath.collection(Self.lease, namespace: nil) == "/apis/coordination.k8s.io/v1/leases")
    #expect(throws: KubernetesError.self) {
      try ResourcePath.object(ConfigMap.resourceType, name: "a", namespace: nil)
    }
  }

  @Test func aListFollowsItsPages() async throws {
    let transport = FakeTransport([
      .json(["metadata": ["resourceVersion": "9", "continue": "next"], "items": [configMap("a")]]),
      .json(["metadata": ["resourceVersion": "9"], "items": [["metadata": ["name": "b", "namespace": "rtx"]]]]),
    ])
    let list = try await KubernetesClient(transport: transport).list(
      ConfigMap.self, in: "rtx", options: .init(limit: 1, resourceVersion: "0"))
    #expect(list.items.map { $0.metadata.name } == ["a", "b"])
    #expect(list.items[1].kind == "ConfigMap", "items of a list get the kind that they come without")
    #expect(list.resourceVersion == "9")
    #expect(transport.requests[1].target == "/api/v1/namespaces/rtx/configmaps?limit=1&continue=next")
  }

  @Test func aListWhosePageExpiredStartsAgainUnpaged() async throws {
    let transport = FakeTransport([
      .json(["metadata": ["resourceVersion": "9", "continue": "next"], "items": [configMap("a")]]),
      .refusal(410, "Expired"),
      .json(["metadata": ["resourceVersion": "11"], "items": [configMap("a"), configMap("b")]]),
    ])
    let list = try await KubernetesClient(transport: transport).list(ConfigMap.resourceType, in: "rtx")
    #expect(list.items.count == 2)
    #expect(list.resourceVersion == "11")
    #expect(transport.requests[2].query.isEmpty)
  }

  @Test func applyOwnsFieldsAndLeavesOutManagedFields() async throws {
    let transport = FakeTransport([.json(configMap("a"))])
    var observed = configMap("a")
    observed.set([["manager": "x"]], at: ["metadata", "managedFields"])
    try await KubernetesClient(transport: transport).apply(
      ConfigMap.resourceType, DynamicObject(observed), fieldManager: "rtx-operator")
    let request = try #require(transport.requests.first)
    #expect(request.method == .patch)
    #expect(request.target == "/api/v1/namespaces/rtx/configmaps/a?fieldManager=rtx-operator&force=true")
    #expect(request.headers.contains { $0.name == "Content-Type" && $0.value == "application/apply-patch+yaml" })
    let body = try JSONValue(parsing: try #require(request.body))
    #expect(body.value(at: ["metadata", "managedFields"]) == nil)
    #expect(body.value(at: ["metadata", "name"]) == "a")
  }

  @Test func eachPatchHasItsContentType() async throws {
    let patches: [(Patch, String)] = [
      (.json([["op": "remove", "path": "/data"]]), "application/json-patch+json"),
      (.merge(["data": .null]), "application/merge-patch+json"),
      (.strategicMerge(["data": [:]]), "application/strategic-merge-patch+json"),
    ]
    for (patch, type) in patches {
      let transport = FakeTransport([.json(configMap("a"))])
      _ = try await KubernetesClient(transport: transport).patch(ConfigMap.self, "a", in: "rtx", patch)
      #expect(transport.requests[0].headers.contains { $0.name == "Content-Type" && $0.value == type })
    }
  }

  @Test func deleteCarriesPreconditionsAndPropagation() async throws {
    let transport = FakeTransport([.json(["kind": "Status", "status": "Success"])])
    try await KubernetesClient(transport: transport).delete(
      ConfigMap.self, "a", in: "rtx",
      options: .init(propagation: .foreground, gracePeriodSeconds: 0, uid: "u", resourceVersion: "3"))
    let body = try JSONValue(parsing: try #require(transport.requests[0].body))
    #expect(body["propagationPolicy"] == "Foreground")
    #expect(body["gracePeriodSeconds"] == 0)
    #expect(body["preconditions"] == ["uid": "u", "resourceVersion": "3"])
  }

  @Test func logLinesAreWholeLines() async throws {
    let transport = FakeTransport([.chunks(["fir", "st\nsecond\r\n", "\nlast"])])
    var lines: [String] = []
    let log = KubernetesClient(transport: transport).logs(
      pod: "p", in: "rtx", options: .init(container: "c", follow: true, tailLines: 5))
    for try await line in log { lines.append(line) }
    #expect(lines == ["first", "second", "", "last"])
    #expect(
      transport.requests[0].target == "/api/v1/namespaces/rtx/pods/p/log?container=c&follow=true&tailLines=5")
  }

  @Test func aTokenIsNotPrinted() async throws {
    let transport = FakeTransport([
      .json(["status": ["token": "s3cret", "expirationTimestamp": "2026-01-01T00:00:00Z"]])
    ])
    let token = try await KubernetesClient(transport: transport).createToken(serviceAccount: "a", in: "n")
    #expect(token.token == "s3cret")
    #expect(!"\(token) \(String(reflecting: token))".contains("s3cret"))
  }

  @Test func discoveryFindsResourcesAndReportsBrokenGroups() async throws {
    let answers: [String: KubernetesResponse] = [
      "/api": .json(["versions": ["v1"]]),
      "/apis": .json([
        "groups": [
          [
            "name": "coordination.k8s.io", "versions": [["version": "v1beta1"], ["version": "v1"]],
            "preferredVersion": ["version": "v1"],
          ],
          ["name": "broken.example", "versions": [["version": "v1"]]],
        ]
      ]),
      "/api/v1": .json([
        "resources": [
          ["name": "pods", "kind": "Pod", "namespaced": true, "shortNames": ["po"], "verbs": ["get"]],
          ["name": "pods/log", "kind": "Pod", "namespaced": true],
        ]
      ]),
      "/apis/coordination.k8s.io/v1": .json(["resources": [["name": "leases", "kind": "Lease", "namespaced": true]]]),
      "/apis/coordination.k8s.io/v1beta1": .json([
        "resources": [["name": "leases", "kind": "Lease", "namespaced": true]]
      ]),
    ]
    let client = KubernetesClient(
      transport: FakeTransport { request, _ in answers[request.path] ?? .refusal(503, "ServiceUnavailable") })
    let discovery = try await client.discover()
    #expect(discovery.serves(Self.lease))
    #expect(!discovery.serves(Self.clusterRole))
    #expect(discovery.resource(named: "Lease")?.type.version == "v1")
    #expect(discovery.resource(named: "po")?.subresources == ["log"])
    #expect(discovery.failures.keys.sorted() == ["broken.example/v1"])
  }

  @Test func servesIsFalseForAnUnknownGroup() async throws {
    let client = KubernetesClient(transport: FakeTransport([.refusal(404, "NotFound")]))
    #expect(try await client.serves(Self.lease) == false)
  }
}
