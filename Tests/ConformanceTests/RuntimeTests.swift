import KubernetesClient
import KubernetesModels
import OperatorRuntime
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct RuntimeTests {
  @Test(arguments: Servers.atHand) func informerEqualsTheServer(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    for name in ["a", "b", "c"] { try await client.create(configMap(name, in: namespace, ["n": "0"])) }
    let informer = Informer(client: client, ConfigMap.self, namespace: namespace)
    let changes = Journal()
    informer.observe { change in
      let name = change.object.metadata.name ?? ""
      switch change {
      case .added: changes.add("+\(name)")
      case .updated: changes.add("~\(name)")
      case .deleted: changes.add("-\(name)")
      }
    }
    try await running(informer) {
      try await informer.waitUntilSynced()
      #expect(informer.list().map(\.key.name) == ["a", "b", "c"])
      try await client.delete(ConfigMap.self, "b", in: namespace)
      let _: ConfigMap = try await client.patch(ConfigMap.self, "c", in: namespace, .merge(["data": ["n": "1"]]))
      let last = try await client.create(configMap("d", in: namespace))
      try await eventually("the store has seen the last write") {
        informer.hasSeen(resourceVersion: last.metadata.resourceVersion ?? "") ? true : nil
      }
      #expect(try await client.list(ConfigMap.self, in: namespace).items == informer.list())
      #expect(changes.entries.suffix(3) == ["-b", "~c", "+d"])
    }
  }

  @Test(arguments: Servers.atHand) func informerListsAgainAfterGone(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let widgets = Widgets()
    try await server.install(definition: widgets.definition)
    try await client.create(widgets.type, widgets.object("a", in: namespace, ["n": 0]))
    for number in 0..<server.writesUntilExpiry {
      try await client.patch(widgets.type, "a", in: namespace, .merge(["spec": ["n": .integer(Int64(number) + 1)]]))
    }
    // The first watch asks for a version that the server has forgotten.
    let isFirst = Mutex(true)
    let transport = RecordingTransport(client.transport) { request in
      guard request.query.contains(where: { $0.name == "watch" }) else { return }
      guard
        isFirst.withLock({ first in
          defer { first = false }; return first
        })
      else { return }
      request.query = request.query.map { $0.name == "resourceVersion" ? ($0.name, "1") : $0 }
    }
    let informer = DynamicInformer(
      client: KubernetesClient(transport: transport), type: widgets.type, namespace: namespace,
      options: InformerOptions(streamsLists: false))
    try await running(informer) {
      try await informer.waitUntilSynced()
      try await eventually("a second watch") { transport.watches.count >= 2 ? true : nil }
      try await client.create(widgets.type, widgets.object("b", in: namespace, ["n": 1]))
      try await eventually("the store has both") {
        informer.list().compactMap(\.name) == ["a", "b"] ? true : nil
      }
    }
    #expect(transport.watches.first?.contains("resourceVersion=1&") == true)
  }

  @Test(arguments: Servers.atHand) func applierWritesOnceForEachChange(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let transport = RecordingTransport(server.client.transport)
    let client = KubernetesClient(transport: transport)
    let applier = Applier(client: client, fieldManager: "tests")
    let informer = Informer(client: client, Deployment.self, namespace: namespace)
    // Quantities, defaults and lists as a server stores them differently from how they are written.
    func desired(_ image: String) throws -> Deployment {
      try with(deployment("a", in: namespace, replicas: 1, image: image)) {
        $0.set(
          ["requests": ["cpu": "1000m", "memory": "1024Mi"]],
          at: ["spec", "template", "spec", "containers", "0", "resources"])
        $0.set(
          [["containerPort": 80], ["containerPort": 53, "protocol": "UDP"]],
          at: ["spec", "template", "spec", "containers", "0", "ports"])
      }.decode()
    }
    try await running(informer) {
      try await informer.waitUntilSynced()
      for image in ["example:1", "example:2"] {
        let before = transport.writes.count
        var isCaughtUp = false
        var rounds = 0
        while !isCaughtUp || rounds < 3 {
          let observed = informer.get("a", in: namespace)
          if case .applied(let object) = try await applier.applyIfChanged(try desired(image), observed: observed) {
            #expect(object.spec?.template.spec?.containers.first?.image == image)
          }
          rounds += 1
          isCaughtUp = observed?.spec?.template.spec?.containers.first?.image == image
          if !isCaughtUp { await pause(.milliseconds(20)) }
          try #require(rounds < 500, "the informer does not catch up")
        }
        #expect(transport.writes.count - before == 1)
      }
      // Somebody else changes a field of ours: one write puts it back.
      let _: Deployment = try await server.client.patch(
        Deployment.self, "a", in: namespace, .merge(["spec": ["replicas": 7]]))
      let changed = try await eventually("the informer sees the change") { () -> Deployment? in
        let object = informer.get("a", in: namespace)
        return object?.spec?.replicas == 7 ? object : nil
      }
      guard case .applied(let repaired) = try await applier.applyIfChanged(try desired("example:2"), observed: changed)
      else {
        Issue.record("drift was not repaired")
        return
      }
      #expect(repaired.spec?.replicas == 1)
    }
    #expect(transport.writes.count == 3)
  }

  @Test(arguments: Servers.atHand) func oneCandidateLeadsAtATime(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let lease = ObjectKey(namespace: namespace, name: "leader")
    let timing = LeaderElectionTiming(lease: .seconds(5), renewDeadline: .seconds(3), retry: .milliseconds(200))
    let leading = Journal()
    @Sendable func candidate(_ identity: String) -> Task<Void, any Error> {
      let elector = LeaderElector(client: client, lease: lease, identity: identity, timing: timing)
      return Task {
        try await elector.run {
          leading.add(identity)
          while !Task.isCancelled { await pause(.milliseconds(20)) }
        }
      }
    }
    let first = candidate("first")
    try await eventually("the first leads") { leading.entries == ["first"] ? true : nil }
    let held = try await client.get(Lease.self, "leader", in: namespace)
    #expect(held.spec?.holderIdentity == "first" && held.spec?.leaseDurationSeconds == 5)
    let second = candidate("second")
    try await eventually("the first renews while the second waits") {
      let lease = try await client.get(Lease.self, "leader", in: namespace)
      return lease.metadata.resourceVersion == held.metadata.resourceVersion ? nil : true
    }
    #expect(leading.entries == ["first"])
    // Given up, not expired: the second has it long before the lease's five seconds are over.
    first.cancel()
    _ = await first.result
    let ended = ContinuousClock.now
    try await eventually("the second leads") { leading.entries == ["first", "second"] ? true : nil }
    #expect(ContinuousClock.now - ended < .seconds(4))
    let taken = try await client.get(Lease.self, "leader", in: namespace)
    #expect(taken.spec?.holderIdentity == "second" && taken.spec?.leaseTransitions ?? 0 >= 1)
    second.cancel()
    _ = await second.result
  }

  @Test(arguments: Servers.atHand) func repeatedEventBecomesASeries(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let object = try await client.create(configMap("a", in: namespace))
    let recorder = EventRecorder(client: client, controller: "example.com/tests", instance: "tests-0")
    for _ in 0..<2 {
      await recorder.record(
        .warning, regarding: object, reason: "Failed", message: "it does not work", action: "Reconcile")
    }
    await recorder.record(.normal, regarding: object, reason: "Done", message: "it works", action: "Reconcile")
    let events = try await client.list(Event.self, in: namespace).items
    #expect(events.count == 2)
    let failed = try #require(events.first { $0.reason == "Failed" })
    #expect((failed.type, failed.note, failed.action) == ("Warning", "it does not work", "Reconcile"))
    #expect((failed.reportingController, failed.reportingInstance) == ("example.com/tests", "tests-0"))
    #expect(failed.regarding?.uid == object.metadata.uid && failed.regarding?.kind == "ConfigMap")
    #expect(failed.series?.count == 2)
    #expect(events.first { $0.reason == "Done" }?.series == nil)
    // kubectl reads the same events by the core API.
    let core = try await client.list(
      CoreEvent.self, in: namespace, options: ListOptions(fieldSelector: "involvedObject.name=a,reason=Failed"))
    #expect(core.items.map(\.message) == ["it does not work"])
  }
}

/// What happened, in order, written from any task.
private final class Journal: Sendable {
  private let lines = Mutex<[String]>([])
  var entries: [String] { lines.withLock { $0 } }
  func add(_ line: String) { lines.withLock { $0.append(line) } }
}

/// Runs an informer beside `body`.
func running(_ informer: any AnyInformer, _ body: () async throws -> Void) async throws {
  let task = Task { try await informer.run() }
  defer { task.cancel() }
  try await body()
}
