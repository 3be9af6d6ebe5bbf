import KubernetesClient
import KubernetesModels
import Testing

@Suite(.timeLimit(.minutes(2))) struct PatchTests {
  @Test(arguments: Servers.atHand) func jsonPatchRunsItsOperations(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    try await server.client.create(configMap("a", in: namespace, ["keep": "1", "drop": "2"]))
    let patched: ConfigMap = try await server.client.patch(
      ConfigMap.self, "a", in: namespace,
      .json([
        ["op": "test", "path": "/data/keep", "value": "1"], ["op": "add", "path": "/data/new", "value": "4"],
        ["op": "remove", "path": "/data/drop"], ["op": "replace", "path": "/data/keep", "value": "5"],
        ["op": "copy", "from": "/data/new", "path": "/data/copied"],
        ["op": "move", "from": "/data/keep", "path": "/data/moved"],
        ["op": "add", "path": "/metadata/annotations", "value": ["example.com/x": "1"]],
        ["op": "replace", "path": "/metadata/annotations/example.com~1x", "value": "2"],
      ]))
    #expect(patched.data == ["new": "4", "copied": "4", "moved": "5"])
    #expect(patched.metadata.annotations == ["example.com/x": "2"])

    let failedTest = try await refusal {
      try await server.client.patch(
        ConfigMap.self, "a", in: namespace,
        .json([
          ["op": "test", "path": "/data/new", "value": "other"], ["op": "remove", "path": "/data/new"],
        ]))
    }
    #expect(failedTest.isInvalid)
    #expect(try await server.client.get(ConfigMap.self, "a", in: namespace) == patched)
    let noSuchPath = try await refusal {
      try await server.client.patch(
        ConfigMap.self, "a", in: namespace, .json([["op": "remove", "path": "/data/none"]]))
    }
    #expect(noSuchPath.isInvalid)
  }

  @Test(arguments: Servers.atHand) func mergePatchReplacesListsAndRemovesNulls(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    try await client.create(Deployment.resourceType, deployment("a", in: namespace))
    let patched: Deployment = try await client.patch(
      Deployment.self, "a", in: namespace,
      .merge([
        "metadata": ["labels": ["x": "1"]],
        "spec": ["template": ["spec": ["containers": [["name": "other", "image": "other:1"]]]]],
      ]))
    #expect(patched.spec?.template.spec?.containers.map(\.name) == ["other"])
    let bare: Deployment = try await client.patch(
      Deployment.self, "a", in: namespace, .merge(["metadata": ["labels": ["x": .null]]]))
    #expect(bare.metadata.labels == nil)
    // Nothing changes, so nothing is written.
    let same: Deployment = try await client.patch(Deployment.self, "a", in: namespace, .merge(["spec": [:]]))
    #expect(same.metadata.resourceVersion == bare.metadata.resourceVersion)
  }

  @Test(arguments: Servers.atHand) func patchWithAVersionGuards(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let first = try await server.client.create(configMap("a", in: namespace))
    let guarded: JSONValue = [
      "metadata": ["resourceVersion": .string(first.metadata.resourceVersion ?? "")], "data": ["n": "1"],
    ]
    let second: ConfigMap = try await server.client.patch(ConfigMap.self, "a", in: namespace, .merge(guarded))
    #expect(second.data == ["n": "1"])
    var late = guarded
    late.set("2", at: ["data", "n"])
    let error = try await refusal { [late] in
      try await server.client.patch(ConfigMap.self, "a", in: namespace, .merge(late))
    }
    #expect(error.isConflict)
  }

  @Test(arguments: Servers.atHand) func strategicMergeMergesListsByKey(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    try await client.create(Deployment.resourceType, deployment("a", in: namespace))
    func patch(_ podSpec: JSONValue) async throws -> PodSpec? {
      let patched: Deployment = try await client.patch(
        Deployment.self, "a", in: namespace, .strategicMerge(["spec": ["template": ["spec": podSpec]]]))
      return patched.spec?.template.spec
    }
    let two = try await patch([
      "containers": [
        ["name": "side", "image": "side:1"],
        ["name": "main", "env": [["name": "A", "value": "1"], ["name": "B", "value": "2"]]],
      ]
    ])
    #expect(Set(two?.containers.map(\.name) ?? []) == ["main", "side"])
    let main = try #require(two?.containers.first { $0.name == "main" })
    #expect(main.image == "example:1" && main.env?.map(\.name) == ["A", "B"])

    let one = try await patch(["containers": [["name": "side", "$patch": "delete"]]])
    #expect(one?.containers.map(\.name) == ["main"])
    let replaced = try await patch([
      "containers": [["name": "main", "env": [["name": "C", "value": "3"], ["$patch": "replace"]]]]
    ])
    #expect(replaced?.containers.first?.env?.map(\.name) == ["C"])
    let without = try await patch(["containers": [["name": "main", "env": .null]]])
    #expect(without?.containers.first?.env == nil)
  }

  @Test(arguments: Servers.atHand) func unsuitablePatchesAreRefused(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let widgets = Widgets()
    try await server.install(definition: widgets.definition)
    try await client.create(widgets.type, widgets.object("a", in: namespace))
    let strategic = try await refusal {
      try await client.patch(widgets.type, "a", in: namespace, .strategicMerge(["spec": ["n": 1]]))
    }
    #expect(strategic.statusCode == 415)
    let path = "/api/v1/namespaces/\(namespace)/configmaps/a"
    try await client.create(configMap("a", in: namespace))
    #expect(try await client.call(.patch, path, body: [:], type: "application/json").status == 415)
    let malformed = try await client.call(.patch, path, text: "{", type: "application/merge-patch+json")
    #expect(malformed.status == 400)
    let missing = try await refusal {
      try await client.patch(ConfigMap.self, "none", in: namespace, .merge(["data": ["n": "1"]]))
    }
    #expect(missing.isNotFound)
    let renamed = try await client.call(
      .patch, path, body: ["metadata": ["name": "b"]], type: "application/merge-patch+json")
    #expect(renamed.status == 400)
  }
}
