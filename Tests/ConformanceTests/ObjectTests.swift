import KubernetesClient
import KubernetesModels
import OperatorRuntime
import Testing

@Suite(.timeLimit(.minutes(2))) struct ObjectTests {
  @Test(arguments: Servers.atHand) func createdObjectHasWhatTheServerAdds(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let created = try await server.client.create(
      configMap("a", in: namespace, ["key": "value"]), options: WriteOptions(fieldManager: "tests"))
    #expect(created.metadata.uid?.utf8.count == 36)
    #expect(UInt64(created.metadata.resourceVersion ?? "") ?? 0 > 0)
    #expect(created.metadata.creationTimestamp != nil)
    let entry = try #require(created.metadata.managedFields?.first)
    #expect((entry.manager, entry.operation, entry.apiVersion) == ("tests", "Update", "v1"))
    #expect(entry.fieldsV1 == ["f:data": [".": [:], "f:key": [:]]])
    #expect(try await server.client.get(ConfigMap.self, "a", in: namespace) == created)
    #expect(try await server.client.list(ConfigMap.self, in: namespace).items == [created])
  }

  @Test(arguments: Servers.atHand) func takenNameIsRefused(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    try await server.client.create(configMap("a", in: namespace))
    let error = try await refusal { try await server.client.create(configMap("a", in: namespace)) }
    #expect(error.isAlreadyExists && !error.isConflict)
    #expect(error.status?.message == "configmaps \"a\" already exists")
    #expect(error.status?.details == StatusDetails(kind: "configmaps", name: "a"))
  }

  @Test(arguments: Servers.atHand) func creationIsRefused(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let path = "/api/v1/namespaces/\(namespace)/configmaps"

    var versioned = configMap("a", in: namespace)
    versioned.metadata.resourceVersion = "7"
    let withVersion = try await server.client.call(.post, path, body: try JSONValue(encoding: versioned))
    #expect(withVersion.status == 500 || withVersion.status == 400)
    #expect(withVersion.message.contains("resourceVersion should not be set on objects to be created"))

    let badName = try await refusal { try await server.client.create(configMap("Not_Good", in: namespace)) }
    #expect(badName.isInvalid && badName.status?.details?.causes?.first?.field == "metadata.name")
    #expect(
      badName.status?.message?.hasPrefix("ConfigMap \"Not_Good\" is invalid: metadata.name: Invalid value: ") == true)

    let elsewhere = try await server.client.call(
      .post, path, body: try JSONValue(encoding: configMap("a", in: "default")))
    #expect(elsewhere.status == 400)
    #expect(
      elsewhere.message == "the namespace of the provided object does not match the namespace sent on the request")

    let nowhere = try await refusal { try await server.client.create(configMap("a", in: "no-such-namespace")) }
    #expect(nowhere.isNotFound && nowhere.status?.message == "namespaces \"no-such-namespace\" not found")

    let nameless = try await server.client.call(
      .post, path, body: ["apiVersion": "v1", "kind": "ConfigMap", "metadata": [:]])
    #expect(nameless.status == 422)
    #expect(nameless.message.contains("name or generateName is required"))

    let wrongKind = try await server.client.call(
      .post, path, body: ["apiVersion": "v1", "kind": "Secret", "metadata": ["name": "a"]])
    #expect(wrongKind.status == 400)
  }

  @Test(arguments: Servers.atHand) func pagesShowOneMoment(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let names = (0..<7).map { "item-\($0)" }
    for name in names.shuffled() { try await server.client.create(configMap(name, in: namespace)) }

    let path = "/api/v1/namespaces/\(namespace)/configmaps"
    let first = try await server.client.call(.get, path, query: [("limit", "3")])
    #expect(first.json["items"]?.arrayValue?.count == 3)
    #expect(first.number("metadata", "remainingItemCount") == 4)
    let token = try #require(first.text("metadata", "continue"))
    try await server.client.delete(ConfigMap.self, "item-5", in: namespace)
    try await server.client.create(configMap("item-45", in: namespace))
    let second = try await server.client.call(.get, path, query: [("limit", "10"), ("continue", token)])
    let rest = second.json["items"]?.arrayValue?.compactMap { $0.value(at: ["metadata", "name"])?.stringValue }
    #expect(rest == ["item-3", "item-4", "item-5", "item-6"])
    #expect(second.text("metadata", "resourceVersion") == first.text("metadata", "resourceVersion"))
    #expect(second.text("metadata", "continue")?.isEmpty ?? true)

    let all = try await server.client.list(ConfigMap.self, in: namespace, options: ListOptions(limit: 2))
    #expect(
      all.items.compactMap(\.metadata.name) == ["item-0", "item-1", "item-2", "item-3", "item-4", "item-45", "item-6"])
    #expect(all.items.allSatisfy { $0.kind == "ConfigMap" && $0.apiVersion == "v1" })

    let broken = try await server.client.call(.get, path, query: [("limit", "3"), ("continue", "nonsense")])
    #expect(broken.status == 400)
  }

  @Test(arguments: Servers.atHand) func replaceGuardsAgainstLostUpdates(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let first = try await client.create(configMap("a", in: namespace, ["n": "1"]))
    var mine = first
    mine.data = ["n": "2"]
    let second = try await client.replace(mine)
    #expect(second.metadata.resourceVersion != first.metadata.resourceVersion)
    #expect(second.metadata.uid == first.metadata.uid)
    #expect(second.metadata.creationTimestamp == first.metadata.creationTimestamp)

    var late = first
    late.data = ["n": "3"]
    let conflict = try await refusal { [late] in try await client.replace(late) }
    #expect(conflict.isConflict)
    #expect(
      conflict.status?.message
        == "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes "
        + "to the latest version and try again")

    // Without a version the last writer wins.
    late.metadata.resourceVersion = nil
    #expect(try await client.replace(late).data == ["n": "3"])
    // Nothing new: no new version.
    let current = try await client.get(ConfigMap.self, "a", in: namespace)
    #expect(try await client.replace(current).metadata.resourceVersion == current.metadata.resourceVersion)

    var other = current
    other.metadata.uid = "00000000-0000-0000-0000-000000000000"
    let stranger = try await refusal { [other] in try await client.replace(other) }
    #expect(
      stranger.isConflict && stranger.status?.message?.contains("Precondition failed: UID in precondition") == true)

    let missing = try await refusal { try await client.replace(configMap("b", in: namespace)) }
    #expect(missing.isNotFound && missing.status?.message == "configmaps \"b\" not found")
  }

  @Test(arguments: Servers.atHand) func deletionObeysPreconditions(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let first = try await client.create(configMap("a", in: namespace))
    let second: ConfigMap = try await client.patch(
      ConfigMap.self, "a", in: namespace, .merge(["data": ["n": "1"]]))

    let wrongUID = try await refusal {
      try await client.delete(
        ConfigMap.self, "a", in: namespace, options: DeleteOptions(uid: "00000000-0000-0000-0000-000000000000"))
    }
    #expect(wrongUID.isConflict)
    let wrongVersion = try await refusal {
      try await client.delete(
        ConfigMap.self, "a", in: namespace, options: DeleteOptions(resourceVersion: first.metadata.resourceVersion))
    }
    #expect(wrongVersion.isConflict)
    try await client.delete(ConfigMap.self, "a", in: namespace, options: DeleteOptions(dryRun: true))
    _ = try await client.get(ConfigMap.self, "a", in: namespace)

    let answer = try await client.call(
      .delete, "/api/v1/namespaces/\(namespace)/configmaps/a",
      body: ["preconditions": ["uid": .string(second.metadata.uid ?? "")]])
    #expect(answer.status == 200 && answer.text("kind") == "Status" && answer.text("status") == "Success")
    #expect(answer.text("details", "uid") == second.metadata.uid)
    #expect(try await client.getIfPresent(ConfigMap.self, "a", in: namespace) == nil)
    #expect(try await refusal { try await client.delete(ConfigMap.self, "a", in: namespace) }.isNotFound)
  }

  @Test(arguments: Servers.atHand) func collectionIsDeletedBySelector(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    for (name, tier) in [("a", "web"), ("b", "web"), ("c", "data")] {
      try await server.client.create(configMap(name, in: namespace, labels: ["tier": tier]))
    }
    try await server.client.deleteCollection(
      ConfigMap.self, in: namespace, matching: ListOptions(labelSelector: "tier=web"))
    #expect(try await server.client.list(ConfigMap.self, in: namespace).items.compactMap(\.metadata.name) == ["c"])
  }

  @Test(arguments: Servers.atHand) func generatedNamesDiffer(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let template = ConfigMap(metadata: ObjectMeta(generateName: "run-", namespace: namespace))
    let names = try await [server.client.create(template), server.client.create(template)].compactMap(\.metadata.name)
    #expect(names.allSatisfy { $0.hasPrefix("run-") && $0.utf8.count == 9 })
    #expect(Set(names).count == 2)
  }

  @Test(arguments: Servers.atHand) func finalizersHoldADeletedObject(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let plain = try await client.create(configMap("a", in: namespace))
    let held = try await client.addFinalizer("example.com/hold", to: plain)
    #expect(held.hasFinalizer("example.com/hold"))
    // A second writer with the old copy does not take the first one's finalizer away.
    #expect(try await refusal { try await client.addFinalizer("example.com/other", to: plain) }.isConflict)

    try await client.delete(ConfigMap.self, "a", in: namespace)
    let deleted = try await client.get(ConfigMap.self, "a", in: namespace)
    #expect(deleted.isBeingDeleted && deleted.metadata.deletionGracePeriodSeconds == 0)
    let late = try await refusal {
      try await client.patch(
        ConfigMap.self, "a", in: namespace,
        .merge(["metadata": ["finalizers": ["example.com/hold", "example.com/late"]]]))
    }
    #expect(late.isInvalid)
    #expect(late.status?.message?.contains("no new finalizers can be added if the object is being deleted") == true)
    try await client.removeFinalizer("example.com/hold", from: deleted)
    #expect(try await client.getIfPresent(ConfigMap.self, "a", in: namespace) == nil)
  }

  @Test(arguments: Servers.atHand) func dryRunStoresNothing(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let dry = WriteOptions(dryRun: true)
    let imagined = try await client.create(configMap("a", in: namespace, ["n": "1"]), options: dry)
    #expect(imagined.data == ["n": "1"] && imagined.metadata.uid != nil)
    #expect(try await client.getIfPresent(ConfigMap.self, "a", in: namespace) == nil)
    #expect(try await refusal { try await client.create(configMap("Bad_", in: namespace), options: dry) }.isInvalid)

    let real = try await client.create(configMap("a", in: namespace, ["n": "1"]))
    let patched: ConfigMap = try await client.patch(
      ConfigMap.self, "a", in: namespace, .merge(["data": ["n": "2"]]), options: dry)
    #expect(patched.data == ["n": "2"])
    let applied = try await client.apply(
      configMap("a", in: namespace, ["m": "3"]), fieldManager: "tests", dryRun: true)
    #expect(applied.data == ["n": "1", "m": "3"])
    #expect(try await client.get(ConfigMap.self, "a", in: namespace) == real)
  }

  @Test(arguments: Servers.atHand) func unknownFieldsAreTreatedAsAsked(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let path = "/api/v1/namespaces/\(namespace)/configmaps"
    func body(_ name: String) -> JSONValue {
      ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name)], "daata": ["n": "1"]]
    }
    let strict = try await client.call(.post, path, query: [("fieldValidation", "Strict")], body: body("strict"))
    #expect(strict.status == 400)
    #expect(strict.message.contains("strict decoding error: unknown field \"daata\""))

    let warned = try await client.call(.post, path, query: [("fieldValidation", "Warn")], body: body("warn"))
    #expect(warned.status == 201 && warned.json["daata"] == nil)
    #expect(warned.warnings == ["299 - \"unknown field \\\"daata\\\"\""])
    let ignored = try await client.call(.post, path, query: [("fieldValidation", "Ignore")], body: body("ignore"))
    #expect(ignored.status == 201 && ignored.warnings.isEmpty)

    let twice = try await client.call(
      .post, path, query: [("fieldValidation", "Strict")],
      text: #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"n":"1"},"data":{"n":"2"}}"#)
    #expect(twice.status == 400)
    #expect(twice.message.contains("strict decoding error: duplicate field \"data\""))

    let deep = try await refusal {
      try await client.create(
        Deployment.resourceType, with(deployment("d", in: namespace)) { $0.set(1, at: ["spec", "replica"]) },
        options: WriteOptions(fieldValidation: "Strict"))
    }
    #expect(deep.status?.message?.contains("unknown field \"spec.replica\"") == true)
  }

  @Test(arguments: Servers.atHand) func generationFollowsTheSpecAlone(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let created = try await client.create(Deployment.resourceType, deployment("a", in: namespace, replicas: 1))
    #expect(created.generation == 1)
    let labelled = try await client.patch(
      Deployment.resourceType, "a", in: namespace, .merge(["metadata": ["labels": ["x": "y"]]]))
    #expect(labelled.generation == 1)
    let scaled = try await client.patch(
      Deployment.resourceType, "a", in: namespace, .merge(["spec": ["replicas": 2]]))
    #expect(scaled.generation == 2)
  }

  @Test(arguments: Servers.atHand) func builtInTypesAreDefaultedAndChecked(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let created: Deployment = try await client.create(
      Deployment.resourceType, deployment("a", in: namespace)
    ).decode()
    #expect(created.spec?.replicas == 1 && created.spec?.progressDeadlineSeconds == 600)
    #expect(created.spec?.strategy?.rollingUpdate?.maxSurge == .string("25%"))
    let pod = try #require(created.spec?.template.spec)
    #expect((pod.restartPolicy, pod.dnsPolicy, pod.schedulerName) == ("Always", "ClusterFirst", "default-scheduler"))
    #expect(pod.terminationGracePeriodSeconds == 30)
    #expect(pod.containers.first?.imagePullPolicy == "IfNotPresent")

    let selector = try await refusal {
      try await client.patch(
        Deployment.self, "a", in: namespace, .merge(["spec": ["selector": ["matchLabels": ["app": "b"]]]]))
    }
    #expect(selector.isInvalid)
    #expect(selector.status?.message?.contains("field is immutable") == true)
    let negative = try await refusal {
      try await client.patch(Deployment.self, "a", in: namespace, .merge(["spec": ["replicas": -1]]))
    }
    #expect(negative.status?.details?.causes?.first?.field == "spec.replicas")
    #expect(negative.status?.message?.contains("must be greater than or equal to 0") == true)

    let service = try await client.create(
      Service(
        metadata: ObjectMeta(name: "s", namespace: namespace),
        spec: ServiceSpec(ports: [ServicePort(port: 80)], selector: ["app": "a"])))
    #expect(service.spec?.clusterIP?.hasPrefix("10.96.") == true)
    #expect(service.spec?.ports?.first?.targetPort == .int(80) && service.spec?.ports?.first?.protocol == "TCP")
    #expect((service.spec?.type, service.spec?.sessionAffinity) == ("ClusterIP", "None"))

    let secret = try await client.create(
      Secret(
        metadata: ObjectMeta(name: "s", namespace: namespace), stringData: ["password": "p"], type: "Opaque"))
    #expect(secret.data == ["password": "cA=="] && secret.stringData == nil)

    let frozen = ConfigMap(
      data: ["n": "1"], immutable: true, metadata: ObjectMeta(name: "frozen", namespace: namespace))
    try await client.create(frozen)
    let thawed = try await refusal {
      try await client.patch(ConfigMap.self, "frozen", in: namespace, .merge(["data": ["n": "2"]]))
    }
    #expect(thawed.isInvalid && thawed.status?.message?.contains("field is immutable when `immutable` is set") == true)
  }
}

/// An object with something in it changed.
func with(_ object: DynamicObject, _ change: (inout JSONValue) -> Void) -> DynamicObject {
  var json = object.json
  change(&json)
  return DynamicObject(json)
}
