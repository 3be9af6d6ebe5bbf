import KubernetesClient
import KubernetesModels
import OperatorTestKit
import SandboxCluster
import Testing

@testable import OperatorRuntime

/// Which changes wake which keys, against the sandbox's API server.
@Suite(.timeLimit(.minutes(1))) struct ControllerSourcesTests {
  let client: KubernetesClient

  init() throws {
    client = try APIServer().client()
  }

  static func deployment(_ name: String, secret: String? = nil) -> Deployment {
    Deployment(
      metadata: ObjectMeta(name: name, namespace: "default"),
      spec: .init(
        selector: .init(matchLabels: ["app": name]),
        template: PodTemplateSpec(
          metadata: ObjectMeta(labels: ["app": name]),
          spec: PodSpec(
            containers: [
              Container(
                envFrom: secret.map { [EnvFromSource(secretRef: SecretEnvSource(name: $0))] }, image: "app:1",
                name: "app")
            ]))))
  }

  static func secrets(_ deployment: Deployment) -> [ObjectKey] {
    (deployment.spec?.template.spec?.containers ?? []).flatMap { $0.envFrom ?? [] }
      .compactMap { $0.secretRef?.name }
      .map { ObjectKey(namespace: deployment.metadata.namespace, name: $0) }
  }

  @Test func changedSecretWakesThoseThatNameItAndNobodyElse() async throws {
    for (name, secret) in [("a", "one"), ("b", "one"), ("c", "two")] {
      _ = try await client.create(Self.deployment(name, secret: secret))
    }
    let deployments = Informer<Deployment>(client: client)
    let secrets = Informer<Secret>(client: client, namespace: "default")
    let seen = Shared<[String]>([])
    let controller = Controller(
      name: "test",
      reconciler: ClosureReconciler { key in
        seen.update { $0.append(key.name) }
        return .done
      }, workers: 1)
    controller.watch(deployments, matching: .generationChanged)
    controller.watch(secrets, namedBy: deployments, references: Self.secrets)
    let tasks = [
      Task { try await deployments.run() }, Task { try await secrets.run() }, Task { try await controller.run() },
    ]
    defer { for task in tasks { task.cancel() } }
    #expect(await eventually { seen.value.count == 3 })
    seen.update { $0 = [] }

    let one = Secret(metadata: ObjectMeta(name: "one", namespace: "default"), stringData: ["key": "1"])
    _ = try await client.create(one)
    #expect(await eventually { seen.value.sorted() == ["a", "b"] })
    seen.update { $0 = [] }
    // Nobody names it any more.
    for name in ["a", "b"] { deployments.note(written: try await client.replace(Self.deployment(name, secret: "two"))) }
    #expect(await eventually { seen.value.sorted() == ["a", "b"] })
    seen.update { $0 = [] }
    try await client.delete(Secret.self, "one", in: "default")
    _ = try await client.create(
      Secret(metadata: ObjectMeta(name: "two", namespace: "default"), stringData: ["key": "1"]))
    #expect(await eventually { seen.value.sorted() == ["a", "b", "c"] })
  }

  @Test func ownersAreToldApartByGroupAndKind() async throws {
    let owner = try await client.create(Self.deployment("web"))
    let maps = Informer<ConfigMap>(client: client, namespace: "default")
    let seen = Shared<[String]>([])
    let controller = Controller(
      name: "test",
      reconciler: ClosureReconciler { key in
        seen.update { $0.append("\(key)") }
        return .done
      })
    controller.own(maps, by: Deployment.self)
    let tasks = [Task { try await maps.run() }, Task { try await controller.run() }]
    defer { for task in tasks { task.cancel() } }
    let reference = try #require(OwnerReference(controlling: owner))
    var foreign = reference
    foreign.apiVersion = "example.com/v1"
    foreign.name = "foreign"
    for (name, owner) in [("foreign", foreign), ("mine", reference)] {
      _ = try await client.create(
        ConfigMap(metadata: ObjectMeta(name: name, namespace: "default", ownerReferences: [owner])))
    }
    #expect(await eventually { !seen.value.isEmpty })
    #expect(Set(seen.value) == ["default/web"])
  }

  @Test func whatWasThereAtTheStartComesAfterChanges() async throws {
    for number in 0..<20 { _ = try await client.create(Self.deployment("old-\(number)")) }
    let deployments = Informer<Deployment>(client: client)
    let seen = Shared<[String]>([])
    let controller = Controller(
      name: "test",
      reconciler: ClosureReconciler { key in
        seen.update { $0.append(key.name) }
        return .done
      }, workers: 1)
    controller.watch(deployments)
    // Hears of a change right after the controller does.
    let heard = Shared<[String]>([])
    deployments.observe { change in heard.update { $0.append(change.object.key.name) } }
    let informing = Task { try await deployments.run() }
    defer { informing.cancel() }
    try await deployments.waitUntilSynced()
    deployments.note(written: try await client.create(Self.deployment("new")))
    #expect(await eventually { heard.value.contains("new") })
    let running = Task { try await controller.run() }
    defer { running.cancel() }
    #expect(await eventually { seen.value.count >= 21 })
    #expect(seen.value.first == "new")
  }

  @Test func resyncLooksAgainAlthoughNothingChanged() async throws {
    let clock = TestClock()
    let seen = Shared(0)
    let controller = Controller(
      name: "test",
      reconciler: ClosureReconciler { _ in
        seen.update { $0 += 1 }
        return .done
      }, clock: clock)
    controller.resync(every: .seconds(600)) { [ObjectKey(namespace: nil, name: "a")] }
    let task = Task { try await controller.run() }
    defer { task.cancel() }
    #expect(await eventually { clock.sleeperCount == 1 })
    await clock.advance(by: .seconds(599))
    #expect(seen.value == 0)
    await clock.advance(by: .seconds(61))
    #expect(await eventually { seen.value == 1 })
  }
}
