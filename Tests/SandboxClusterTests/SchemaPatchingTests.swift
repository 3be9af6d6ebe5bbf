import KubernetesModels
import Testing

@testable import SandboxCluster

@Suite struct SchemaPatchingTests {
  private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text) }

  @Test(arguments: [
    (#"{"a":1}"#, #"[{"op":"add","path":"/b","value":2}]"#, #"{"a":1,"b":2}"#),
    (
      #"{"l":[1,3]}"#, #"[{"op":"add","path":"/l/1","value":2},{"op":"add","path":"/l/-","value":4}]"#,
      #"{"l":[1,2,3,4]}"#
    ),
    (#"{"a":{"b~c/d":1}}"#, #"[{"op":"remove","path":"/a/b~0c~1d"}]"#, #"{"a":{}}"#),
    (#"{"a":1}"#, #"[{"op":"test","path":"/a","value":1},{"op":"replace","path":"/a","value":null}]"#, #"{"a":null}"#),
    (
      #"{"a":{"x":1}}"#, #"[{"op":"move","from":"/a/x","path":"/y"},{"op":"copy","from":"/y","path":"/a/z"}]"#,
      #"{"a":{"z":1},"y":1}"#
    ),
  ])
  func jsonPatchApplies(document: String, patch: String, result: String) throws {
    let operations = try #require(try json(patch).arrayValue)
    #expect(try Patching.json(operations, to: json(document)) == json(result))
  }

  @Test(arguments: [
    #"[{"op":"remove","path":"/missing"}]"#, #"[{"op":"replace","path":"/missing/x","value":1}]"#,
    #"[{"op":"test","path":"/a","value":2}]"#, #"[{"op":"add","path":"/l/9","value":1}]"#,
    #"[{"op":"dance","path":"/a"}]"#,
  ])
  func jsonPatchThatDoesNotFitIsRefused(patch: String) throws {
    let operations = try #require(try json(patch).arrayValue)
    #expect(throws: PatchError.self) { try Patching.json(operations, to: json(#"{"a":1,"l":[]}"#)) }
  }

  @Test func mergePatchRemovesNullsAndReplacesLists() throws {
    let result = Patching.merge(
      try json(#"{"a":null,"b":{"c":2,"d":null},"l":[3]}"#), to: try json(#"{"a":1,"b":{"c":1,"d":1,"e":1},"l":[1,2]}"#)
    )
    #expect(result == (try json(#"{"b":{"c":2,"e":1},"l":[3]}"#)))
  }

  private var deployment: StructuralSchema {
    get throws {
      try #require(BuiltinSchemaRegistry.shared.schema(group: "apps", version: "v1", kind: "Deployment"))
    }
  }

  private func containers(_ text: String) -> String { #"{"spec":{"template":{"spec":{"containers":\#(text)}}}}"# }

  @Test(arguments: [
    // Entries merge by name and keep their other fields.
    (
      #"[{"name":"a","image":"x:1"},{"name":"b","image":"y"}]"#, #"[{"name":"a","image":"x:2"}]"#,
      #"[{"name":"a","image":"x:2"},{"name":"b","image":"y"}]"#
    ),
    (#"[{"name":"a"},{"name":"b"}]"#, #"[{"$patch":"delete","name":"a"}]"#, #"[{"name":"b"}]"#),
    (#"[{"name":"a"},{"name":"b"}]"#, #"[{"$patch":"replace"},{"name":"c"}]"#, #"[{"name":"c"}]"#),
    (#"[{"name":"a","args":["1"]}]"#, #"[{"name":"a","args":["2","3"]}]"#, #"[{"name":"a","args":["2","3"]}]"#),
    (
      #"[{"name":"a","env":[{"name":"X","value":"1"}]}]"#, #"[{"name":"a","env":[{"name":"Y","value":"2"}]}]"#,
      #"[{"name":"a","env":[{"name":"X","value":"1"},{"name":"Y","value":"2"}]}]"#
    ),
  ])
  func strategicMergeTreatsListsByKey(live: String, patch: String, result: String) throws {
    let merged = try Patching.strategicMerge(
      json(containers(patch)), to: json(containers(live)), schema: try deployment)
    #expect(merged == (try json(containers(result))))
  }

  @Test func strategicMergeObeysOrderAndRetainKeys() throws {
    let live = try json(
      #"{"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}},"template":{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}}}"#
    )
    let patch = try json(
      #"{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"},"template":{"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],"containers":[{"name":"b","image":"i"}]}}}}"#
    )
    let merged = try Patching.strategicMerge(patch, to: live, schema: try deployment)
    #expect(merged.value(at: ["spec", "strategy"]) == ["type": "Recreate"])
    #expect(
      merged.value(at: ["spec", "template", "spec", "containers"]) == [["name": "b", "image": "i"], ["name": "a"]])
  }

  @Test func strategicMergeDeletesFromPrimitiveLists() throws {
    let live = try json(#"{"metadata":{"finalizers":["a","b"]}}"#)
    let patch = try json(#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"],"finalizers":["c"]}}"#)
    let merged = try Patching.strategicMerge(patch, to: live, schema: try deployment)
    #expect(merged.value(at: ["metadata", "finalizers"]) == ["b", "c"])
  }

  @Test func strategicMergeReplacesAnEntryDirective() throws {
    let merged = try Patching.strategicMerge(
      ["metadata": ["labels": ["$patch": "replace", "b": "2"]]], to: ["metadata": ["labels": ["a": "1"]]],
      schema: try deployment)
    #expect(merged == ["metadata": ["labels": ["b": "2"]]])
  }
}
