import KubernetesClient
import KubernetesModels
import Logging
import OperatorRuntime
import PlatformOperator
import RTXPlatformAPI
import Testing

/// The operator against API servers on which nothing else acts: no pods, but the real validation of every object.
@Suite(.timeLimit(.minutes(3))) struct PlatformOperatorTests {
  /// One operator that watches one namespace, and the writes that it made.
  private struct Running {
    let server: TestServer
    let namespace: String
    let transport: RecordingTransport
    let manager: Manager
    let task: Task<Void, any Error>

    init(_ kind: Servers) async throws {
      server = try await kind.start()
      try await server.installPlatformCRD()
      namespace = try await server.namespace("platform")
      transport = RecordingTransport(server.client.transport)
      var logger = Logger(label: "operator")
      logger.logLevel = .critical
      let manager = Manager(
        client: KubernetesClient(transport: transport), logger: logger,
        options: ManagerOptions(healthPort: nil, metricsPort: nil, gracePeriod: .seconds(2), signals: []))
      PlatformOperator(
        client: KubernetesClient(transport: transport), logger: logger,
        options: PlatformOperator.Options(namespace: namespace)
      ).add(to: manager)
      self.manager = manager
      task = Task { try await manager.run() }
    }

    func stop() async {
      manager.stop()
      _ = await task.result
    }

    func platform() async throws -> RTXPlatform {
      try await server.client.get(RTXPlatform.self, "trading", in: namespace)
    }

    /// `Kind name` and resource version of everything that carries the platform's label.
    func owned() async throws -> [String: String] {
      let client = server.client
      var found: [String: String] = [:]
      let options = ListOptions(labelSelector: "\(PlatformConstants.platformLabel)=trading")
      for type in Self.types {
        for object in try await client.list(type, in: namespace, options: options).items {
          found["\(type.kind) \(object.name ?? "")"] = object.resourceVersion
        }
      }
      return found
    }

    /// Waits until the operator has nothing more to write, and returns what there is.
    func settled(_ what: String) async throws -> [String: String] {
      try await eventually("\(what): every component reports", within: .seconds(60)) {
        let conditions = try await platform().status?.conditions ?? []
        return conditions.count >= 10 && conditions.allSatisfy { $0.reason != "Retrying" } ? true : nil
      }
      try await eventually("\(what): the writes end", within: .seconds(60)) { [transport] in
        let count = transport.writes.count
        // Two reconciles' worth of silence.
        await pause(.milliseconds(1500))
        return transport.writes.count == count ? true : nil
      }
      #expect(!transport.writes.isEmpty)
      return try await owned()
    }

    static let types = [
      ConfigMap.resourceType, Secret.resourceType, Service.resourceType, ServiceAccount.resourceType,
      PersistentVolumeClaim.resourceType, Deployment.resourceType, StatefulSet.resourceType, CronJob.resourceType,
      HorizontalPodAutoscaler.resourceType, NetworkPolicy.resourceType, Ingress.resourceType,
      PodDisruptionBudget.resourceType, Role.resourceType, RoleBinding.resourceType,
    ]
  }

  private func running(_ kind: Servers, _ body: (Running) async throws -> Void) async throws {
    let running = try await Running(kind)
    do {
      try await body(running)
    } catch {
      await running.stop()
      throw error
    }
    await running.stop()
  }

  private func sample(in namespace: String) -> RTXPlatform {
    var platform = RTXPlatform(metadata: ObjectMeta(name: "trading", namespace: namespace))
    platform.spec.backend.priceFeed = "SIM"
    platform.spec.network.ingress.enabled = true
    platform.spec.network.ingress.host = "trading.example.com"
    return platform
  }

  /// Stands in for the controllers until cancelled: Deployments have all their pods, and Jobs succeed.
  private func play(_ client: KubernetesClient, in namespace: String) async throws {
    while !Task.isCancelled {
      for var deployment in try await client.list(Deployment.self, in: namespace).items {
        let count = deployment.spec?.replicas ?? 1
        let status = DeploymentStatus(
          availableReplicas: count, observedGeneration: deployment.metadata.generation, readyReplicas: count,
          replicas: count, updatedReplicas: count)
        guard deployment.status != status else { continue }
        deployment.status = status
        _ = try? await client.replaceStatus(deployment)
      }
      for var job in try await client.list(Job.self, in: namespace).items where job.status?.completionTime == nil {
        job.status = JobStatus(
          completionTime: .now,
          conditions: ["SuccessCriteriaMet", "Complete"].map {
            JobCondition(lastTransitionTime: .now, reason: "CompletionsReached", status: "True", type: $0)
          },
          startTime: job.metadata.creationTimestamp, succeeded: 1)
        _ = try? await client.replaceStatus(job)
      }
      await pause(.milliseconds(50))
    }
  }

  @Test(arguments: Servers.atHand) func releasesGoFromColourToColour(_ kind: Servers) async throws {
    try await running(kind) { running in
      let (client, namespace) = (running.server.client, running.namespace)
      let controllers = Task { try await play(client, in: namespace) }
      defer { controllers.cancel() }
      var platform = sample(in: namespace)
      platform.spec.backend.image = "rtx:1"
      platform.spec.rollout = RolloutSpec(
        scaleDownDelaySeconds: 0, smokeTests: [], strategy: "BlueGreen", watchSeconds: 0)
      try await client.create(platform)
      func released(_ image: String) async throws -> RolloutStatus {
        try await eventually("\(image) is released", within: .seconds(60)) {
          let status = try await running.platform().status?.rollout
          return status?.step == "Idle" && status?.history?.first?.image == image ? status : nil
        }
      }
      #expect(try await released("rtx:1").stableColour == "blue")
      let _: RTXPlatform = try await client.patch(
        RTXPlatform.self, "trading", in: namespace, .merge(["spec": ["backend": ["image": "rtx:2"]]]))
      let second = try await released("rtx:2")
      #expect(second.stableColour == "green" && second.history?.first?.outcome == "Succeeded")
      let service = try await client.get(Service.self, "trading-backend", in: namespace)
      #expect(service.spec?.selector?["rtx.trading/colour"] == "green")
      let autoscaler = try await client.get(HorizontalPodAutoscaler.self, "trading-backend", in: namespace)
      #expect(autoscaler.spec.scaleTargetRef.name == "trading-backend-green")
      #expect(try await client.getIfPresent(Deployment.self, "trading-backend-blue", in: namespace) == nil)
    }
  }

  @Test(arguments: Servers.atHand) func onePlatformBecomesAllItsObjectsAndStays(_ kind: Servers) async throws {
    try await running(kind) { running in
      let client = running.server.client
      let namespace = running.namespace
      try await client.create(sample(in: namespace))
      let first = try await running.settled("first")
      #expect(
        Set(first.keys).isSuperset(of: Self.expected), "missing: \(Self.expected.subtracting(first.keys).sorted())")
      let labels = try await client.get(Namespace.self, namespace).metadata.labels ?? [:]
      #expect(labels["pod-security.kubernetes.io/enforce"] == "restricted")

      let platform = try await running.platform()
      #expect(platform.hasFinalizer(PlatformConstants.finalizer))
      #expect(platform.status?.observedGeneration == platform.metadata.generation)
      #expect(platform.status?.conditions?.first { $0.type == "Stalled" }?.status == "False")
      let refused = platform.status?.conditions?.filter {
        ["Refused", "InvalidSpec", "NameConflict"].contains($0.reason)
      }
      #expect(refused?.isEmpty == true, "\(refused ?? [])")

      // A second pass writes nothing at all: no object has a new version, no request was made.
      let writes = running.transport.writes.count
      let _: RTXPlatform = try await client.patch(
        RTXPlatform.self, "trading", in: namespace, .merge(["metadata": ["annotations": ["touched": "yes"]]]))
      let second = try await running.settled("second")
      #expect(second == first)
      #expect(running.transport.writes.count == writes, "\(running.transport.writes.dropFirst(writes))")

      // Nor does an operator that starts anew.
      await running.stop()
      let restarted = RecordingTransport(client.transport)
      var logger = Logger(label: "operator")
      logger.logLevel = .critical
      let manager = Manager(
        client: KubernetesClient(transport: restarted), logger: logger,
        options: ManagerOptions(healthPort: nil, metricsPort: nil, signals: []))
      PlatformOperator(
        client: KubernetesClient(transport: restarted), logger: logger,
        options: PlatformOperator.Options(namespace: namespace)
      ).add(to: manager)
      let task = Task { try await manager.run() }
      try await eventually("it watches") { restarted.watches.count >= 19 ? true : nil }
      await pause(.seconds(2))
      manager.stop()
      _ = await task.result
      #expect(restarted.writes.isEmpty, "\(restarted.writes)")
      #expect(try await running.owned() == first)
    }
  }

  @Test(arguments: Servers.atHand) func whatIsDeletedOrChangedIsRepaired(_ kind: Servers) async throws {
    try await running(kind) { running in
      let client = running.server.client
      let namespace = running.namespace
      try await client.create(sample(in: namespace))
      let first = try await running.settled("first")
      let passwords = try await client.get(Secret.self, "trading-backend-secrets", in: namespace).data

      try await client.delete(Service.self, "trading-backend", in: namespace)
      try await client.delete(Secret.self, "trading-backend-secrets", in: namespace)
      try await client.delete(StatefulSet.self, "trading-postgres", in: namespace)
      let _: NetworkPolicy = try await client.patch(
        NetworkPolicy.self, "trading-network-default-deny", in: namespace,
        .merge(["spec": ["policyTypes": ["Ingress"]]]))
      try await eventually("everything is back") {
        let policy = try await client.get(NetworkPolicy.self, "trading-network-default-deny", in: namespace)
        let names = Set(try await running.owned().keys)
        return names == Set(first.keys) && policy.spec?.policyTypes == ["Ingress", "Egress"] ? true : nil
      }
      // The database knows the old passwords, so the Secret that comes back must hold them.
      #expect(try await client.get(Secret.self, "trading-backend-secrets", in: namespace).data == passwords)
    }
  }

  @Test(arguments: Servers.atHand) func changeOfTheSpecChangesTheObjects(_ kind: Servers) async throws {
    try await running(kind) { running in
      let client = running.server.client
      let namespace = running.namespace
      try await client.create(sample(in: namespace))
      _ = try await running.settled("first")
      try await client.scale(RTXPlatform.self, "trading", in: namespace, to: 4)
      let _: RTXPlatform = try await client.patch(
        RTXPlatform.self, "trading", in: namespace,
        .merge([
          "spec": [
            "backend": ["image": "example/server:2", "autoscaling": ["maxReplicas": 20]],
            "network": ["ingress": ["enabled": false]], "backup": ["schedule": "30 2 * * *"],
          ]
        ]))
      try await eventually("the objects follow") { () -> Bool? in
        let server = try await client.get(Deployment.self, "trading-backend", in: namespace)
        let autoscaler = try await client.get(HorizontalPodAutoscaler.self, "trading-backend", in: namespace)
        let ingresses = try await client.list(Ingress.self, in: namespace).items
        let schedules = try await client.list(CronJob.self, in: namespace).items.map(\.spec.schedule)
        let images = server.spec?.template.spec?.containers.compactMap(\.image) ?? []
        return images == ["example/server:2"] && autoscaler.spec.maxReplicas == 20 && ingresses.isEmpty
          && schedules == ["30 2 * * *"] ? true : nil
      }
      // The autoscaler owns the number of servers from the second apply on; the operator must not reset it.
      let _: Deployment = try await client.patch(
        Deployment.self, "trading-backend", in: namespace, .merge(["spec": ["replicas": 7]]))
      _ = try await running.settled("scaled")
      #expect(try await client.get(Deployment.self, "trading-backend", in: namespace).spec?.replicas == 7)
    }
  }

  @Test(arguments: Servers.withControllers) func deletedPlatformLeavesOnlyData(_ kind: Servers) async throws {
    try await running(kind) { running in
      let client = running.server.client
      let namespace = running.namespace
      try await client.create(sample(in: namespace))
      try await eventually("the last object is there", within: .seconds(60)) {
        try await client.getIfPresent(Deployment.self, "trading-backend", in: namespace) != nil ? true : nil
      }
      try await client.delete(RTXPlatform.self, "trading", in: namespace)
      try await eventually("the platform is gone", within: .seconds(60)) {
        try await client.getIfPresent(RTXPlatform.self, "trading", in: namespace) == nil ? true : nil
      }
      let left = try await eventually("what it owned is gone", within: .seconds(60)) { () -> [String: String]? in
        let left = try await running.owned()
        return left.keys.allSatisfy { $0.hasPrefix("Secret ") || $0.hasPrefix("PersistentVolumeClaim ") } ? left : nil
      }
      #expect(left.keys.contains("Secret trading-backend-secrets"))
    }
  }

  private static let expected: Set<String> = [
    "ConfigMap trading-configuration", "Secret trading-backend-secrets", "Secret trading-postgres-secrets",
    "Deployment trading-backend", "Service trading-backend", "ServiceAccount trading-backend",
    "HorizontalPodAutoscaler trading-backend", "PodDisruptionBudget trading-backend", "Role trading-backend",
    "RoleBinding trading-backend", "StatefulSet trading-postgres", "Service trading-postgres-rw",
    "Service trading-postgres-ro", "PodDisruptionBudget trading-postgres", "Ingress trading-network",
    "NetworkPolicy trading-network-default-deny", "NetworkPolicy trading-network-backend",
    "NetworkPolicy trading-network-postgres", "NetworkPolicy trading-network-redis",
    "NetworkPolicy trading-network-backup", "ConfigMap trading-postgres", "ConfigMap trading-backup",
    "Service trading-postgres-headless", "ServiceAccount trading-postgres", "Role trading-postgres",
    "RoleBinding trading-postgres", "Deployment trading-redis", "Service trading-redis",
    "PersistentVolumeClaim trading-redis", "PersistentVolumeClaim trading-backup", "CronJob trading-backup",
  ]
}
