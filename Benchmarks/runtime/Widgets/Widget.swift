public import KubernetesModels

/// The custom resource of the benchmark. Its operator makes six objects of each and says so in the status.
public struct Widget: KubernetesResource {
  public static let resourceType = ResourceType(
    group: "bench.example.com", version: "v1", kind: "Widget", plural: "widgets", isNamespaced: true)
  public static let namespace = "bench"
  /// The nanoseconds since 1970 at which the driver made a change, for the latency.
  public static let changedAnnotation = "bench.example.com/changed"

  public struct Spec: Codable, Sendable, Equatable {
    public var value: String
    public init(value: String) { self.value = value }
  }

  public struct Status: Codable, Sendable, Equatable {
    public var observedGeneration: Int?
    public var objects: Int?
    public init(observedGeneration: Int?, objects: Int) {
      self.observedGeneration = observedGeneration
      self.objects = objects
    }
  }

  public var apiVersion: String? = "bench.example.com/v1"
  public var kind: String? = "Widget"
  public var metadata: ObjectMeta
  public var spec: Spec?
  public var status: Status?

  public init(metadata: ObjectMeta, spec: Spec) {
    self.metadata = metadata
    self.spec = spec
  }

  public static let definition: JSONValue = [
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": ["name": "widgets.bench.example.com"],
    "spec": [
      "group": "bench.example.com", "scope": "Namespaced",
      "names": ["kind": "Widget", "listKind": "WidgetList", "plural": "widgets", "singular": "widget"],
      "versions": [
        [
          "name": "v1", "served": true, "storage": true, "subresources": ["status": [:]],
          "schema": [
            "openAPIV3Schema": [
              "type": "object",
              "properties": [
                "spec": ["type": "object", "properties": ["value": ["type": "string"]]],
                "status": [
                  "type": "object",
                  // kopf keeps its progress there.
                  "x-kubernetes-preserve-unknown-fields": true,
                  "properties": ["observedGeneration": ["type": "integer"], "objects": ["type": "integer"]],
                ],
              ],
            ]
          ],
        ]
      ],
    ],
  ]
}
