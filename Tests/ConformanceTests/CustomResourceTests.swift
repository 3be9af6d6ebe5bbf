import KubernetesClient
import KubernetesModels
import Testing

@Suite(.timeLimit(.minutes(2))) struct CustomResourceTests {
  private static let schema: JSONValue = [
    "type": "object",
    "properties": [
      "spec": [
        "type": "object", "required": ["size"],
        "properties": [
          "size": ["type": "integer", "minimum": 1, "maximum": 10],
          "mode": ["type": "string", "enum": ["fast", "safe"], "default": "safe"],
          "name": ["type": "string", "maxLength": 5, "pattern": "^[a-z]+$"],
          "port": ["x-kubernetes-int-or-string": true],
          "nested": ["type": "object", "default": [:], "properties": ["on": ["type": "boolean", "default": true]]],
          "free": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
          "frozen": [
            "type": "string",
            "x-kubernetes-validations": [["rule": "self == oldSelf", "message": "spec.frozen: cannot be changed"]],
          ],
        ],
        "x-kubernetes-validations": [
          ["rule": "self.mode != 'fast' || self.size <= 5", "message": "fast needs a size of 5 at most"]
        ],
      ],
      "status": ["type": "object", "properties": ["ready": ["type": "integer"], "selector": ["type": "string"]]],
    ],
  ]

  private func installed(_ server: TestServer) async throws -> Widgets {
    var widgets = Widgets(schema: Self.schema)
    widgets.subresources = [
      "status": [:],
      "scale": [
        "specReplicasPath": ".spec.size", "statusReplicasPath": ".status.ready",
        "labelSelectorPath": ".status.selector",
      ],
    ]
    widgets.columns = [
      ["name": "Mode", "type": "string", "jsonPath": ".spec.mode"],
      ["name": "Size", "type": "integer", "jsonPath": ".spec.size", "priority": 1],
      ["name": "Ready", "type": "integer", "jsonPath": ".status.ready"],
    ]
    try await server.install(definition: widgets.definition)
    return widgets
  }

  @Test(arguments: Servers.atHand) func objectsAreDefaultedAndPruned(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let widgets = try await installed(server)
    let created = try await client.create(
      widgets.type,
      widgets.object("a", in: namespace, ["size": 3, "port": "http", "unknown": 1, "free": ["any": ["thing"]]]))
    #expect(
      created.json["spec"] == [
        "size": 3, "mode": "safe", "port": "http", "nested": ["on": true], "free": ["any": ["thing"]],
      ])
    #expect(created.generation == 1)
    let strict = try await refusal {
      try await client.create(
        widgets.type, widgets.object("b", in: namespace, ["size": 3, "unknown": 1]),
        options: WriteOptions(fieldValidation: "Strict"))
    }
    #expect(strict.statusCode == 400)
    #expect(strict.status?.message?.contains("strict decoding error: unknown field \"spec.unknown\"") == true)
  }

  @Test(
    arguments: Servers.atHand,
    [
      (["size": 0], "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"),
      (["size": 11], "spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10"),
      (["size": "3"], "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\""),
      ([:], "spec.size: Required value"),
      (["size": 1, "mode": "slow"], "spec.mode: Unsupported value: \"slow\": supported values: \"fast\", \"safe\""),
      (["size": 1, "name": "abcdef"], "spec.name: Too long: may not be more than 5"),
      (["size": 1, "name": "A"], "spec.name: Invalid value: \"A\": spec.name in body should match '^[a-z]+$'"),
      (["size": 6, "mode": "fast"], "fast needs a size of 5 at most"),
    ] as [(JSONValue, String)])
  func badObjectsAreRefused(_ kind: Servers, _ example: (spec: JSONValue, message: String)) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let widgets = try await shared(server)
    let error = try await refusal {
      try await server.client.create(widgets.type, widgets.object("a", in: namespace, example.spec))
    }
    #expect(error.isInvalid && error.reason == "Invalid")
    #expect(error.status?.message?.hasPrefix("Widget.\(widgets.type.group) \"a\" is invalid: ") == true)
    #expect(error.status?.message?.contains(example.message) == true, "\(error)")
  }

  @Test(arguments: Servers.atHand) func transitionRulesSeeTheOldObject(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let widgets = try await shared(server)
    try await server.client.create(widgets.type, widgets.object("a", in: namespace, ["size": 1, "frozen": "x"]))
    let error = try await refusal {
      try await server.client.patch(widgets.type, "a", in: namespace, .merge(["spec": ["frozen": "y"]]))
    }
    #expect(error.isInvalid)
    let cause = try #require(error.status?.details?.causes?.first)
    #expect(cause.field == "spec.frozen")
    #expect(cause.message?.contains("spec.frozen: cannot be changed") == true)
  }

  @Test(arguments: Servers.atHand) func subresourcesWork(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let widgets = try await shared(server)
    // What a creation says of the status is dropped.
    let created = try await client.create(
      widgets.type,
      with(widgets.object("a", in: namespace, ["size": 2])) { $0["status"] = ["ready": 1] })
    #expect(created.json["status"] == nil)
    let reported = try await client.patch(
      widgets.type, "a", in: namespace, .merge(["status": ["ready": 2, "selector": "app=a"], "spec": ["size": 9]]),
      subresource: "status")
    #expect(reported.json["status"] == ["ready": 2, "selector": "app=a"])
    #expect(reported.json.value(at: ["spec", "size"]) == 2 && reported.generation == 1)
    let wrong = try await refusal {
      try await client.patch(
        widgets.type, "a", in: namespace, .merge(["status": ["ready": "two"]]), subresource: "status")
    }
    #expect(wrong.isInvalid)

    let scale = try await client.scale(of: widgets.type, "a", in: namespace)
    #expect((scale.desiredReplicas, scale.currentReplicas, scale.selector) == (2, 2, "app=a"))
    try await client.scale(widgets.type, "a", in: namespace, to: 3)
    let scaled = try await client.get(widgets.type, "a", in: namespace)
    #expect(scaled.json.value(at: ["spec", "size"]) == 3 && scaled.generation == 2)
    #expect(try await refusal { try await client.scale(widgets.type, "a", in: namespace, to: 11) }.isInvalid)
  }

  @Test(arguments: Servers.atHand) func tablesHaveTheDefinitionsColumns(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let widgets = try await shared(server)
    try await client.create(widgets.type, widgets.object("a", in: namespace, ["size": 2]))
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    let table = try await client.call(.get, widgets.path(namespace), accept: accept)
    #expect(table.text("kind") == "Table" && table.text("apiVersion") == "meta.k8s.io/v1")
    let columns = table.json["columnDefinitions"]?.arrayValue?.compactMap { $0["name"]?.stringValue }
    #expect(columns == ["Name", "Mode", "Size", "Ready"])
    let row = try #require(table.json["rows"]?.arrayValue?.first)
    #expect(row["cells"]?.arrayValue?.prefix(3) == ["a", "safe", 2])
    #expect(row["cells"]?[3]?.isNull == true)
    #expect(row.value(at: ["object", "kind"]) == "PartialObjectMetadata")
    let single = try await client.call(.get, widgets.path(namespace, "a"), accept: accept)
    #expect(single.json["rows"]?.arrayValue?.count == 1)
  }

  @Test(arguments: Servers.atHand) func deletingTheDefinitionDeletesItsObjects(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let widgets = try await installed(server)
    try await client.create(widgets.type, widgets.object("a", in: namespace, ["size": 2]))
    try await client.delete(CustomResourceDefinition.self, "widgets.\(widgets.type.group)")
    try await eventually("the definition is gone") {
      try await client.getIfPresent(CustomResourceDefinition.self, "widgets.\(widgets.type.group)") == nil ? true : nil
    }
    try await eventually("the type is no longer served") {
      try await client.call(.get, widgets.path(namespace)).status == 404 ? true : nil
    }
    #expect(try await client.serves(widgets.type) == false)
  }

  @Test(arguments: Servers.atHand) func badDefinitionsAreRefused(_ kind: Servers) async throws {
    let server = try await kind.start()
    func error(_ schema: JSONValue) async throws -> KubernetesError {
      let definition = Widgets(schema: schema).definition
      return try await refusal {
        try await server.client.create(CustomResourceDefinition.resourceType, definition)
      }
    }
    let untyped = try await error(["type": "object", "properties": ["spec": ["properties": ["a": ["type": "string"]]]]])
    #expect(untyped.isInvalid && untyped.status?.message?.contains("type: Required value") == true)
    let badDefault = try await error([
      "type": "object",
      "properties": ["spec": ["type": "object", "properties": ["a": ["type": "integer", "default": "x"]]]],
    ])
    #expect(badDefault.isInvalid && badDefault.status?.message?.contains("default: Invalid value") == true)
    let badRule = try await error([
      "type": "object",
      "properties": [
        "spec": [
          "type": "object", "properties": ["a": ["type": "integer"]],
          "x-kubernetes-validations": [["rule": "self.b > 1"]],
        ]
      ],
    ])
    #expect(badRule.isInvalid && badRule.status?.message?.contains("undefined field 'b'") == true)
  }

  private func shared(_ server: TestServer) async throws -> Widgets {
    try await sharedWidgets.value(for: server.kind) { try await installed(server) }
  }
}

/// One definition a server for the tests that only need some.
private let sharedWidgets = Memo<Servers, Widgets>()
