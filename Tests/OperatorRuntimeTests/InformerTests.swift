import KubernetesClient
import KubernetesModels
import Logging
import SandboxCluster
import OperatorTestKit
import Testing

@testable import OperatorRuntime

/// Informers and the manager against a real API server: the sandbox's, in this process.
@Suite struct InformerTests {
  let client: KubernetesClient

  init() throws {
    client = KubernetesClient(transport: InProcessTransport(server: try APIServer(), user: .admin))
  }

  static func settings(_ value: String, labels: [String: String] = ["app": "web"]) -> ConfigMap {
    ConfigMap(data: ["key": value], metadata: ObjectMeta(labels: labels, name: "settings", namespace: "default"))
  }

  @Test func storeFollowsTheServer() async throws {
    let informer = Informer<ConfigMap>(client: client, namespace: "default", labelSelector: "app=web")
    let log = Shared<[String]>([])
    informer.observe { change in
      let text =
        switch change {
        case .added(let new): "added \(new.data?["key"] ?? "")"
        case .updated(let old, let new): "updated \(old.data?["key"] ?? "")→\(new.data?["key"] ?? "")"
        case .deleted(let old): "deleted \(old.data?["key"] ?? "")"
        }
      log.update { $0.append(text) }
    }
    _ = try await client.create(Self.settings("1"))
    let task = Task { try await informer.run() }
    defer { task.cancel() }
    try await informer.waitUntilSynced()
    #expect(informer.get("settings", in: "default")?.data == ["key": "1"])

    let changed = try await client.replace(Self.settings("2"))
    #expect(await eventually { informer.get("settings", in: "default")?.data == ["key": "2"] })
    #expect(informer.hasSeen(resourceVersion: changed.metadata.resourceVersion ?? ""))
    // An object that no longer matches the selector is gone for this store.
    _ = try await client.replace(Self.settings("3", labels: ["app": "other"]))
    #expect(await eventually { informer.list().isEmpty })
    // Handlers hear of a change after the store shows it.
    #expect(await eventually { log.value.count == 3 })
    #expect(log.value.first == "added 1")
    #expect(log.value.dropFirst().first == "updated 1→2")
  }

  @Test func managerRunsControllersAndStopsGracefully() async throws {
    var quiet = Logger(label: "test")
    quiet.logLevel = .error
    let manager = Manager(
      client: client, logger: quiet,
      options: ManagerOptions(
        healthPort: nil, metricsPort: nil,
        leaderElection: LeaderElectionOptions(
          lease: ObjectKey(namespace: "default", name: "operator"), identity: "me"), signals: []))
    let informer = Informer<ConfigMap>(client: client, namespace: "default")
    let seen = Shared<[String]>([])
    let controller = Controller(
      name: "settings",
      reconciler: ClosureReconciler { key in
        seen.update { $0.append(key.name) }
        return .done
      }, logger: quiet)
    controller.watch(informer)
    manager.add(informer)
    manager.add(controller)
    #expect(await manager.health("/readyz") == .unavailable("ConfigMap not listed yet"))
    #expect(await manager.health("/healthz") == .ok("ok"))

    let run = Task { try await manager.run() }
    #expect(await eventually { await manager.health("/readyz") == .ok("ok") })
    _ = try await client.create(Self.settings("1"))
    #expect(await eventually { seen.value.contains("settings") })
    #expect(manager.isLeader)
    let lease = try await client.get(Lease.self, "operator", in: "default")
    #expect(lease.spec?.holderIdentity == "me")

    manager.stop()
    try await run.value
    #expect(await manager.health("/readyz") == .unavailable("stopping"))
    // Given up, so that the next one need not wait.
    #expect(try await client.get(Lease.self, "operator", in: "default").spec?.holderIdentity == "")
  }

  @Test func applyThatChangesNothingIsNotSent() async throws {
    let applier = Applier(client: client, fieldManager: "test-operator")
    var desired = Deployment(
      metadata: ObjectMeta(name: "web", namespace: "default"),
      spec: .init(
        replicas: 1, selector: .init(matchLabels: ["app": "web"]),
        template: PodTemplateSpec(
          metadata: ObjectMeta(labels: ["app": "web"]),
          spec: PodSpec(containers: [
            Container(
              image: "app:1", name: "app", ports: [ContainerPort(containerPort: 80)],
              resources: .init(limits: ["cpu": "1000m", "memory": "1024Mi"]))
          ]))))
    guard case .applied = try await applier.applyIfChanged(desired, observed: nil) else {
      Issue.record("was not created")
      return
    }
    // With the server's defaults in it, and another process's empty memory.
    let stored = try await client.get(Deployment.self, "web", in: "default")
    let other = Applier(client: client, fieldManager: "test-operator")
    guard case .unchanged = try await other.applyIfChanged(desired, observed: stored) else {
      Issue.record("applied although nothing changed")
      return
    }
    desired.spec?.replicas = 2
    guard case .applied(let changed) = try await other.applyIfChanged(desired, observed: stored) else {
      Issue.record("a change was not applied")
      return
    }
    #expect(changed.spec?.replicas == 2)
  }
}
