import Foundation
import KubernetesClient
import KubernetesModels

/// Files of this repository.
enum Repository {
  static func text(_ path: String) throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
    return try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }
}

func configMap(
  _ name: String, in namespace: String, _ data: [String: String] = [:], labels: [String: String]? = nil
) -> ConfigMap {
  ConfigMap(data: data.isEmpty ? nil : data, metadata: ObjectMeta(labels: labels, name: name, namespace: namespace))
}

/// A Deployment with one container, `main`.
func deployment(_ name: String, in namespace: String, replicas: Int? = nil, image: String = "example:1")
  -> DynamicObject
{
  var json: JSONValue = [
    "apiVersion": "apps/v1", "kind": "Deployment",
    "metadata": ["name": .string(name), "namespace": .string(namespace)],
    "spec": [
      "selector": ["matchLabels": ["app": .string(name)]],
      "template": [
        "metadata": ["labels": ["app": .string(name)]],
        "spec": ["containers": [["name": "main", "image": .string(image)]]],
      ],
    ],
  ]
  if let replicas { json.set(.integer(Int64(replicas)), at: ["spec", "replicas"]) }
  return DynamicObject(json)
}

func pod(_ name: String, in namespace: String, labels: JSONValue = [:], node: String? = nil) -> DynamicObject {
  var json: JSONValue = [
    "apiVersion": "v1", "kind": "Pod",
    "metadata": ["name": .string(name), "namespace": .string(namespace), "labels": labels],
    "spec": ["containers": [["name": "main", "image": "example:1"]]],
  ]
  if let node { json.set(.string(node), at: ["spec", "nodeName"]) }
  return DynamicObject(json)
}

/// A small type of a group of its own, so that every test has its own definition.
struct Widgets: Sendable {
  let type: ResourceType
  var schema: JSONValue
  var subresources: JSONValue = ["status": [:]]
  var columns: JSONValue = []

  init(schema: JSONValue = ["type": "object", "x-kubernetes-preserve-unknown-fields": true]) {
    let group = "g\(UInt32.random(in: .min ... .max)).example.com"
    type = ResourceType(group: group, version: "v1", kind: "Widget", plural: "widgets")
    self.schema = schema
  }

  var definition: DynamicObject {
    DynamicObject([
      "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
      "metadata": ["name": .string("widgets.\(type.group)")],
      "spec": [
        "group": .string(type.group), "scope": "Namespaced",
        "names": [
          "plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList", "shortNames": ["wdg"],
        ],
        "versions": [
          [
            "name": "v1", "served": true, "storage": true, "schema": ["openAPIV3Schema": schema],
            "subresources": subresources, "additionalPrinterColumns": columns,
          ]
        ],
      ],
    ])
  }

  func object(_ name: String, in namespace: String, _ spec: JSONValue = [:]) -> DynamicObject {
    DynamicObject([
      "apiVersion": .string(type.apiVersion), "kind": "Widget",
      "metadata": ["name": .string(name), "namespace": .string(namespace)], "spec": spec,
    ])
  }

  func path(_ namespace: String, _ name: String? = nil) -> String {
    "/apis/\(type.group)/v1/namespaces/\(namespace)/widgets" + (name.map { "/" + $0 } ?? "")
  }
}
