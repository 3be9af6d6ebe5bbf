import KubernetesClient
import KubernetesModels
import Testing

/// Every verb on every kind of object that the platform is made of.
@Suite(.timeLimit(.minutes(2))) struct EveryVerbTests {
  struct Sample: Sendable, CustomTestStringConvertible {
    var type: ResourceType
    var body: JSONValue
    var testDescription: String { type.kind }
    init(_ type: ResourceType, _ body: JSONValue) { (self.type, self.body) = (type, body) }
  }

  private static let podTemplate: JSONValue = [
    "metadata": ["labels": ["app": "a"]],
    "spec": ["containers": [["name": "main", "image": "example:1"]], "restartPolicy": "Always"],
  ]
  private static let jobTemplate: JSONValue = [
    "spec": ["containers": [["name": "main", "image": "example:1"]], "restartPolicy": "Never"]
  ]
  private static let selector: JSONValue = ["matchLabels": ["app": "a"]]

  static let samples: [Sample] = [
    Sample(ConfigMap.resourceType, ["data": ["a": "1"]]), Sample(Secret.resourceType, ["stringData": ["a": "1"]]),
    Sample(Service.resourceType, ["spec": ["ports": [["port": 80]], "selector": ["app": "a"]]]),
    Sample(ServiceAccount.resourceType, ["automountServiceAccountToken": false]),
    Sample(Pod.resourceType, ["spec": ["containers": [["name": "main", "image": "example:1"]]]]),
    Sample(Deployment.resourceType, ["spec": ["selector": selector, "template": podTemplate]]),
    Sample(ReplicaSet.resourceType, ["spec": ["selector": selector, "template": podTemplate]]),
    Sample(
      StatefulSet.resourceType, ["spec": ["selector": selector, "template": podTemplate, "serviceName": "a"]]),
    Sample(Job.resourceType, ["spec": ["template": jobTemplate]]),
    Sample(
      CronJob.resourceType, ["spec": ["schedule": "5 * * * *", "jobTemplate": ["spec": ["template": jobTemplate]]]]),
    Sample(
      HorizontalPodAutoscaler.resourceType,
      ["spec": ["maxReplicas": 3, "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "a"]]]),
    Sample(NetworkPolicy.resourceType, ["spec": ["podSelector": selector, "policyTypes": ["Ingress"]]]),
    Sample(
      Ingress.resourceType,
      ["spec": ["defaultBackend": ["service": ["name": "a", "port": ["number": 80]]]]]),
    Sample(PodDisruptionBudget.resourceType, ["spec": ["minAvailable": 1, "selector": selector]]),
    Sample(Role.resourceType, ["rules": [["apiGroups": [""], "resources": ["pods"], "verbs": ["get"]]]]),
    Sample(
      RoleBinding.resourceType,
      [
        "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"],
        "subjects": [["kind": "ServiceAccount", "name": "a", "namespace": "default"]],
      ]),
    Sample(Lease.resourceType, ["spec": ["holderIdentity": "a", "leaseDurationSeconds": 15]]),
    Sample(
      EndpointSlice.resourceType, ["addressType": "IPv4", "endpoints": [["addresses": ["10.0.0.1"]]], "ports": []]),
    Sample(.limitRanges, ["spec": ["limits": [["type": "Container", "max": ["cpu": "1"]]]]]),
    Sample(.resourceQuotas, ["spec": ["hard": ["pods": "9"]]]),
  ]

  @Test(arguments: Servers.atHand, samples) func objectGoesThroughAllVerbs(_ kind: Servers, _ sample: Sample)
    async throws
  {
    let server = try await kind.start()
    let client = server.client
    let (type, namespace) = (sample.type, try await server.namespace())
    func object(_ name: String) -> DynamicObject {
      var json = sample.body
      json["apiVersion"] = .string(type.apiVersion)
      json["kind"] = .string(type.kind)
      json["metadata"] = ["name": .string(name), "namespace": .string(namespace), "labels": ["test": "verbs"]]
      return DynamicObject(json)
    }
    let selection = ListOptions(labelSelector: "test=verbs")
    let dry = try await client.create(type, object("a"), options: WriteOptions(dryRun: true))
    #expect(dry.name == "a")
    let created = try await client.create(type, object("a"), options: WriteOptions(fieldValidation: "Strict"))
    #expect(created.uid != nil && created.json["kind"] == .string(type.kind))
    #expect(try await refusal { try await client.create(type, object("a")) }.isAlreadyExists)
    #expect(try await client.get(type, "a", in: namespace) == created)
    let listed = try await client.list(type, in: namespace, options: selection)
    #expect(listed.items.map(\.uid) == [created.uid])

    let patched = try await client.patch(
      type, "a", in: namespace, .merge(["metadata": ["annotations": ["n": "1"]]]))
    #expect(patched.annotations["n"] == "1")
    // What was read can be written back, and says so when it is too old.
    let replaced = try await client.replace(
      type, DynamicObject(patched.json.setting("2", at: ["metadata", "annotations", "n"])))
    #expect(replaced.annotations["n"] == "2" && replaced.uid == created.uid)
    let late = DynamicObject(patched.json.setting("3", at: ["metadata", "annotations", "n"]))
    #expect(try await refusal { try await client.replace(type, late) }.isConflict)
    let same = try await client.replace(type, replaced)
    #expect(same.resourceVersion == replaced.resourceVersion, "nothing changed, so nothing is written")

    let applied = try await client.apply(type, object("b"), fieldManager: "verbs")
    #expect(try await client.apply(type, object("b"), fieldManager: "verbs") == applied)
    let seen = try await events(
      client.watch(
        type, in: namespace, options: WatchOptions(labelSelector: "test=verbs", resourceVersion: listed.resourceVersion)
      ),
      until: { $0.filter { $0.object != nil }.count == 3 })
    #expect(seen.compactMap { $0.object?.name } == ["a", "a", "b"])
    try await client.delete(
      type, "a", in: namespace,
      options: DeleteOptions(propagation: .background, gracePeriodSeconds: 0, uid: created.uid))
    #expect(try await refusal { try await client.get(type, "a", in: namespace) }.isNotFound)
    if type != Service.resourceType {
      try await client.deleteCollection(
        type, in: namespace, matching: selection,
        options: DeleteOptions(propagation: .background, gracePeriodSeconds: 0))
      #expect(try await client.list(type, in: namespace, options: selection).items.isEmpty)
    }
  }
}

extension ResourceType {
  static let limitRanges = ResourceType(group: "", version: "v1", kind: "LimitRange", plural: "limitranges")
  static let resourceQuotas = ResourceType(group: "", version: "v1", kind: "ResourceQuota", plural: "resourcequotas")
}

extension JSONValue {
  fileprivate func setting(_ value: JSONValue, at path: [String]) -> JSONValue {
    var copy = self
    copy.set(value, at: path)
    return copy
  }
}
