import KubernetesModels
import Testing

@testable import OperatorRuntime

@Suite struct SubsetComparisonTests {
  static let observed: JSONValue = [
    "metadata": ["name": "a", "uid": "1", "labels": ["app": "web", "extra": "x"], "finalizers": ["theirs", "ours"]],
    "spec": [
      "replicas": 3,
      "containers": [
        ["name": "sidecar", "image": "injected"],
        [
          "name": "app", "image": "web:1", "imagePullPolicy": "IfNotPresent", "args": ["serve", "--port", "3000"],
          "resources": ["requests": ["cpu": "1", "memory": "1Gi"]],
          "ports": [
            ["containerPort": 53, "protocol": "UDP", "name": "dns-udp"],
            ["containerPort": 53, "protocol": "TCP", "name": "dns"],
          ],
        ],
      ],
    ],
  ]

  static let metDesires: [JSONValue] = [
    ["spec": ["replicas": 3]],
    ["metadata": ["labels": ["app": "web"], "finalizers": ["ours"]]],
    ["spec": ["containers": [["name": "app", "image": "web:1"]]]],
    ["spec": ["containers": [["name": "app", "resources": ["requests": ["cpu": "1000m", "memory": "1024Mi"]]]]]],
    ["spec": ["containers": [["name": "app", "ports": [["containerPort": 53]]]]]],
    ["spec": ["containers": [["name": "app", "env": [], "securityContext": [:], "lifecycle": .null]]]],
    ["spec": ["replicas": 3.0]],
    ["spec": ["minReadySeconds": 0, "paused": false, "serviceName": ""]],
  ]

  @Test(arguments: metDesires)
  func isMet(_ desired: JSONValue) {
    #expect(SubsetComparison.firstDifference(desired: desired, observed: Self.observed) == nil)
  }

  static let differences: [(JSONValue, String)] = [
    (["spec": ["replicas": 4]], "spec.replicas"),
    (["metadata": ["labels": ["app": "other"]]], "metadata.labels.app"),
    (["spec": ["containers": [["name": "app", "image": "web:2"]]]], "spec.containers[app].image"),
    (["spec": ["containers": [["name": "missing"]]]], "spec.containers[missing]"),
    (["spec": ["containers": [["name": "app", "args": ["serve"]]]]], "spec.containers[app].args"),
    (
      ["spec": ["containers": [["name": "app", "resources": ["requests": ["cpu": "2"]]]]]],
      "spec.containers[app].resources.requests.cpu"
    ),
    (["spec": ["containers": [["name": "app", "env": [["name": "A", "value": "1"]]]]]], "spec.containers[app].env"),
    (["spec": ["paused": true]], "spec.paused"),
    (["metadata": ["labels": ["empty": ""]]], "metadata.labels.empty"),
    (["metadata": ["finalizers": ["absent"]]], "metadata.finalizers"),
  ]

  @Test(arguments: differences)
  func differs(_ desired: JSONValue, _ path: String) {
    #expect(SubsetComparison.firstDifference(desired: desired, observed: Self.observed) == path)
  }
}
