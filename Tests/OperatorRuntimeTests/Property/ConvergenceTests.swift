import KubernetesClient
import KubernetesModels
import Logging
import OperatorTestKit
import Testing

@testable import OperatorRuntime

/// Informers, applier, queue and controller together, through a network on which everything goes wrong at random, against
/// the sandbox's API server with a short history. When the faults end, stores equal the server and the work is done.
///
/// `PROPERTY_SEED=7` runs one seed alone, `PROPERTY_SEEDS=100` fewer. All of them take a minute and a half on two cores.
@Suite(.timeLimit(.minutes(15))) struct ConvergenceTests {
  @Test func storesAndControllerConvergeWhateverGoesWrong() async throws {
    let seeds = PropertySeeds.range(upTo: 1_000)
    let next = Shared(seeds.lowerBound)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<2 {
        group.addTask {
          do {
            // Little history: a watch that lies back a bit gets a 410.
            let server = try TestAPIServer(eventHistory: 30)
            while true {
              let seed = next.update { next in
                defer { next += 1 }
                return next
              }
              guard seeds.contains(seed) else { return }
              let problem = try await CopyWorld(seed: seed, server: server).run()
              #expect(problem == nil, "PROPERTY_SEED=\(seed)")
            }
          } catch {
            Issue.record("\(error)")
          }
        }
      }
    }
  }
}

/// A controller that keeps a Secret for every ConfigMap, while ConfigMaps come and go.
private struct CopyWorld {
  let seed: UInt64
  let server: TestAPIServer
  let namespace: String
  let faults: FaultInjector
  let client: KubernetesClient

  init(seed: UInt64, server: TestAPIServer) {
    self.seed = seed
    self.server = server
    namespace = "seed-\(seed)"
    faults = FaultInjector(server.transport, plan: FaultInjector.randomPlan(seed: seed, probability: 0.25))
    var client = KubernetesClient(transport: faults)
    client.retryPolicy = RetryPolicy(maximumAttempts: 1)
    self.client = client
  }

  /// - Returns: What is wrong in the end; nil when nothing is.
  func run() async throws -> String? {
    var random = SeededGenerator(seed: seed)
    let user = server.client
    try await user.create(Namespace.namespace(namespace))
    var copier = Copier(client: client, namespace: namespace, random: &random)
    for _ in 0..<16 {
      try await change(user, &random)
      if random.chance(0.15) {
        // The operator is killed and started again.
        await copier.stop()
        copier = Copier(client: client, namespace: namespace, random: &random)
      }
      if random.chance(0.3) { await Task.yield() }
    }
    faults.setPlan { _ in nil }
    let (last, namespace) = (copier, namespace)
    let isEqual = try await eventually(.seconds(60)) { try await last.differences(from: user, namespace) == nil }
    let problem = isEqual ? nil : try await last.differences(from: user, namespace)
    await last.stop()
    return isEqual ? nil : problem ?? "came too late"
  }

  private func change(_ user: KubernetesClient, _ random: inout SeededGenerator) async throws {
    let name = "m\(Int.random(in: 0..<5, using: &random))"
    let present = try await user.getIfPresent(ConfigMap.self, name, in: namespace)
    switch (present, random.chance(0.3)) {
    case (nil, _): try await user.create(ConfigMap.configMap(name, in: namespace, ["n": "\(random.next())"]))
    case (_?, true): try await user.delete(ConfigMap.self, name, in: namespace)
    case (var map?, false):
      map.data = ["n": "\(random.next())"]
      try await user.replace(map)
    }
  }
}

private struct Copier: Reconciler {
  let client: KubernetesClient
  let maps: Informer<ConfigMap>
  let secrets: Informer<Secret>
  let applier: Applier
  private var tasks: [Task<Void, any Error>] = []

  init(client: KubernetesClient, namespace: String, random: inout SeededGenerator) {
    var quiet = Logger(label: "test")
    quiet.logLevel = .critical
    let pace = Backoff(initial: .milliseconds(1), maximum: .milliseconds(10))
    func options(_ random: inout SeededGenerator) -> InformerOptions {
      InformerOptions(
        pageSize: Int.random(in: 1...3, using: &random), streamsLists: random.chance(0.5), backoff: pace)
    }
    self.client = client
    maps = Informer(client: client, namespace: namespace, options: options(&random), logger: quiet)
    secrets = Informer(client: client, namespace: namespace, options: options(&random), logger: quiet)
    applier = Applier(client: client, fieldManager: "copier")
    let controller = Controller(
      name: "copier", reconciler: self, workers: 2,
      retry: RequeuePolicy(initial: .milliseconds(1), maximum: .milliseconds(10)),
      classify: { _ in .retry() }, logger: quiet)
    controller.watch(maps)
    controller.watch(secrets)
    let (maps, secrets) = (maps, secrets)
    tasks = [Task { try await maps.run() }, Task { try await secrets.run() }, Task { try await controller.run() }]
  }

  func stop() async {
    for task in tasks { task.cancel() }
    for task in tasks { _ = await task.result }
  }

  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    if let map = maps.get(key) {
      let secret = Secret(
        metadata: ObjectMeta(name: key.name, namespace: key.namespace), stringData: map.data)
      _ = try await applier.applyIfChanged(secret, knownTo: secrets)
    } else if let secret = secrets.get(key) {
      do {
        try await client.delete(
          Secret.self, key.name, in: key.namespace, options: DeleteOptions(uid: secret.metadata.uid))
      } catch let error as KubernetesError where error.isNotFound {
        return .done
      }
    }
    return .done
  }

  func differences(from user: KubernetesClient, _ namespace: String) async throws -> String? {
    let serverMaps = try await user.list(ConfigMap.self, in: namespace).items
    let serverSecrets = try await user.list(Secret.self, in: namespace).items
    if maps.list() != serverMaps { return "the store of ConfigMaps differs from the server" }
    if secrets.list() != serverSecrets { return "the store of Secrets differs from the server" }
    let wanted = serverMaps.map { "\($0.key)=\(Base64.encode($0.data?["n"] ?? ""))" }
    let present = serverSecrets.map { "\($0.key)=\($0.data?["n"] ?? "")" }
    return wanted == present ? nil : "wanted \(wanted), there are \(present)"
  }
}
