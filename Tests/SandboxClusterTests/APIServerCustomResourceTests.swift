import KubernetesClient
import KubernetesModels
import Testing

@testable import SandboxCluster

private let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
private let widgets = "/apis/example.com/v1/namespaces/default/widgets"

@Suite struct APIServerCustomResourceTests {
  let api: Wire

  init() async throws {
    api = Wire(try APIServer())
    let answer = try await api.create(definitions, Self.definition)
    try #require(answer.status == 201, "\(answer.message)")
  }

  private static let definition: JSONValue = [
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": ["name": "widgets.example.com"],
    "spec": [
      "group": "example.com", "scope": "Namespaced",
      "names": ["kind": "Widget", "plural": "widgets", "shortNames": ["wd"], "categories": ["toys"]],
      "versions": [
        [
          "name": "v1", "served": true, "storage": true,
          "subresources": [
            "status": [:],
            "scale": ["specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"],
          ],
          "additionalPrinterColumns": [
            ["name": "Size", "type": "integer", "jsonPath": ".spec.size"],
            ["name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"],
            ["name": "Since", "type": "date", "jsonPath": ".metadata.creationTimestamp"],
          ],
          "schema": [
            "openAPIV3Schema": [
              "type": "object",
              "properties": [
                "spec": [
                  "type": "object", "required": ["colour"],
                  "properties": [
                    "colour": ["type": "string", "enum": ["red", "blue"]],
                    "size": ["type": "integer", "default": 3, "minimum": 1, "maximum": 9],
                    "frozen": [
                      "type": "string",
                      "x-kubernetes-validations": [["rule": "self == oldSelf", "message": "frozen cannot change"]],
                    ],
                  ],
                ],
                "status": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
              ],
            ]
          ],
        ]
      ],
    ],
  ]

  private func widget(_ name: String, _ spec: JSONValue) -> JSONValue {
    ["apiVersion": "example.com/v1", "kind": "Widget", "metadata": ["name": .string(name)], "spec": spec]
  }

  @Test func aDefinitionIsEstablishedAtOnceAndDiscovered() async throws {
    let stored = try await api.get("\(definitions)/widgets.example.com").json
    let conditions = stored.itemsAt("status", "conditions").filter { $0.textAt("status") == "True" }.compactMap {
      $0.textAt("type")
    }
    #expect(conditions == ["NamesAccepted", "Established"])
    let list = try await api.get("/apis/example.com/v1").json
    #expect(
      list.itemsAt("resources").compactMap { $0.textAt("name") } == ["widgets", "widgets/status", "widgets/scale"])
    #expect(list.itemsAt("resources").first?.itemsAt("shortNames") == ["wd"])
    let groups = try await api.get(
      "/apis",
      headers: [("Accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json")])
    #expect(groups.json["kind"] == "APIGroupDiscoveryList")
    #expect(groups.json.itemsAt("items").contains { $0.textAt("metadata", "name") == "example.com" })
    let document = try await api.get("/openapi/v3/apis/example.com/v1").json
    #expect(
      document.at("paths", "/apis/example.com/v1/namespaces/{namespace}/widgets/{name}", "patch", "parameters") != nil)
    #expect(document.at("components", "schemas", "com.example.v1.Widget", "properties", "spec") != nil)
  }

  @Test func objectsAreDefaultedPrunedAndValidated() async throws {
    let created = try await api.create(widgets, widget("w", ["colour": "red", "unknown": 1]))
    #expect(created.json.intAt("spec", "size") == 3)
    #expect(created.json.at("spec", "unknown") == nil)
    #expect(created.warnings.contains { $0.contains("unknown field") })
    let bad = try await api.create(widgets, widget("x", ["colour": "green", "size": 10]))
    #expect(bad.status == 422)
    let fields = bad.json.itemsAt("details", "causes").compactMap { $0.textAt("field") }.sorted()
    #expect(fields == ["spec.colour", "spec.size"])
    #expect(bad.message.hasPrefix("Widget.example.com \"x\" is invalid: ["))
  }

  @Test func transitionRulesHold() async throws {
    _ = try await api.create(widgets, widget("f", ["colour": "red", "frozen": "ice"]))
    let changed = try await api.patch("\(widgets)/f", ["spec": ["frozen": "water"]])
    #expect(changed.status == 422)
    #expect(changed.message.contains("frozen cannot change"))
  }

  @Test func generationStatusAndScaleWork() async throws {
    _ = try await api.create(widgets, widget("g", ["colour": "red"]))
    let status = try await api.patch(
      "\(widgets)/g/status", ["status": ["conditions": [["type": "Ready", "status": "True"]]]])
    #expect(status.json.intAt("metadata", "generation") == 1)
    let scaled = try await api.patch("\(widgets)/g/scale", ["spec": ["replicas": 5]])
    #expect(scaled.json.intAt("spec", "replicas") == 5)
    #expect(try await api.get("\(widgets)/g").json.intAt("metadata", "generation") == 2)
    let table = try await api.get("\(widgets)/g", headers: [("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")])
    #expect(table.json.itemsAt("rows", "0", "cells").prefix(3) == ["g", 5, "True"])
  }

  @Test func deletingTheDefinitionDeletesItsObjects() async throws {
    _ = try await api.create(widgets, widget("gone", ["colour": "red"]))
    _ = try await api.send(.delete, "\(definitions)/widgets.example.com")
    #expect(try await api.get("\(definitions)/widgets.example.com").status == 404)
    #expect(try await api.get(widgets).status == 404)
    #expect(try await api.get("/apis/example.com/v1").status == 404)
  }
}
