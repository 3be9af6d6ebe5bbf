import KubernetesModels
import Testing

@testable import KubernetesClient

struct MetadataTests {
  private static func partial(_ name: String) -> JSONValue {
    [
      "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
      "metadata": ["name": .string(name), "namespace": "rtx", "resourceVersion": "4"],
    ]
  }

  @Test func metadataAloneIsAskedForEverywhere() async throws {
    let transport = FakeTransport { request, _ in
      if request.query.contains(where: { $0.name == "watch" }) {
        return .chunks([JSONValue.object(["type": "ADDED", "object": Self.partial("a")]).serializedString() + "\n"])
      }
      if request.path.hasSuffix("/a") { return .json(Self.partial("a")) }
      return .json(["metadata": ["resourceVersion": "9"], "items": [Self.partial("a"), Self.partial("b")]])
    }
    let client = KubernetesClient(transport: transport)
    let one = try await client.getMetadata(ConfigMap.self, "a", in: "rtx")
    #expect((one.apiVersion, one.kind, one.metadata.name) == ("v1", "ConfigMap", "a"))
    let list = try await client.listMetadata(ConfigMap.self, in: "rtx")
    #expect(list.items.map(\.metadata.name) == ["a", "b"] && list.resourceVersion == "9")
    var events: [WatchEvent<PartialObjectMetadata>] = []
    for try await event in client.watchMetadata(ConfigMap.self, in: "rtx") { events.append(event) }
    #expect(events == [.added(one)])
    let patched = try await client.patchMetadata(
      ConfigMap.resourceType, "a", in: "rtx", .merge(["metadata": ["labels": ["x": "1"]]]))
    #expect(patched == one)
    let accepts = transport.requests.map { request in
      request.headers.filter { $0.name == "Accept" }.map { String($0.value.split(separator: ";")[1]) }
    }
    #expect(
      accepts == [
        ["as=PartialObjectMetadata"], ["as=PartialObjectMetadataList"], ["as=PartialObjectMetadata"],
        ["as=PartialObjectMetadata"],
      ])
  }

  @Test func aServerThatSendsWholeObjectsIsUnderstood() async throws {
    let client = KubernetesClient(transport: FakeTransport([.json(configMap("a", data: ["n": "1"]))]))
    let object = try await client.getMetadata(ConfigMap.self, "a", in: "rtx")
    #expect((object.kind, object.metadata.name) == ("ConfigMap", "a"))
    let broken = KubernetesClient(transport: FakeTransport([.json(["kind": "Other"])]))
    await #expect(throws: KubernetesError.self) { _ = try await broken.getMetadata(ConfigMap.self, "a", in: "rtx") }
  }
}
