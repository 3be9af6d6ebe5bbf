import KubernetesClient
import KubernetesModels
import Testing

@Suite(.timeLimit(.minutes(2))) struct SelectorTests {
  @Test(arguments: Servers.atHand) func labelSelectorsChoose(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    for (name, labels) in [
      "web": ["tier": "web", "env": "prod"], "api": ["tier": "api", "env": "prod"], "old": ["tier": "web"], "bare": [:],
    ] {
      try await server.client.create(configMap(name, in: namespace, labels: labels))
    }
    for (selector, names) in [
      ("tier=web", ["old", "web"]), ("tier==web,env=prod", ["web"]), ("tier!=web", ["api", "bare"]),
      ("tier in (web,api),env", ["api", "web"]), ("tier notin (web)", ["api", "bare"]), ("!tier", ["bare"]),
      ("env", ["api", "web"]), ("tier=none", []),
    ] {
      let list = try await server.client.list(
        ConfigMap.self, in: namespace, options: ListOptions(labelSelector: selector))
      #expect(list.items.compactMap(\.metadata.name) == names, "\(selector)")
    }
    let broken = try await refusal {
      try await server.client.list(ConfigMap.self, in: namespace, options: ListOptions(labelSelector: "a in b"))
    }
    #expect(broken.statusCode == 400)
  }

  @Test(arguments: Servers.atHand) func fieldSelectorsChoose(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    for name in ["a", "b"] {
      try await client.create(Pod.resourceType, pod(name, in: namespace, node: name == "a" ? "node-1" : nil))
      try await client.create(configMap(name, in: namespace))
    }
    func pods(_ selector: String) async throws -> [String] {
      try await client.list(Pod.self, in: namespace, options: ListOptions(fieldSelector: selector)).items
        .compactMap(\.metadata.name)
    }
    #expect(try await pods("spec.nodeName=node-1") == ["a"])
    #expect(try await pods("spec.nodeName!=node-1") == ["b"])
    #expect(try await pods("status.phase=Pending,metadata.name=b") == ["b"])
    #expect(try await pods("status.phase=Running").isEmpty)
    let everywhere = try await client.list(
      ConfigMap.self, options: ListOptions(fieldSelector: "metadata.namespace=\(namespace),metadata.name=a"))
    #expect(everywhere.items.count == 1)
    let unknown = try await refusal {
      try await client.list(ConfigMap.self, in: namespace, options: ListOptions(fieldSelector: "data.n=1"))
    }
    #expect(unknown.statusCode == 400)
    #expect(unknown.status?.message?.contains("data.n") == true)
  }
}
