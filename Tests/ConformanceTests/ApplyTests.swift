import KubernetesClient
import KubernetesModels
import OperatorRuntime
import Testing

/// Server-side apply (Kubernetes: "Server-Side Apply").
@Suite(.timeLimit(.minutes(2))) struct ApplyTests {
  @Test(arguments: Servers.atHand) func applyCreatesThenDoesNothing(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let desired = configMap("a", in: namespace, ["n": "1"], labels: ["x": "y"])
    let created = try await server.client.apply(desired, fieldManager: "first")
    let entry = try #require(created.metadata.managedFields?.first)
    #expect((entry.manager, entry.operation) == ("first", "Apply"))
    #expect(entry.fieldsV1 == ["f:data": ["f:n": [:]], "f:metadata": ["f:labels": ["f:x": [:]]]])
    let again = try await server.client.apply(desired, fieldManager: "first")
    #expect(again == created)
  }

  @Test(arguments: Servers.atHand) func ownedFieldIsDefendedUntilForced(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    _ = try await client.apply(configMap("a", in: namespace, ["n": "1"]), fieldManager: "first")
    let conflict = try await refusal {
      try await client.apply(configMap("a", in: namespace, ["n": "2"]), fieldManager: "second", force: false)
    }
    #expect(conflict.isConflict)
    #expect(conflict.status?.message == "Apply failed with 1 conflict: conflict with \"first\": .data.n")
    #expect(
      conflict.status?.details?.causes == [
        StatusCause(field: ".data.n", message: "conflict with \"first\"", reason: "FieldManagerConflict")
      ])
    // The same value is no conflict: both own it then.
    let shared = try await client.apply(
      configMap("a", in: namespace, ["n": "1"]), fieldManager: "second", force: false)
    #expect(managers(of: shared.metadata, owning: ["f:data", "f:n"]) == ["first", "second"])
    let forced = try await client.apply(configMap("a", in: namespace, ["n": "2"]), fieldManager: "second")
    #expect(forced.data == ["n": "2"])
    #expect(managers(of: forced.metadata, owning: ["f:data", "f:n"]) == ["second"])
  }

  @Test(arguments: Servers.atHand) func updatesTakeOwnershipToo(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    _ = try await client.apply(configMap("a", in: namespace, ["n": "1", "m": "1"]), fieldManager: "first")
    let _: ConfigMap = try await client.patch(
      ConfigMap.self, "a", in: namespace, .merge(["data": ["n": "2"]]), options: WriteOptions(fieldManager: "editor"))
    let conflict = try await refusal {
      try await client.apply(
        configMap("a", in: namespace, ["n": "1", "m": "1"]), fieldManager: "first", force: false)
    }
    let cause = try #require(conflict.status?.details?.causes?.first)
    #expect(cause.field == ".data.n")
    #expect(cause.message?.hasPrefix("conflict with \"editor\" using v1") == true)
  }

  @Test(arguments: Servers.atHand) func fieldLeftOutIsRemovedUnlessShared(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    _ = try await client.apply(
      configMap("a", in: namespace, ["own": "1", "shared": "1"], labels: ["x": "y"]), fieldManager: "first")
    _ = try await client.apply(configMap("a", in: namespace, ["shared": "1"]), fieldManager: "second")
    let _: ConfigMap = try await client.patch(
      ConfigMap.self, "a", in: namespace, .merge(["data": ["foreign": "1"]]))
    let left = try await client.apply(configMap("a", in: namespace), fieldManager: "first")
    #expect(left.data == ["shared": "1", "foreign": "1"])
    #expect(left.metadata.labels == nil)
    #expect(left.metadata.managedFields?.contains { $0.manager == "first" } == false)
  }

  @Test(arguments: Servers.atHand) func listItemsAreOwnedOneByOne(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    func apply(_ manager: String, image: String?, _ env: [String: String]) async throws -> Container {
      let variables = env.sorted { $0.key < $1.key }.map { name, value -> JSONValue in
        ["name": .string(name), "value": .string(value)]
      }
      var container: JSONValue = ["name": "main", "env": .array(variables)]
      if let image { container["image"] = .string(image) }
      let object = with(deployment("a", in: namespace)) {
        $0.set([container], at: ["spec", "template", "spec", "containers"])
      }
      let applied: Deployment = try await client.apply(
        Deployment.resourceType, object, fieldManager: manager, force: false
      ).decode()
      return try #require(applied.spec?.template.spec?.containers.first)
    }
    _ = try await apply("first", image: "example:1", ["A": "1", "B": "2"])
    let both = try await apply("second", image: nil, ["C": "3"])
    #expect(both.env?.map(\.name) == ["A", "B", "C"] && both.image == "example:1")
    let fewer = try await apply("first", image: "example:2", ["B": "4"])
    #expect(fewer.env?.map { "\($0.name)=\($0.value ?? "")" } == ["B=4", "C=3"])
    #expect(fewer.image == "example:2")
    let conflict = try await refusal { try await apply("second", image: nil, ["B": "5"]) }
    #expect(
      conflict.status?.details?.causes?.first?.field
        == #".spec.template.spec.containers[name="main"].env[name="B"].value"#)
  }

  @Test(arguments: Servers.atHand) func portsHaveTwoKeysAndSetsMerge(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    func service(_ ports: [ServicePort]) -> Service {
      Service(
        metadata: ObjectMeta(name: "a", namespace: namespace),
        spec: ServiceSpec(ports: ports, selector: ["app": "a"]))
    }
    _ = try await client.apply(
      service([ServicePort(name: "dns", port: 53, protocol: "UDP")]), fieldManager: "first")
    let both = try await client.apply(
      service([ServicePort(name: "dns-tcp", port: 53, protocol: "TCP")]), fieldManager: "second", force: false)
    #expect(both.spec?.ports?.compactMap(\.protocol) == ["UDP", "TCP"])

    func held(_ finalizer: String) -> ConfigMap {
      ConfigMap(metadata: ObjectMeta(finalizers: [finalizer], name: "held", namespace: namespace))
    }
    _ = try await client.apply(held("example.com/one"), fieldManager: "first")
    let two = try await client.apply(held("example.com/two"), fieldManager: "second", force: false)
    #expect(Set(two.metadata.finalizers ?? []) == ["example.com/one", "example.com/two"])
    let one = try await client.apply(configMap("held", in: namespace), fieldManager: "first")
    #expect(one.metadata.finalizers == ["example.com/two"])
    _ = try await client.apply(configMap("held", in: namespace), fieldManager: "second")
  }

  @Test(arguments: Servers.atHand) func statusIsAppliedApart(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let created = try await client.apply(
      Deployment.resourceType, deployment("a", in: namespace, replicas: 2), fieldManager: "first")
    let status = DynamicObject([
      "apiVersion": "apps/v1", "kind": "Deployment",
      "metadata": ["name": "a", "namespace": .string(namespace)],
      "status": ["replicas": 2, "conditions": [["type": "Available", "status": "True"]]],
      "spec": ["replicas": 9],
    ])
    let reported: Deployment = try await client.apply(
      Deployment.resourceType, status, fieldManager: "reporter", subresource: "status"
    ).decode()
    #expect(reported.status?.replicas == 2 && reported.spec?.replicas == 2)
    #expect(reported.metadata.generation == created.generation)
    let entry = try #require(reported.metadata.managedFields?.first { $0.manager == "reporter" })
    #expect((entry.operation, entry.subresource) == ("Apply", "status"))
    // The main resource's apply leaves it alone.
    let again: Deployment = try await client.apply(
      Deployment.resourceType, deployment("a", in: namespace, replicas: 2), fieldManager: "first"
    ).decode()
    #expect(again.status == reported.status)
  }

  @Test(arguments: Servers.atHand) func customResourcesMergeBySchema(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let rule: JSONValue = [
      "type": "object", "required": ["name"],
      "properties": ["name": ["type": "string"], "weight": ["type": "integer"]],
    ]
    let widgets = Widgets(schema: [
      "type": "object",
      "properties": [
        "spec": [
          "type": "object",
          "properties": [
            "rules": [
              "type": "array", "items": rule, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            ],
            "tags": ["type": "array", "items": ["type": "string"], "x-kubernetes-list-type": "set"],
            "order": ["type": "array", "items": ["type": "string"]],
          ],
        ]
      ],
    ])
    try await server.install(definition: widgets.definition)
    func apply(_ manager: String, _ spec: JSONValue, force: Bool = false) async throws -> JSONValue? {
      try await client.apply(
        widgets.type, widgets.object("a", in: namespace, spec), fieldManager: manager, force: force
      ).json["spec"]
    }
    _ = try await apply("first", ["rules": [["name": "a", "weight": 1]], "tags": ["x"], "order": ["1", "2"]])
    let both = try await apply("second", ["rules": [["name": "b", "weight": 2]], "tags": ["y"]])
    #expect(both?["rules"] == [["name": "a", "weight": 1], ["name": "b", "weight": 2]])
    #expect(both?["tags"] == ["x", "y"])
    // A list without keys is one value: it is owned whole.
    let conflict = try await refusal { try await apply("second", ["order": ["3"]]) }
    #expect(conflict.status?.details?.causes?.first?.field == ".spec.order")
    let twice = try await refusal {
      try await apply("first", ["rules": [["name": "a", "weight": 1], ["name": "a", "weight": 2]]], force: true)
    }
    #expect(twice.statusCode.map { (400..<600).contains($0) } == true)
  }

  @Test(arguments: Servers.atHand) func badAppliesAreRefused(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let path = "/api/v1/namespaces/\(namespace)/configmaps/a"
    let type = "application/apply-patch+yaml"
    let body = try JSONValue(encoding: configMap("a", in: namespace, ["n": "1"]))

    let anonymous = try await client.call(.patch, path, body: body, type: type)
    #expect(anonymous.status == 422 && anonymous.message.contains("fieldManager: Required value"))
    let unasked = try await refusal {
      try await client.patch(ConfigMap.self, "a", in: namespace, .apply(body, force: true))
    }
    #expect(unasked.description.contains("needs a field manager"))

    var managed = body
    managed.set([["manager": "m", "operation": "Apply", "apiVersion": "v1"]], at: ["metadata", "managedFields"])
    let query = [(name: "fieldManager", value: "tests")]
    let withFields = try await client.call(.patch, path, query: query, body: managed, type: type)
    #expect(withFields.status == 400 && withFields.message.contains("metadata.managedFields must be nil"))

    var renamed = body
    renamed.set("b", at: ["metadata", "name"])
    #expect(try await client.call(.patch, path, query: query, body: renamed, type: type).status == 400)
    let yaml = try await client.call(
      .patch, path, query: query, text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  key: \"1\"\n",
      type: type)
    #expect(yaml.status == 201 && yaml.text("data", "key") == "1")
  }

  /// Who owns a field, by the path of its managed-fields keys.
  private func managers(of metadata: ObjectMeta, owning path: [String]) -> Set<String> {
    let entries = (metadata.managedFields ?? []).filter { $0.fieldsV1?.value(at: path) != nil }
    return Set(entries.compactMap(\.manager))
  }
}
