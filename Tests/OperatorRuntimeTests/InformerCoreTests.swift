import KubernetesClient
import KubernetesModels
import SandboxCluster
import Synchronization
import OperatorTestKit
import Testing

@testable import OperatorRuntime

/// What observers and readers of an informer may rely on, against the sandbox's API server.
@Suite(.timeLimit(.minutes(1))) struct InformerCoreTests {
  let client: KubernetesClient

  init() throws {
    client = KubernetesClient(transport: InProcessTransport(server: try APIServer(), user: .admin))
  }

  static func settings(_ name: String, _ value: String = "1") -> ConfigMap {
    ConfigMap(data: ["key": value], metadata: ObjectMeta(name: name, namespace: "default"))
  }

  @Test func observersHearInOrderWhatTheStoreShowsAlreadyAndNeverTwoAtOnce() async throws {
    let informer = Informer<ConfigMap>(client: client, namespace: "default")
    let task = Task { try await informer.run() }
    defer { task.cancel() }
    try await informer.waitUntilSynced()

    struct Seen {
      var versions: [ObjectKey: UInt64] = [:]
      var objects: Set<ObjectKey> = []
      var isInside = false
      var faults: [String] = []
    }
    let observers = (0..<6).map { _ in Shared(Seen()) }
    func observe(_ seen: Shared<Seen>) {
      informer.observe { change in
        let overlaps = seen.update { state in
          defer { state.isInside = true }
          return state.isInside
        }
        let object = change.object
        let version = UInt64(object.metadata.resourceVersion ?? "") ?? 0
        let shown = informer.get(object.key)?.metadata.resourceVersion.flatMap { UInt64($0) }
        seen.update { state in
          if overlaps { state.faults.append("two calls at once") }
          if version < state.versions[object.key] ?? 0 { state.faults.append("\(object.key) went back") }
          state.versions[object.key] = version
          switch change {
          case .added:
            if !state.objects.insert(object.key).inserted { state.faults.append("\(object.key) added twice") }
            if let shown, shown < version { state.faults.append("\(object.key) heard of before it shows") }
          case .updated:
            if !state.objects.contains(object.key) { state.faults.append("\(object.key) updated before added") }
            if let shown, shown < version { state.faults.append("\(object.key) heard of before it shows") }
          case .deleted:
            if state.objects.remove(object.key) == nil { state.faults.append("\(object.key) deleted, never added") }
          }
          state.isInside = false
        }
      }
    }
    // Observers come while things change.
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<10 {
        group.addTask { [client] in
          let name = "o\(number)"
          _ = try await client.create(Self.settings(name))
          for value in 0..<5 {
            let written: ConfigMap = try await client.replace(Self.settings(name, "\(value)"))
            informer.note(written: written)
          }
          if number.isMultiple(of: 3) { try await client.delete(ConfigMap.self, name, in: "default") }
        }
      }
      for seen in observers { group.addTask { observe(seen) } }
      try await group.waitForAll()
    }
    let last = try await client.create(Self.settings("last"))
    try await informer.waitUntilSeen(resourceVersion: last.metadata.resourceVersion ?? "")
    let names = Set(informer.list().map(\.key))
    for seen in observers {
      #expect(await eventually { seen.value.objects == names })
      #expect(seen.value.faults == [])
    }
    #expect(try await client.list(ConfigMap.self, in: "default").items == informer.list())
  }

  @Test func writeIsReadAtOnceAndReportedOnce() async throws {
    let informer = Informer<ConfigMap>(client: client, namespace: "default")
    let heard = Shared<[String]>([])
    informer.observe { change in
      if case .added(let object) = change { heard.update { $0.append(object.metadata.name ?? "") } }
    }
    let task = Task { try await informer.run() }
    defer { task.cancel() }
    try await informer.waitUntilSynced()
    for name in ["a", "b", "c"] {
      informer.note(written: try await client.create(Self.settings(name)))
      #expect(informer.get(name, in: "default") != nil)
    }
    let last = try await client.create(Self.settings("d"))
    try await informer.waitUntilSeen(resourceVersion: last.metadata.resourceVersion ?? "")
    #expect(heard.value.filter { ["a", "b", "c", "d"].contains($0) } == ["a", "b", "c", "d"])
  }

  @Test func originTellsTheFirstListFromChanges() async throws {
    _ = try await client.create(Self.settings("before"))
    let informer = Informer<ConfigMap>(client: client, namespace: "default")
    let origins = Shared<[String: ChangeOrigin]>([:])
    informer.observe(withOrigin: { change, origin in
      origins.update { $0[change.object.metadata.name ?? ""] = origin }
    })
    let task = Task { try await informer.run() }
    defer { task.cancel() }
    try await informer.waitUntilSynced()
    _ = try await client.create(Self.settings("after"))
    #expect(await eventually { origins.value["after"] == .change })
    #expect(origins.value["before"] == .initial)
    // A late observer is told of what is there, which is no change either.
    let late = Shared<[ChangeOrigin]>([])
    informer.observe(withOrigin: { _, origin in late.update { $0.append(origin) } })
    #expect(await eventually { late.value.count >= 2 })
    #expect(!late.value.contains(.change))
  }

  @Test func thoseWhoAskForTheSameObjectsShareOneWatch() async throws {
    let watches = Shared(0)
    let transport = Tap(base: client.transport) { request in
      if request.query.contains(where: { $0.name == "watch" }) { watches.update { $0 += 1 } }
    }
    let registry = InformerRegistry(client: KubernetesClient(transport: transport))
    let first = registry.informer(for: ConfigMap.self, namespace: "default", transform: .withoutManagedFields)
    let second = registry.informer(for: ConfigMap.self, namespace: "default", transform: .withoutManagedFields)
    #expect(first === second)
    #expect(registry.informer(for: ConfigMap.self, namespace: "default") !== first)
    #expect(registry.informer(for: ConfigMap.self, transform: .withoutManagedFields) !== first)
    #expect(registry.all.count == 3)
    let task = Task { try await registry.run() }
    defer { task.cancel() }
    for informer in registry.all { try await informer.waitUntilSynced() }
    // One that is asked for while they run is run too.
    let late = registry.informer(for: Secret.resourceType, namespace: "default", content: .metadata)
    try await late.waitUntilSynced()
    #expect(watches.value == 4)
  }

  @Test func metadataInformerStoresNoData() async throws {
    _ = try await client.create(
      Secret(
        data: ["password": "c2VjcmV0"],
        metadata: ObjectMeta(labels: ["a": "b"], name: "s", namespace: "default")))
    let informer = DynamicInformer(
      client: client, type: Secret.resourceType, namespace: "default", content: .metadata,
      transform: .withoutManagedFields)
    let task = Task { try await informer.run() }
    defer { task.cancel() }
    try await informer.waitUntilSynced()
    let secret = try #require(informer.get("s", in: "default"))
    #expect(secret.labels == ["a": "b"])
    #expect(secret.json["data"] == nil)
    #expect(secret.json.value(at: ["metadata", "managedFields"]) == nil)
    let later = try await client.create(Secret(metadata: ObjectMeta(name: "t", namespace: "default")))
    try await informer.waitUntilSeen(resourceVersion: later.metadata.resourceVersion ?? "")
    #expect(informer.get("t", in: "default")?.json["type"] == nil)
  }

  @Test func indexFindsObjectsByAnyValue() async throws {
    let informer = Informer<ConfigMap>(client: client, namespace: "default")
    let byValue = informer.index { $0.data.map { Array($0.values) } ?? [] }
    let task = Task { try await informer.run() }
    defer { task.cancel() }
    try await informer.waitUntilSynced()
    for (name, value) in [("a", "x"), ("b", "y"), ("c", "x")] {
      informer.note(written: try await client.create(Self.settings(name, value)))
    }
    #expect(byValue["x"].map(\.metadata.name) == ["a", "c"])
    informer.note(written: try await client.replace(Self.settings("c", "y")))
    #expect(byValue["x"].map(\.metadata.name) == ["a"])
    #expect(byValue["nothing"].isEmpty)
  }
}

/// Lets a test see the requests that pass.
struct Tap: KubernetesTransport {
  let base: any KubernetesTransport
  let seen: @Sendable (KubernetesRequest) -> Void

  func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
    seen(request)
    return try await base.send(request)
  }

  func shutdown() async throws { try await base.shutdown() }
}
