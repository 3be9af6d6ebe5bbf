import Foundation
import KubernetesClient
import KubernetesModels
import Logging
import Testing

@testable import SandboxCluster

/// The controllers against the API server in one process, with a node on which pods only pretend to run.
@Suite(.serialized) struct WorkloadClusterTests {
  /// A cluster for one test.
  static func withCluster(_ body: @Sendable (KubernetesClient, String) async throws -> Void) async throws {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent("volumes-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: root) }
    var logger = Logger(label: "test")
    logger.logLevel = .error
    let server = try APIServer()
    let client = KubernetesClient(transport: InProcessTransport(server: server, user: .admin))
    let controllers = workloadControllers(
      client: client, logger: logger, configuration: WorkloadConfiguration(volumeRoot: root))
    let node = SimulatedNode(client: client, delay: .milliseconds(10), logger: logger)
    let tasks = [Task { try await controllers.run() }, Task { try await node.run() }]
    defer { for task in tasks { task.cancel() } }
    try await body(client, root)
  }

  static func template(_ app: String, image: String = "app:1", restartPolicy: String? = nil) -> PodTemplateSpec {
    PodTemplateSpec(
      metadata: ObjectMeta(labels: ["app": app]),
      spec: PodSpec(
        containers: [Container(image: image, name: "app", ports: [ContainerPort(containerPort: 80, name: "http")])],
        restartPolicy: restartPolicy))
  }

  /// Waits until `condition` gives a value; fails the test after half a minute.
  static func wait<Value: Sendable>(
    _ what: String, _ condition: @Sendable () async throws -> Value?, location: SourceLocation = #_sourceLocation
  ) async throws -> Value {
    let deadline = ContinuousClock.now + .seconds(30)
    while ContinuousClock.now < deadline {
      if let value = try await condition() { return value }
      try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record("timed out waiting: \(what)", sourceLocation: location)
    throw CancellationError()
  }

  @Test func deploymentRollsOutAndBackAndIsCollected() async throws {
    try await Self.withCluster { client, _ in
      var web = Deployment(
        metadata: ObjectMeta(name: "web", namespace: "default"),
        spec: .init(replicas: 3, selector: .init(matchLabels: ["app": "web"]), template: Self.template("web")))
      _ = try await client.create(web)
      let finished: @Sendable (Int) async throws -> Deployment? = { generation in
        let now = try await client.get(Deployment.self, "web", in: "default")
        let status = now.status
        let isDone =
          status?.observedGeneration == now.metadata.generation && status?.updatedReplicas == now.spec?.replicas
          && status?.replicas == now.spec?.replicas && status?.availableReplicas == now.spec?.replicas
          && now.metadata.generation ?? 0 >= generation
        return isDone ? now : nil
      }
      let first = try await Self.wait("first rollout") { try await finished(1) }
      #expect(first.metadata.annotations?["deployment.kubernetes.io/revision"] == "1")
      #expect(first.status?.conditions?.first { $0.type == "Available" }?.status == "True")

      web.spec?.template = Self.template("web", image: "app:2")
      _ = try await client.replace(web)
      let second = try await Self.wait("second rollout") { try await finished(2) }
      #expect(
        second.status?.conditions?.first { $0.type == "Progressing" }?.reason == "NewReplicaSetAvailable")
      let sets = try await client.list(ReplicaSet.self, in: "default").items
      #expect(sets.map { $0.spec?.replicas ?? 0 }.sorted() == [0, 3])
      let images = try await client.list(Pod.self, in: "default").items.filter { $0.metadata.deletionTimestamp == nil }
      #expect(Set(images.compactMap { $0.spec?.containers.first?.image }) == ["app:2"])
      #expect(images.count == 3)

      // Back to the first template: the old replica set is taken again, with a new number.
      web.spec?.template = Self.template("web")
      _ = try await client.replace(web)
      let third = try await Self.wait("rollback") { try await finished(3) }
      #expect(third.metadata.annotations?["deployment.kubernetes.io/revision"] == "3")
      #expect(try await client.list(ReplicaSet.self, in: "default").items.count == 2)

      _ = try await client.scale(Deployment.self, "web", in: "default", to: 5)
      _ = try await Self.wait("scaled") { try await finished(4) }

      try await client.delete(Deployment.self, "web", in: "default", options: .init(propagation: .foreground))
      _ = try await Self.wait("all collected") {
        let sets = try await client.list(ReplicaSet.self, in: "default").items
        let pods = try await client.list(Pod.self, in: "default").items
        let left = try await client.list(Deployment.self, in: "default").items
        return sets.isEmpty && pods.isEmpty && left.isEmpty ? true : nil
      }
    }
  }

  /// `kubectl delete deployment --cascade=orphan`, then the same deployment again: the running pods stay.
  @Test func aDeploymentAdoptsTheSetsThatNobodyControls() async throws {
    try await Self.withCluster { client, _ in
      let web = Deployment(
        metadata: ObjectMeta(name: "web", namespace: "default"),
        spec: .init(replicas: 2, selector: .init(matchLabels: ["app": "web"]), template: Self.template("web")))
      _ = try await client.create(web)
      let ready: @Sendable () async throws -> Deployment? = {
        let now = try await client.get(Deployment.self, "web", in: "default")
        return now.status?.availableReplicas == 2 && now.status?.replicas == 2 ? now : nil
      }
      _ = try await Self.wait("first rollout", ready)
      let pods = Set(try await client.list(Pod.self, in: "default").items.compactMap(\.metadata.uid))
      try await client.delete(Deployment.self, "web", in: "default", options: .init(propagation: .orphan))
      _ = try await Self.wait("deployment gone") {
        try await client.getIfPresent(Deployment.self, "web", in: "default") == nil ? true : nil
      }
      let again = try await client.create(web)
      _ = try await Self.wait("adopted", ready)
      let sets = try await client.list(ReplicaSet.self, in: "default").items
      #expect(sets.count == 1 && sets.first?.metadata.ownerReferences?.first?.uid == again.metadata.uid)
      #expect(Set(try await client.list(Pod.self, in: "default").items.compactMap(\.metadata.uid)) == pods)
    }
  }

  /// Each refusal names another pod; a status that repeated them would wake its own controller for ever.
  @Test func aRefusedPodLeavesAStatusThatStays() async throws {
    try await Self.withCluster { client, _ in
      _ = try await client.create(
        ResourceType(group: "", version: "v1", kind: "ResourceQuota", plural: "resourcequotas", isNamespaced: true),
        DynamicObject([
          "apiVersion": "v1", "kind": "ResourceQuota", "metadata": ["name": "none", "namespace": "default"],
          "spec": ["hard": ["pods": "0"]],
        ]))
      let set = ReplicaSet(
        metadata: ObjectMeta(name: "web", namespace: "default"),
        spec: ReplicaSetSpec(
          replicas: 1, selector: .init(matchLabels: ["app": "web"]), template: Self.template("web")))
      _ = try await client.create(set)
      let first = try await Self.wait("refusal reported") {
        let now = try await client.get(ReplicaSet.self, "web", in: "default")
        return now.status?.conditions?.contains { $0.type == "ReplicaFailure" } == true ? now : nil
      }
      let refusals: @Sendable () async throws -> Int = {
        try await client.list(Event.self, in: "default").items.filter { $0.reason == "FailedCreate" }
          .reduce(0) { $0 + max(1, $1.series?.count ?? 1) }
      }
      let seen = try await refusals()
      _ = try await Self.wait("tried again") { try await refusals() > seen + 2 ? true : nil }
      let now = try await client.get(ReplicaSet.self, "web", in: "default")
      #expect(now.metadata.resourceVersion == first.metadata.resourceVersion)
    }
  }

  @Test func statefulSetKeepsNamesDisksAndOrder() async throws {
    try await Self.withCluster { client, root in
      var set = StatefulSet(
        metadata: ObjectMeta(name: "db", namespace: "default"),
        spec: StatefulSetSpec(
          replicas: 3, selector: .init(matchLabels: ["app": "db"]), serviceName: "db", template: Self.template("db"),
          volumeClaimTemplates: [
            PersistentVolumeClaim(
              metadata: ObjectMeta(name: "data"),
              spec: PersistentVolumeClaimSpec(
                accessModes: ["ReadWriteOnce"], resources: .init(requests: ["storage": "1Gi"])))
          ]))
      _ = try await client.create(set)
      let ready: @Sendable () async throws -> StatefulSet? = {
        let now = try await client.get(StatefulSet.self, "db", in: "default")
        let isDone =
          now.status?.readyReplicas == now.spec?.replicas && now.status?.updatedReplicas == now.spec?.replicas
          && now.status?.observedGeneration == now.metadata.generation
          && now.status?.currentRevision == now.status?.updateRevision
        return isDone ? now : nil
      }
      let first = try await Self.wait("three ready") { try await ready() }
      let pods = try await client.list(Pod.self, in: "default").items
      #expect(pods.compactMap(\.metadata.name).sorted() == ["db-0", "db-1", "db-2"])
      let claims = try await client.list(PersistentVolumeClaim.self, in: "default").items
      #expect(claims.compactMap(\.metadata.name).sorted() == ["data-db-0", "data-db-1", "data-db-2"])
      #expect(claims.allSatisfy { $0.status?.phase == "Bound" })
      #expect(try FileManager.default.contentsOfDirectory(atPath: root).count == 3)

      set.spec?.template = Self.template("db", image: "app:2")
      _ = try await client.replace(set)
      let second = try await Self.wait("updated") {
        let now = try await ready()
        return now?.status?.updateRevision != first.status?.updateRevision ? now : nil
      }
      #expect(second.status?.currentReplicas == 3)
      #expect(try await client.list(ControllerRevision.self, in: "default").items.map(\.revision).sorted() == [1, 2])

      // Claims outlive the set, and their folders the claims' pods; they go with the claims.
      try await client.delete(StatefulSet.self, "db", in: "default")
      _ = try await Self.wait("pods gone") { try await client.list(Pod.self, in: "default").items.isEmpty ? true : nil }
      #expect(try await client.list(PersistentVolumeClaim.self, in: "default").items.count == 3)
      try await client.deleteCollection(PersistentVolumeClaim.self, in: "default")
      _ = try await Self.wait("folders gone") {
        try FileManager.default.contentsOfDirectory(atPath: root).isEmpty ? true : nil
      }
    }
  }

  @Test func jobsRunAndCronJobsStartThem() async throws {
    try await Self.withCluster { client, _ in
      let spec = JobSpec(
        completions: 3, parallelism: 2, template: Self.template("job", restartPolicy: "Never"),
        ttlSecondsAfterFinished: 1)
      _ = try await client.create(Job(metadata: ObjectMeta(name: "once", namespace: "default"), spec: spec))
      let job = try await Self.wait("job complete") {
        let job = try await client.getIfPresent(Job.self, "once", in: "default")
        return job?.status?.conditions?.contains { $0.type == "Complete" && $0.status == "True" } ?? false ? job : nil
      }
      #expect(job.status?.succeeded == 3)
      _ = try await Self.wait("job expired") {
        try await client.getIfPresent(Job.self, "once", in: "default") == nil ? true : nil
      }
      let cron = CronJob(
        metadata: ObjectMeta(name: "often", namespace: "default"),
        spec: CronJobSpec(
          jobTemplate: JobTemplateSpec(spec: JobSpec(template: Self.template("cron", restartPolicy: "Never"))),
          schedule: "@every 1s"))
      do {
        _ = try await client.create(cron)
        _ = try await Self.wait("cron job started a job") {
          try await client.list(Job.self, in: "default").items.contains {
            $0.metadata.ownerReferences?.first?.name == "often"
          }
            ? true : nil
        }
      } catch let error as KubernetesError {
        #expect(error.isInvalid)
      }
    }
  }

  @Test func servicesFindTheirPodsAndNamespacesAreEmptied() async throws {
    try await Self.withCluster { client, _ in
      _ = try await client.create(Namespace(metadata: ObjectMeta(name: "team")))
      _ = try await Self.wait("default service account") {
        try await client.getIfPresent(ServiceAccount.self, "default", in: "team")
      }
      _ = try await client.create(
        Service(
          metadata: ObjectMeta(name: "web", namespace: "team"),
          spec: ServiceSpec(ports: [ServicePort(port: 80, targetPort: "http")], selector: ["app": "web"])))
      _ = try await client.create(
        Deployment(
          metadata: ObjectMeta(name: "web", namespace: "team"),
          spec: .init(replicas: 2, selector: .init(matchLabels: ["app": "web"]), template: Self.template("web"))))
      _ = try await client.create(
        PodDisruptionBudget(
          metadata: ObjectMeta(name: "web", namespace: "team"),
          spec: PodDisruptionBudgetSpec(minAvailable: 1, selector: .init(matchLabels: ["app": "web"]))))
      _ = try await Self.wait("two endpoints") {
        let slices = try await client.list(
          EndpointSlice.self, in: "team", options: ListOptions(labelSelector: "kubernetes.io/service-name=web")
        ).items
        let ready = slices.flatMap { $0.endpoints ?? [] }.filter { $0.conditions?.ready == true }
        return ready.count == 2 ? true : nil
      }
      let endpoints = try await Self.wait("endpoints object") {
        let object = try await client.getIfPresent(Endpoints.self, "web", in: "team")
        return object?.subsets?.first?.addresses?.count == 2 ? object : nil
      }
      #expect(endpoints.subsets?.first?.ports?.first?.port == 80)
      _ = try await Self.wait("one disruption allowed") {
        let budget = try await client.get(PodDisruptionBudget.self, "web", in: "team")
        return budget.status?.disruptionsAllowed == 1 ? true : nil
      }
      try await client.delete(Namespace.self, "team", in: nil)
      _ = try await Self.wait("namespace gone") {
        try await client.getIfPresent(Namespace.self, "team", in: nil) == nil ? true : nil
      }
      #expect(try await client.list(Pod.self, in: "team").items.isEmpty)
    }
  }
}
