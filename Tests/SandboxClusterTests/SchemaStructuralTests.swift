import Foundation
import KubernetesModels
import Testing

@testable import SandboxCluster

@Suite struct SchemaStructuralTests {
  private func schema(_ spec: String) throws -> StructuralSchema {
    StructuralSchema(
      openAPIV3: try JSONValue(
        parsing:
          #"{"type":"object","properties":{"apiVersion":{"type":"string"},"kind":{"type":"string"},"metadata":{"type":"object"},"spec":\#(spec)}}"#
      ))
  }

  private func object(_ spec: JSONValue) -> JSONValue {
    ["apiVersion": "x/v1", "kind": "X", "metadata": ["name": "n"], "spec": spec]
  }

  @Test func defaultsFillNestedSectionsAndNullsOfNonNullableFields() throws {
    let schema = try schema(
      #"""
      {"type":"object","default":{},"properties":{
        "replicas":{"type":"integer","default":3},"kept":{"type":"string","nullable":true,"default":"d"},
        "section":{"type":"object","default":{},"properties":{"on":{"type":"boolean","default":true}}},
        "list":{"type":"array","items":{"type":"object","properties":{"p":{"type":"string","default":"TCP"}}}},
        "map":{"type":"object","additionalProperties":{"type":"object","properties":{"v":{"type":"integer","default":1}}}}}}
      """#)
    var value = object(["replicas": .null, "kept": .null, "list": [["q": 1]], "map": ["a": [:]]])
    schema.applyDefaults(to: &value)
    #expect(
      value["spec"] == [
        "replicas": 3, "kept": .null, "section": ["on": true], "list": [["q": 1, "p": "TCP"]], "map": ["a": ["v": 1]],
      ])
    var empty: JSONValue = ["kind": "X"]
    schema.applyDefaults(to: &empty)
    #expect(empty["spec"] == ["replicas": 3, "kept": "d", "section": ["on": true]])
  }

  @Test func pruningDropsUnknownFieldsAndNamesThem() throws {
    let schema = try schema(
      #"""
      {"type":"object","properties":{"a":{"type":"string"},
        "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"known":{"type":"object","properties":{}}}},
        "list":{"type":"array","items":{"type":"object","properties":{"x":{"type":"string"}}}}}}
      """#)
    var value = object([
      "a": "1", "foo": 2, "free": ["any": 1, "known": ["y": 1]], "list": [["x": "1"], ["x": "1", "z": 1]],
    ])
    #expect(schema.prune(&value) == ["spec.foo", "spec.free.known.y", "spec.list[1].z"])
    #expect(value["spec"] == ["a": "1", "free": ["any": 1, "known": [:]], "list": [["x": "1"], ["x": "1"]]])
    #expect(value["metadata"] == ["name": "n"])
  }

  @Test func metadataIsPrunedAsObjectMeta() throws {
    let schema = try schema(#"{"type":"object"}"#)
    var value: JSONValue = ["metadata": ["name": "n", "labels": ["a": "b"], "lables": ["a": "b"]]]
    #expect(schema.prune(&value) == ["metadata.lables"])
  }

  @Test func builtinKindsPruneUnknownFieldsAndNulls() throws {
    let schema = try #require(BuiltinSchemaRegistry.shared.schema(group: "apps", version: "v1", kind: "Deployment"))
    var value: JSONValue = [
      "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "d", "creationTimestamp": .null],
      "spec": [
        "replica": 1, "replicas": .null,
        "template": ["spec": ["containers": [["name": "a", "resources": ["limits": ["cpu": "1"]], "imagee": "x"]]]],
      ],
    ]
    #expect(schema.prune(&value) == ["spec.replica", "spec.template.spec.containers[0].imagee"])
    #expect(value.value(at: ["metadata"]) == ["name": "d"])
    #expect(value.value(at: ["spec", "replicas"]) == nil)
    #expect(
      schema.validate(value, old: nil).map(\.description) == ["spec.selector: Required value"])
  }

  @Test(arguments: [
    (#"{"type":"integer","maximum":10}"#, "20", "Invalid value: 20: spec in body should be less than or equal to 10"),
    (#"{"type":"integer","minimum":1}"#, "0", "Invalid value: 0: spec in body should be greater than or equal to 1"),
    (#"{"type":"integer"}"#, #""x""#, #"Invalid value: "string": spec in body must be of type integer: "string""#),
    (#"{"type":"string","enum":["a","b"]}"#, #""c""#, #"Unsupported value: "c": supported values: "a", "b""#),
    (#"{"type":"string","pattern":"^[a-z]+$"}"#, #""A""#, #"Invalid value: "A": spec in body should match '^[a-z]+$'"#),
    (#"{"type":"string","minLength":1}"#, #""""#, #"Invalid value: "": spec in body should be at least 1 chars long"#),
    (#"{"type":"string","maxLength":2}"#, #""abc""#, "Too long: may not be more than 2 bytes"),
    (#"{"type":"array","maxItems":1,"items":{"type":"integer"}}"#, "[1,2]", "Too many: 2: must have at most 1 items"),
    (
      #"{"type":"string","format":"date-time"}"#, #""nope""#,
      #"Invalid value: "nope": spec in body must be of type date-time: "nope""#
    ),
    (
      #"{"type":"integer","format":"int32"}"#, "3000000000",
      #"Invalid value: 3000000000: spec in body must be of type int32: "int64""#
    ),
    (#"{"type":"integer","multipleOf":5}"#, "7", "Invalid value: 7: spec in body should be a multiple of 5"),
    (
      #"{"x-kubernetes-int-or-string":true}"#, "1.5",
      #"Invalid value: "number": spec in body must be of type integer,string: "number""#
    ),
    (#"{"type":"string"}"#, "null", #"Invalid value: "null": spec in body must be of type string: "null""#),
    (
      #"{"type":"object","not":{"required":["a"]},"properties":{"a":{"type":"string"}}}"#, #"{"a":"1"}"#,
      #"Invalid value: "": "spec" must not validate the schema (not)"#
    ),
  ])
  func violationsReadAsTheAPIServersDo(spec: String, value: String, message: String) throws {
    let errors = try schema(spec).validate(object(try JSONValue(parsing: value)), old: nil)
    #expect(errors.map(\.message) == [message])
    #expect(errors.map(\.path) == ["spec"])
  }

  @Test(arguments: [
    (#"{"type":"string","nullable":true}"#, "null"), (#"{"x-kubernetes-int-or-string":true}"#, #""25%""#),
    (#"{"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}]}"#, "3"),
    (#"{"type":"number"}"#, "1"), (#"{"type":"integer"}"#, "1.0"), (#"{"type":"string","format":"byte"}"#, #""aGk=""#),
    (#"{"type":"string","format":"uuid"}"#, #""123e4567-e89b-12d3-a456-426614174000""#),
    (
      #"{"type":"object","oneOf":[{"required":["a"]},{"required":["b"]}],"properties":{"a":{"type":"string"},"b":{"type":"string"}}}"#,
      #"{"a":"1"}"#
    ),
  ])
  func validValuesPass(spec: String, value: String) throws {
    #expect(try schema(spec).validate(object(try JSONValue(parsing: value)), old: nil) == [])
  }

  @Test func duplicatesInSetsAndMapsAreFound() throws {
    let schema = try schema(
      #"""
      {"type":"object","required":["list"],"properties":{
        "set":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
        "list":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],
          "items":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}}}}
      """#)
    let errors = schema.validate(object(["set": ["a", "a"], "list": [["name": "x"], ["name": "x"]]]), old: nil)
    #expect(
      errors.map(\.description) == [
        #"spec.list[1]: Duplicate value: {"name":"x"}"#, #"spec.set[1]: Duplicate value: "a""#,
      ])
    #expect(schema.validate(object([:]), old: nil).map(\.description) == ["spec.list: Required value"])
  }

  @Test func unchangedPartsAreLetThroughOnUpdate() throws {
    let schema = try schema(
      #"{"type":"object","properties":{"a":{"type":"string","maxLength":1},"b":{"type":"integer"}}}"#)
    let old = object(["a": "long", "b": 1])
    #expect(schema.validate(object(["a": "long", "b": 2]), old: old) == [])
    #expect(schema.validate(object(["a": "longer", "b": 2]), old: old).count == 1)
  }

  private let rules = #"""
    {"type":"object","x-kubernetes-validations":[{"rule":"self.min <= self.max","message":"min must not exceed max","fieldPath":".min"}],
     "properties":{"min":{"type":"integer"},"max":{"type":"integer"},
      "class":{"type":"string","x-kubernetes-validations":[{"rule":"self == oldSelf","message":"is immutable","reason":"FieldValueForbidden"}]},
      "size":{"x-kubernetes-int-or-string":true,"x-kubernetes-validations":[{"rule":"quantity(string(self)).compareTo(quantity(string(oldSelf))) >= 0","messageExpression":"'cannot shrink from ' + string(oldSelf) + ' to ' + string(self)"}]},
      "once":{"type":"string","x-kubernetes-validations":[{"rule":"!oldSelf.hasValue() || oldSelf.value() == self","optionalOldSelf":true}]}}}
    """#

  @Test func rulesRunOnCreateAndTransitionRulesOnUpdate() throws {
    let schema = try schema(rules)
    #expect(schema.ruleErrors() == [])
    #expect(
      schema.validate(object(["min": 3, "max": 2]), old: nil).map(\.description)
        == [#"spec.min: Invalid value: "object": min must not exceed max"#])
    let old = object(["min": 1, "max": 2, "class": "fast", "size": "50Gi", "once": "a"])
    #expect(schema.validate(old, old: nil) == [])
    let new = object(["min": 1, "max": 2, "class": "slow", "size": "20Gi", "once": "b"])
    #expect(
      schema.validate(new, old: old).map(\.description) == [
        "spec.class: Forbidden: is immutable",
        #"spec.once: Invalid value: "b": failed rule: !oldSelf.hasValue() || oldSelf.value() == self"#,
        #"spec.size: Invalid value: "20Gi": cannot shrink from 50Gi to 20Gi"#,
      ])
  }

  @Test func rulesAreNotRunOverAnObjectOfTheWrongShape() throws {
    let errors = try schema(rules).validate(object(["min": "x", "max": 2]), old: nil)
    #expect(errors.count == 2)
    #expect(errors.last?.path == "<nil>")
  }

  @Test(arguments: [
    ("self.minn > 1", "undefined field 'minn'"), ("slef.min > 1", "undeclared reference to 'slef' (in container '')"),
    ("self.min.foo()", "undeclared reference to 'foo' (in container '')"),
    ("self.min >", "Syntax error: unexpected <EOF> at position 11"),
  ])
  func brokenRulesAreFoundWhenTheSchemaIsStored(rule: String, problem: String) throws {
    let text = FieldError.render(.string(rule))
    let schema = try schema(
      #"{"type":"object","x-kubernetes-validations":[{"rule":\#(text)}],"properties":{"min":{"type":"integer"}}}"#)
    #expect(schema.ruleErrors().map(\.detail) == ["compilation failed: \(problem)"])
  }

  @Test func theShippedResourcesHaveSoundRules() throws {
    let folder = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../crds").standardized
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "yaml" && $0.lastPathComponent != "kustomization.yaml" }
    #expect(!files.isEmpty)
    for file in files {
      for definition in try YAML.parse(String(contentsOf: file, encoding: .utf8)) {
        for version in definition.value(at: ["spec", "versions"])?.arrayValue ?? [] {
          let schema = try #require(version.value(at: ["schema", "openAPIV3Schema"]))
          #expect(StructuralSchema(openAPIV3: schema).ruleErrors().map(\.description) == [])
        }
      }
    }
  }

  @Test func componentsOfAGroupAreClosedUnderReferences() {
    let components = BuiltinSchemaRegistry.shared.openAPIv3Components(group: "apps", version: "v1").objectValue ?? [:]
    #expect(components["io.k8s.api.apps.v1.Deployment"] != nil)
    #expect(components["io.k8s.api.core.v1.PodSpec"] != nil)
    #expect(components["io.k8s.api.batch.v1.Job"] == nil)
  }
}
