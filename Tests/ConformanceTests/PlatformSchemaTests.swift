import KubernetesClient
import KubernetesModels
import RTXPlatformAPI
import Testing

/// What an API server makes of the platform's CustomResourceDefinition.
@Suite(.timeLimit(.minutes(2))) struct PlatformSchemaTests {
  private func platform(_ name: String, in namespace: String, _ spec: JSONValue = [:]) -> DynamicObject {
    DynamicObject([
      "apiVersion": "rtx.trading/v1alpha1", "kind": "RTXPlatform",
      "metadata": ["name": .string(name), "namespace": .string(namespace)], "spec": spec,
    ])
  }

  /// A platform that the API server must accept, and its namespace.
  private func accepted(_ kind: Servers, _ spec: JSONValue = [:]) async throws -> (TestServer, String) {
    let server = try await kind.start()
    try await server.installPlatformCRD()
    let namespace = try await server.namespace()
    try await server.client.create(RTXPlatform.resourceType, platform("trading", in: namespace, spec))
    return (server, namespace)
  }

  @Test(arguments: Servers.atHand) func emptySpecIsAProductionPlatform(_ kind: Servers) async throws {
    let (server, namespace) = try await accepted(kind)
    let created = try await server.client.get(RTXPlatform.self, "trading", in: namespace)
    let spec = created.spec
    #expect((spec.backend.replicas, spec.backend.port) == (3, 7999))
    #expect((spec.backend.autoscaling.minReplicas, spec.backend.autoscaling.maxReplicas) == (3, 10))
    #expect(spec.backend.autoscaling.targetCPUUtilizationPercentage == 70)
    #expect(spec.backend.autoscaling.targetMemoryUtilizationPercentage == 80)
    #expect(spec.backend.sessionAffinityTimeoutSeconds == 10800)
    #expect((spec.rollout.maxSurge, spec.rollout.maxUnavailable) == (1, 0))
    #expect((spec.postgres.instances, spec.postgres.database) == (3, "trading_engine"))
    #expect(spec.postgres.storage.size == "50Gi")
    #expect(spec.backup.schedule == "0 * * * *")
    // The generated type, made without a server, has the very same defaults.
    #expect(spec == RTXPlatformSpec())
    // Sending it back in full changes nothing.
    let stored = try await server.client.get(RTXPlatform.resourceType, "trading", in: namespace)
    let again = try await server.client.replace(RTXPlatform.resourceType, stored)
    #expect(again.resourceVersion == stored.resourceVersion)
  }

  @Test(
    arguments: Servers.atHand,
    [
      (["backend": ["replicas": 11]], "spec.backend.replicas: exceeds autoscaling.maxReplicas"),
      (["backend": ["replicas": 1]], "spec.backend.replicas: is below autoscaling.minReplicas"),
      (
        ["backend": ["autoscaling": ["minReplicas": 11]]],
        "spec.backend.autoscaling.minReplicas: must not exceed maxReplicas"
      ),
      (["rollout": ["maxSurge": 0]], "spec.rollout.maxSurge: must not be 0 when maxUnavailable is 0"),
      (["postgres": ["instances": 1]], "spec.postgres.instances: synchronous replication needs at least 2"),
      (
        ["postgres": ["failover": ["loopWaitSeconds": 10, "retryTimeoutSeconds": 10]]],
        "spec.postgres.failover.ttlSeconds"
      ),
      (["network": ["ingress": ["enabled": true]]], "spec.network.ingress.host: required when the ingress is enabled"),
      (["postgres": ["external": ["host": "db"]]], "spec.security.credentialsSecretName: required with an external"),
      (["backend": ["priceFeed": "NASDAQ"]], "supported values: \"OANDA\", \"SIM\""),
      (["backend": ["port": 80]], "should be greater than or equal to 1024"),
    ] as [(JSONValue, String)])
  func badSpecsAreRefused(_ kind: Servers, _ example: (spec: JSONValue, message: String)) async throws {
    let server = try await kind.start()
    try await server.installPlatformCRD()
    let namespace = try await server.namespace()
    let error = try await refusal {
      try await server.client.create(
        RTXPlatform.resourceType, platform("trading", in: namespace, example.spec))
    }
    #expect(error.isInvalid)
    #expect(error.status?.message?.contains(example.message) == true, "\(error)")
  }

  @Test(arguments: Servers.atHand) func badNamesAreRefused(_ kind: Servers) async throws {
    let server = try await kind.start()
    try await server.installPlatformCRD()
    let namespace = try await server.namespace()
    for (name, message) in [
      (String(repeating: "a", count: 41), "metadata.name: must be at most 40 characters"),
      ("1st", "metadata.name: must begin with a letter"), ("a.b", "metadata.name: must begin with a letter"),
    ] {
      let error = try await refusal {
        try await server.client.create(RTXPlatform.resourceType, platform(name, in: namespace))
      }
      #expect(error.isInvalid && error.status?.message?.contains(message) == true, "\(error)")
    }
  }

  @Test(
    arguments: Servers.atHand,
    [
      (["postgres": ["database": "other"]], "spec.postgres.database: cannot be changed"),
      (["postgres": ["storage": ["size": "20Gi"]]], "spec.postgres.storage.size: cannot shrink"),
      (
        ["postgres": ["storage": ["storageClassName": "fast"]]],
        "spec.postgres.storage.storageClassName: cannot be changed"
      ),
      (["redis": ["storage": ["size": "1Gi"]]], "spec.redis.storage.size: cannot shrink"),
      (
        ["postgres": ["external": ["host": "db"]], "security": ["credentialsSecretName": "mine"]],
        "spec.postgres.external: cannot be added or removed later"
      ),
    ] as [(JSONValue, String)])
  func whatCannotChangeIsRefused(_ kind: Servers, _ example: (spec: JSONValue, message: String)) async throws {
    let (server, namespace) = try await accepted(kind)
    let error = try await refusal {
      try await server.client.patch(
        RTXPlatform.resourceType, "trading", in: namespace, .merge(["spec": example.spec]))
    }
    #expect(error.isInvalid && error.status?.message?.contains(example.message) == true, "\(error)")
    // A disk may grow, and the same size may be written in another unit.
    for size in ["51200Mi", "100Gi"] {
      try await server.client.patch(
        RTXPlatform.resourceType, "trading", in: namespace,
        .merge(["spec": ["postgres": ["storage": ["size": .string(size)]]]]))
    }
  }

  @Test(arguments: Servers.atHand) func unknownFieldIsNamed(_ kind: Servers) async throws {
    let (server, namespace) = try await accepted(kind)
    let patch: JSONValue = ["spec": ["backend": ["replica": 4]]]
    let error = try await refusal {
      try await server.client.patch(
        RTXPlatform.resourceType, "trading", in: namespace, .merge(patch),
        options: WriteOptions(fieldValidation: "Strict"))
    }
    #expect(error.description.contains("unknown field \"spec.backend.replica\""))
    let pruned = try await server.client.patch(RTXPlatform.resourceType, "trading", in: namespace, .merge(patch))
    #expect(pruned.json.value(at: ["spec", "backend", "replica"]) == nil)
    // What is a Kubernetes type of its own is kept as it is.
    let kept = try await server.client.patch(
      RTXPlatform.resourceType, "trading", in: namespace,
      .merge(["spec": ["backend": ["affinity": ["nodeAffinity": ["any": "thing"]]]]]))
    #expect(kept.json.value(at: ["spec", "backend", "affinity", "nodeAffinity", "any"]) == "thing")
  }

  @Test(arguments: Servers.atHand) func tableAndScaleShowTheStatus(_ kind: Servers) async throws {
    let (server, namespace) = try await accepted(kind)
    let client = server.client
    var created = try await client.get(RTXPlatform.self, "trading", in: namespace)
    created.status = RTXPlatformStatus(
      backend: BackendStatus(ready: "3/3", readyReplicas: 3, replicas: 3, selector: "app=x"),
      conditions: [
        Condition(lastTransitionTime: .now, message: "", reason: "Available", status: "True", type: "Ready")
      ], phase: "Ready")
    try await client.replaceStatus(created)

    let path = "/apis/rtx.trading/v1alpha1/namespaces/\(namespace)/rtxplatforms"
    let table = try await client.call(
      .get, path, accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
    let columns = table.json["columnDefinitions"]?.arrayValue ?? []
    #expect(
      columns.filter { $0["priority"]?.intValue ?? 0 == 0 }.compactMap { $0["name"]?.stringValue }
        == ["Name", "Ready", "Phase", "Primary", "Postgres", "Backend", "Release", "Last-Backup", "Age"])
    let cells = table.json.value(at: ["rows", "0", "cells"])?.arrayValue ?? []
    #expect(cells.prefix(3) == ["trading", "True", "Ready"] && cells.dropFirst(5).first == "3/3")

    let scale = try await client.scale(of: RTXPlatform.self, "trading", in: namespace)
    #expect((scale.desiredReplicas, scale.currentReplicas, scale.selector) == (3, 3, "app=x"))
    try await client.scale(RTXPlatform.self, "trading", in: namespace, to: 5)
    #expect(try await client.get(RTXPlatform.self, "trading", in: namespace).spec.backend.replicas == 5)
    // The definition's rules hold here too.
    #expect(try await refusal { try await client.scale(RTXPlatform.self, "trading", in: namespace, to: 50) }.isInvalid)
  }
}
