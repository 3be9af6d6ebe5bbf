import Foundation
import KubernetesClient
import KubernetesModels
import OperatorRuntime
import SandboxCluster
import Testing

@testable import PlatformOperator
@testable import RTXPlatformAPI

/// The operator against an API server, with the rights that config/rbac gives it.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ReconcileTests {
  private let namespace = TestPlatformCluster.namespace

  @Test func aPlatformBecomesReadyAndThenNothingIsWritten() async throws {
    let cluster = try await TestPlatformCluster()
    try await cluster.apply()
    try await cluster.withOperator {
      try await cluster.made()
      try await cluster.simulateHealth()
      try await eventually("Ready") { try await cluster.condition(.ready)?.status == "True" }
      let platform = try await cluster.platform()
      #expect(platform.status?.phase == "Ready")
      #expect(platform.status?.postgres?.primary == "trading-postgres-0")
      #expect(platform.status?.backend?.ready == "3/3")
      #expect(platform.status?.endpoints?.postgres == "trading-postgres-rw.rtx-trading.svc:5432")
      let count = try await cluster.settled()
      // Patroni renews its lease all the time; that must cost nothing.
      for _ in 0..<20 { try await cluster.record("leader", ["renewTime": "\(MicroTime.now)"]) }
      #expect(try await cluster.settled() == count)
    }
    // A successor finds everything as it should be.
    let before = cluster.writes().all
    try await cluster.withOperator { _ = try await cluster.settled() }
    #expect(cluster.writes().all == before)
    #expect(cluster.writes().refused == 0, "config/rbac lacks a rule, or a manifest is invalid")
    let namespaceLabels = try await cluster.admin.get(Namespace.self, namespace, in: nil).metadata.labels
    #expect(namespaceLabels?["pod-security.kubernetes.io/enforce"] == "restricted")
  }

  @Test func replicasBelongToTheAutoscalerOnceItIsThere() async throws {
    let cluster = try await TestPlatformCluster()
    try await cluster.apply()
    try await cluster.withOperator {
      try await eventually("the hand-over is done") {
        let deployment = try await cluster.admin.getIfPresent(Deployment.self, "trading-backend", in: namespace)
        return deployment?.metadata.annotations?[PlatformConstants.replicasOwnerAnnotation] == "autoscaler"
      }
      #expect(try await cluster.admin.get(Deployment.self, "trading-backend", in: namespace).spec?.replicas == 3)
      _ = try await cluster.admin.scale(Deployment.self, "trading-backend", in: namespace, to: 7)
      try await cluster.apply(spec: ["backend": ["priceFeed": "SIM", "brokerName": "Other"]])
      try await eventually("the change is applied") {
        try await cluster.admin.get(ConfigMap.self, "trading-configuration", in: namespace).data?["BROKER_NAME"]
          == "Other"
      }
      _ = try await cluster.settled()
      #expect(try await cluster.admin.get(Deployment.self, "trading-backend", in: namespace).spec?.replicas == 7)
      let fixed: JSONValue = ["backend": ["priceFeed": "SIM", "replicas": 4, "autoscaling": ["enabled": false]]]
      try await cluster.apply(spec: fixed)
      try await eventually("the operator sets the replicas") {
        try await cluster.admin.get(Deployment.self, "trading-backend", in: namespace).spec?.replicas == 4
      }
      try await eventually("the autoscaler is gone") {
        try await cluster.admin.getIfPresent(HorizontalPodAutoscaler.self, "trading-backend", in: namespace) == nil
      }
    }
  }

  @Test func whatIsDeletedOrEditedComesBack() async throws {
    let cluster = try await TestPlatformCluster()
    try await cluster.apply()
    try await cluster.withOperator {
      try await cluster.made()
      let before = try await cluster.admin.get(Secret.self, "trading-backend-secrets", in: namespace).data
      #expect(before?.count == 4)
      try await cluster.admin.delete(Secret.self, "trading-backend-secrets", in: namespace)
      try await cluster.admin.delete(Service.self, "trading-postgres-rw", in: namespace)
      let edit: JSONValue = ["data": ["DB_PORT": "1"]]
      _ = try await cluster.admin.patch(ConfigMap.self, "trading-configuration", in: namespace, .merge(edit))
      let strip: JSONValue = ["metadata": ["labels": ["rtx.trading/platform": .null]]]
      _ = try await cluster.admin.patch(NetworkPolicy.self, "trading-network-redis", in: namespace, .merge(strip))
      try await eventually("everything is as it was", within: .seconds(10)) {
        let secret = try await cluster.admin.getIfPresent(Secret.self, "trading-backend-secrets", in: namespace)
        let service = try await cluster.admin.getIfPresent(Service.self, "trading-postgres-rw", in: namespace)
        let map = try await cluster.admin.get(ConfigMap.self, "trading-configuration", in: namespace)
        let policy = try await cluster.admin.get(NetworkPolicy.self, "trading-network-redis", in: namespace)
        return secret?.data == before && service != nil && map.data?["DB_PORT"] == "5432"
          && policy.metadata.labels?["rtx.trading/platform"] == "trading"
      }
    }
  }

  @Test func anObjectOfSomebodyElseIsNeverTakenOverAndNothingIsHalfMade() async throws {
    let cluster = try await TestPlatformCluster()
    let foreign = Service(
      metadata: ObjectMeta(name: "trading-redis", namespace: namespace),
      spec: ServiceSpec(ports: [ServicePort(port: 1)]))
    _ = try await cluster.admin.create(foreign)
    try await cluster.apply()
    try await cluster.withOperator {
      try await eventually("Stalled") { try await cluster.condition(.stalled)?.status == "True" }
      let stalled = try await cluster.condition(.stalled)
      #expect(stalled?.reason == "NameConflict")
      #expect(stalled?.message.contains("Service trading-redis") == true)
      _ = try await cluster.settled()
      #expect(
        try await cluster.admin.list(ConfigMap.self, in: namespace).items.allSatisfy {
          $0.metadata.name == "kube-root-ca.crt"
        })
      #expect(try await cluster.admin.list(Secret.self, in: namespace).items.isEmpty)
      try await cluster.admin.delete(Service.self, "trading-redis", in: namespace)
      try await eventually("the operator goes on by itself", within: .seconds(30)) {
        try await cluster.admin.getIfPresent(Deployment.self, "trading-backend", in: namespace) != nil
      }
    }
  }

  @Test func aMissingKeyOfTheUsersSecretIsNamed() async throws {
    let cluster = try await TestPlatformCluster()
    let secret = Secret(
      metadata: ObjectMeta(name: "own", namespace: namespace), stringData: ["DB_USER": "rtx", "JWT_SECRET": "x"])
    _ = try await cluster.admin.create(secret)
    try await cluster.apply(spec: ["backend": ["priceFeed": "SIM"], "security": ["credentialsSecretName": "own"]])
    try await cluster.withOperator {
      try await eventually("Stalled names the keys") {
        try await cluster.condition(.stalled)?.message.contains("lacks DB_PASSWORD, REDIS_PASSWORD") == true
      }
      #expect(try await cluster.admin.getIfPresent(Service.self, "trading-backend", in: namespace) == nil)
    }
  }

  @Test func pausedNothingIsWritten() async throws {
    let cluster = try await TestPlatformCluster()
    try await cluster.apply(spec: ["backend": ["priceFeed": "SIM"], "paused": true])
    try await cluster.withOperator {
      try await eventually("Paused") { try await cluster.platform().status?.phase == "Paused" }
      _ = try await cluster.settled()
      #expect(try await cluster.admin.list(Service.self, in: namespace).items.isEmpty)
      try await cluster.apply()
      try await eventually("it goes on") {
        try await cluster.admin.getIfPresent(Deployment.self, "trading-backend", in: namespace) != nil
      }
    }
  }

  @Test(arguments: ["Retain", "Delete"])
  func deletingKeepsDataUnlessToldOtherwise(policy: String) async throws {
    let cluster = try await TestPlatformCluster()
    try await cluster.apply(spec: ["backend": ["priceFeed": "SIM"], "deletionPolicy": .string(policy)])
    try await cluster.withOperator {
      try await cluster.made()
      try await cluster.simulateHealth()
      try await eventually("Ready") { try await cluster.condition(.ready)?.status == "True" }
      try await cluster.admin.delete(RTXPlatform.self, "trading", in: namespace)
      try await eventually("it waits for the pods") { try await cluster.platform().status?.phase == "Deleting" }
      #expect(try await cluster.admin.getIfPresent(ConfigMap.self, "trading-postgres-leader", in: namespace) != nil)
      for ordinal in 0..<3 {
        try await cluster.admin.delete(
          Pod.self, "trading-postgres-\(ordinal)", in: namespace, options: DeleteOptions(gracePeriodSeconds: 0))
      }
      try await eventually("the platform is gone") {
        try await cluster.admin.getIfPresent(RTXPlatform.self, "trading", in: namespace) == nil
      }
      #expect(try await cluster.admin.getIfPresent(ConfigMap.self, "trading-postgres-leader", in: namespace) == nil)
      #expect(try await cluster.admin.getIfPresent(StatefulSet.self, "trading-postgres", in: namespace) == nil)
      let claims = try await cluster.admin.list(PersistentVolumeClaim.self, in: namespace).items
        .filter { !$0.isBeingDeleted }
      let secrets = try await cluster.admin.list(Secret.self, in: namespace).items
      #expect(claims.isEmpty == (policy == "Delete"))
      #expect(secrets.isEmpty == (policy == "Delete"))
    }
  }

  @Test func theLeaseOfAPrimaryThatTheKubeletReportsDeadIsReleasedAtOnce() async throws {
    let cluster = try await TestPlatformCluster()
    try await cluster.apply()
    try await cluster.withOperator {
      try await cluster.made()
      try await cluster.simulateHealth()
      try await eventually("Ready") { try await cluster.condition(.ready)?.status == "True" }
      var pod = try await cluster.admin.get(Pod.self, "trading-postgres-0", in: namespace)
      let dead = ContainerStateTerminated(exitCode: 137, finishedAt: .now)
      pod.status?.containerStatuses?[0].state = ContainerState(terminated: dead)
      pod.status?.conditions = [PodCondition(status: "False", type: "Ready")]
      _ = try await cluster.admin.replaceStatus(pod)
      try await eventually("the lease is free", within: .seconds(5)) {
        try await cluster.admin.get(ConfigMap.self, "trading-postgres-leader", in: namespace)
          .metadata.annotations?["leader"] == ""
      }
      try await eventually("no primary is reported") { try await cluster.platform().status?.postgres?.primary == nil }
    }
  }

  /// What the schema's own rules refuse, with the field's name in the answer.
  @Test func badSpecsAreRefusedAtAdmission() async throws {
    let cluster = try await TestPlatformCluster()
    let cases: [(JSONValue, String)] = [
      (["backend": ["replicas": 11]], "spec.backend.replicas"),
      (["backend": ["replicas": 2]], "spec.backend.replicas"),
      (["backend": ["autoscaling": ["minReplicas": 12]]], "minReplicas"),
      (["backend": ["priceFeed": "BLOOMBERG"]], "spec.backend.priceFeed"),
      (["rollout": ["maxSurge": 0]], "spec.rollout.maxSurge"),
      (["postgres": ["instances": 1]], "spec.postgres.instances"),
      (["postgres": ["instances": 10]], "spec.postgres.instances"),
      (["postgres": ["failover": ["retryTimeoutSeconds": 10]]], "ttlSeconds"),
      (["postgres": ["database": "Drop Table"]], "spec.postgres.database"),
      (["postgres": ["storage": ["size": "lots"]]], "spec.postgres.storage.size"),
      (["postgres": ["external": ["host": "db"]]], "credentialsSecretName"),
      (["backup": ["schedule": "every hour"]], "spec.backup.schedule"),
      (["network": ["ingress": ["enabled": true]]], "spec.network.ingress"),
      (["deletionPolicy": "Shred"], "spec.deletionPolicy"),
    ]
    for (spec, field) in cases {
      let error = await #expect(throws: KubernetesError.self, "\(spec)") { _ = try await cluster.apply(spec: spec) }
      #expect(error?.isInvalid == true && error?.description.contains(field) == true, "\(spec): \(error as Any)")
    }
    try await cluster.apply(spec: ["backend": ["priceFeed": "SIM"], "postgres": ["storage": ["size": "20Gi"]]])
    for spec: JSONValue in [
      ["postgres": ["storage": ["size": "10Gi"]]],
      ["postgres": ["storage": ["size": "20Gi", "storageClassName": "fast"]]],
      ["postgres": ["storage": ["size": "20Gi"], "database": "other"]],
    ] {
      await #expect(throws: KubernetesError.self, "\(spec)") { _ = try await cluster.apply(spec: spec) }
    }
    try await cluster.apply(spec: ["backend": ["priceFeed": "SIM"], "postgres": ["storage": ["size": "30Gi"]]])
  }

  /// The server's defaults and those of the Swift types are the same numbers.
  @Test func theServersDefaultsAreThoseOfTheSwiftTypes() async throws {
    let cluster = try await TestPlatformCluster()
    let stored = try await cluster.apply(spec: [:])
    #expect(stored.spec == RTXPlatformSpec())
  }
}
