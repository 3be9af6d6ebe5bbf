import KubernetesClient
import KubernetesModels
import Testing

/// Patches one by one, on a ConfigMap with `data: {a: "1", b: "2"}` and the label `x: y`.
@Suite(.timeLimit(.minutes(2))) struct PatchTableTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var patch: Patch
    /// `data` afterwards, or the status code of the refusal.
    var outcome: Outcome
    var testDescription: String { name }
    init(_ name: String, _ patch: Patch, _ outcome: Outcome) {
      (self.name, self.patch, self.outcome) = (name, patch, outcome)
    }
  }

  enum Outcome: Sendable {
    case data([String: String]?)
    case refused(Int)
    /// A known difference of the sandbox.
    case refusedBySandbox(Int, otherwise: Int)
  }

  static let cases: [Case] = [
    Case("json add", .json([["op": "add", "path": "/data/c", "value": "3"]]), .data(["a": "1", "b": "2", "c": "3"])),
    Case("json add replaces", .json([["op": "add", "path": "/data/a", "value": "3"]]), .data(["a": "3", "b": "2"])),
    Case("json remove", .json([["op": "remove", "path": "/data/a"]]), .data(["b": "2"])),
    Case("json remove all", .json([["op": "remove", "path": "/data"]]), .data(nil)),
    Case("json replace", .json([["op": "replace", "path": "/data", "value": ["z": "9"]]]), .data(["z": "9"])),
    Case("json move", .json([["op": "move", "from": "/data/a", "path": "/data/c"]]), .data(["b": "2", "c": "1"])),
    Case(
      "json copy", .json([["op": "copy", "from": "/data/a", "path": "/data/c"]]), .data(["a": "1", "b": "2", "c": "1"])),
    Case(
      "json test passes",
      .json([["op": "test", "path": "/data/a", "value": "1"], ["op": "remove", "path": "/data/a"]]), .data(["b": "2"])),
    Case(
      "json test fails",
      .json([["op": "remove", "path": "/data/b"], ["op": "test", "path": "/data/a", "value": "2"]]), .refused(422)),
    Case("json remove of nothing", .json([["op": "remove", "path": "/data/none"]]), .refused(422)),
    Case(
      "json replace of nothing", .json([["op": "replace", "path": "/data/none", "value": "1"]]),
      .data(["a": "1", "b": "2", "none": "1"])),
    Case("json into nothing", .json([["op": "add", "path": "/none/x", "value": "1"]]), .refused(422)),
    Case(
      "json too many operations",
      .json(Array(repeating: ["op": "test", "path": "/data/a", "value": "1"], count: 10_001)), .refused(413)),
    Case(
      "json copies that double",
      .json(
        [["op": "add", "path": "/metadata/annotations", "value": ["x": .string(String(repeating: "x", count: 1000))]]]
          + (0..<4000).map { ["op": "copy", "from": "/metadata/annotations", "path": .string("/data/c\($0)")] }),
      .refused(422)),
    Case("merge adds", .merge(["data": ["c": "3"]]), .data(["a": "1", "b": "2", "c": "3"])),
    Case("merge removes", .merge(["data": ["a": .null]]), .data(["b": "2"])),
    Case("merge removes all", .merge(["data": .null]), .data(nil)),
    Case("merge of nothing", .merge([:]), .data(["a": "1", "b": "2"])),
    Case("merge of another kind", .merge(["kind": "Secret"]), .refused(422)),
    Case("merge of a wrong type", .merge(["data": "text"]), .refused(422)),
    Case("merge of a number for a string", .merge(["data": ["a": 5]]), .refused(422)),
    Case("merge of a bad key", .merge(["data": ["a b": "1"]]), .refused(422)),
    Case("merge of an old version", .merge(["metadata": ["resourceVersion": "1"], "data": ["a": "3"]]), .refused(409)),
    Case("merge of another uid", .merge(["metadata": ["uid": "x"], "data": ["a": "3"]]), .refused(422)),
    Case("strategic adds", .strategicMerge(["data": ["c": "3"]]), .data(["a": "1", "b": "2", "c": "3"])),
    Case("strategic removes", .strategicMerge(["data": ["a": .null]]), .data(["b": "2"])),
    Case("strategic replaces", .strategicMerge(["data": ["$patch": "replace", "z": "9"]]), .data(["z": "9"])),
    Case("strategic deletes", .strategicMerge(["data": ["$patch": "delete"]]), .data(nil)),
    Case(
      "strategic with an unknown directive", .strategicMerge(["data": ["$patch": "dance"]]),
      .refusedBySandbox(400, otherwise: 500)),
  ]

  @Test(arguments: Servers.atHand, cases) func patchDoesWhatItSays(_ kind: Servers, _ each: Case) async throws {
    let server = try await kind.start()
    let namespace = try await Fixture.shared.namespace(server)
    let name = "c\(UInt32.random(in: .min ... .max))"
    let created = try await server.client.create(
      configMap(name, in: namespace, ["a": "1", "b": "2"], labels: ["x": "y"]))
    let expected: Int
    switch each.outcome {
    case .data(let data):
      let patched: ConfigMap = try await server.client.patch(ConfigMap.self, name, in: namespace, each.patch)
      #expect(patched.data == data && patched.metadata.labels == ["x": "y"])
      #expect((patched.metadata.resourceVersion != created.metadata.resourceVersion) == (data != created.data))
      return
    case .refused(let code): expected = code
    case .refusedBySandbox(let code, let otherwise): expected = kind == .sandbox ? code : otherwise
    }
    let error = try await refusal {
      let _: ConfigMap = try await server.client.patch(ConfigMap.self, name, in: namespace, each.patch)
    }
    #expect(error.statusCode == expected, "\(error)")
    #expect(try await server.client.get(ConfigMap.self, name, in: namespace) == created)
  }

  private actor Fixture {
    static let shared = Fixture()
    private let made = Memo<Servers, String>()
    func namespace(_ server: TestServer) async throws -> String {
      try await made.value(for: server.kind) { try await server.namespace() }
    }
  }
}
