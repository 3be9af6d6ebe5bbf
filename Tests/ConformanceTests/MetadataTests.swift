import KubernetesClient
import KubernetesModels
import Testing

/// Metadata without the rest (Kubernetes: "Metadata-only fetches").
@Suite(.timeLimit(.minutes(2))) struct MetadataTests {
  @Test(arguments: Servers.atHand) func metadataIsReadAlone(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let created = try await server.client.create(configMap("a", in: namespace, ["n": "1"], labels: ["x": "y"]))
    let read = try await server.client.getMetadata(ConfigMap.self, "a", in: namespace)
    #expect((read.apiVersion, read.kind) == ("v1", "ConfigMap"))
    #expect(read.metadata == created.metadata)
    let missing = try await refusal { try await server.client.getMetadata(ConfigMap.self, "none", in: namespace) }
    #expect(missing.isNotFound)
    let answer = try await server.client.call(
      .get, "/api/v1/namespaces/\(namespace)/configmaps/a",
      accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
    #expect(answer.text("kind") == "PartialObjectMetadata" && answer.text("apiVersion") == "meta.k8s.io/v1")
    #expect(answer.json["data"] == nil)
  }

  @Test(arguments: Servers.atHand) func metadataIsListedByPagesAndSelectors(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    for name in ["a", "b", "c"] {
      try await server.client.create(
        configMap(name, in: namespace, ["n": "1"], labels: ["odd": name == "b" ? "no" : "yes"]))
    }
    let all = try await server.client.listMetadata(ConfigMap.self, in: namespace, options: ListOptions(limit: 1))
    #expect(all.items.map(\.metadata.name) == ["a", "b", "c"] && !all.resourceVersion.isEmpty)
    #expect(all.items.allSatisfy { $0.kind == "ConfigMap" })
    let odd = try await server.client.listMetadata(
      ConfigMap.self, in: namespace, options: ListOptions(labelSelector: "odd=yes"))
    #expect(odd.items.map(\.metadata.name) == ["a", "c"])
    let answer = try await server.client.call(
      .get, "/api/v1/namespaces/\(namespace)/configmaps",
      accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
    #expect(answer.text("kind") == "PartialObjectMetadataList")
  }

  @Test(arguments: Servers.atHand) func metadataIsWatched(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let start = try await client.listMetadata(ConfigMap.self, in: namespace).resourceVersion
    try await client.create(configMap("a", in: namespace, ["n": "1"]))
    let _: ConfigMap = try await client.patch(ConfigMap.self, "a", in: namespace, .merge(["data": ["n": "2"]]))
    try await client.delete(ConfigMap.self, "a", in: namespace)
    let seen = try await events(
      client.watchMetadata(ConfigMap.self, in: namespace, options: WatchOptions(resourceVersion: start)),
      until: { $0.filter { $0.object != nil }.count == 3 })
    let kinds = seen.compactMap { event -> String? in
      switch event {
      case .added(let object): "added \(object.kind)"
      case .modified(let object): "modified \(object.kind)"
      case .deleted(let object): "deleted \(object.kind)"
      case .bookmark, .undecodable: nil
      }
    }
    #expect(kinds == ["added ConfigMap", "modified ConfigMap", "deleted ConfigMap"])
  }

  @Test(arguments: Servers.atHand) func metadataIsPatched(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let widgets = Widgets()
    try await server.install(definition: widgets.definition)
    try await server.client.create(widgets.type, widgets.object("a", in: namespace, ["n": 1]))
    let patched = try await server.client.patchMetadata(
      widgets.type, "a", in: namespace,
      .merge(["metadata": ["annotations": ["x": "y"], "finalizers": ["example.com/f"]]]))
    #expect(patched.kind == "Widget" && patched.metadata.annotations == ["x": "y"])
    #expect(patched.metadata.generation == 1)
    let freed = try await server.client.patchMetadata(
      widgets.type, "a", in: namespace, .json([["op": "remove", "path": "/metadata/finalizers"]]))
    #expect(freed.metadata.finalizers == nil)
    #expect(try await server.client.get(widgets.type, "a", in: namespace).json.value(at: ["spec", "n"]) == 1)
  }
}
