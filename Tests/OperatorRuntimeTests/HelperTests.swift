import KubernetesClient
import KubernetesModels
import OperatorTestKit
import PrometheusMetrics
import Testing

@testable import OperatorRuntime

/// What an operator needs beside its controllers, against the sandbox's API server.
@Suite(.timeLimit(.minutes(1))) struct HelperTests {
  let server: TestAPIServer
  let client: KubernetesClient
  let faults: FaultInjector

  init() throws {
    server = try TestAPIServer()
    faults = FaultInjector(server.transport)
    var client = KubernetesClient(transport: faults)
    client.retryPolicy = RetryPolicy(maximumAttempts: 1)
    self.client = client
  }

  static let widget = ResourceType(
    group: "example.com", version: "v1", kind: "Widget", plural: "widgets", isNamespaced: true)

  @Test func definitionIsInstalledWhenListsWorkAndNotBefore() async throws {
    // After Established, servers answer like this for a moment.
    let refusals = Shared([Fault.refuse(.internalError), .refuse(.unavailable), .drop])
    let lists = Shared(0)
    faults.setPlan { request in
      guard request.path.hasSuffix("/widgets") else { return nil }
      lists.update { $0 += 1 }
      return refusals.update { $0.popLast() }
    }
    let installer = CustomResourceInstaller(client: client, fieldManager: "tests", interval: .milliseconds(5))
    try await installer.install([.definition(Self.widget)])
    #expect(lists.value == 4)
    let writes = faults.writes.count
    try await installer.install([.definition(Self.widget)])
    #expect(faults.writes.count == writes)
    try await client.create(Self.widget, DynamicObject(type: Self.widget, name: "a", namespace: "default"))
    await #expect(throws: DeadlineExceeded.self) {
      try await installer.wait(for: ["gadgets.example.com"], timeout: .milliseconds(50))
    }
  }

  @Test func applyByWhatTheInformerKnowsReadsNothing() async throws {
    let informer = Informer<Deployment>(client: client, namespace: "default", transform: .withoutManagedFields)
    let task = Task { try await informer.run() }
    defer { task.cancel() }
    try await informer.waitUntilSynced()
    let before = faults.requests.count
    let applier = Applier(client: client, fieldManager: "tests")
    for round in 0..<5 {
      let outcome = try await applier.applyIfChanged(Deployment.deployment("web"), knownTo: informer)
      if case .applied = outcome { #expect(round == 0) } else { #expect(round > 0) }
    }
    #expect(faults.requests.count == before + 1)
    // Gone, as the store knows: applied without asking.
    try await server.client.delete(Deployment.self, "web", in: "default")
    #expect(await eventually { informer.get("web", in: "default") == nil })
    guard case .applied = try await applier.applyIfChanged(Deployment.deployment("web"), knownTo: informer) else {
      Issue.record("a deleted object was taken for present")
      return
    }
    #expect(faults.requests.count == before + 2)
  }

  @Test func conflictOfOwnersNamesFieldAndManager() async throws {
    _ = try await client.apply(Deployment.deployment("web", replicas: 5), fieldManager: "somebody")
    let applier = Applier(client: client, fieldManager: "tests", force: false)
    do {
      _ = try await applier.applyIfChanged(Deployment.deployment("web", replicas: 2), observed: nil)
      Issue.record("took a field that belongs to somebody")
    } catch let conflict as OwnershipConflict {
      #expect(conflict.fields == [.init(path: ".spec.replicas", manager: "somebody")])
    }
  }

  @Test func finalizerIsPutOnThenCleanedUpThenTakenOff() async throws {
    struct Busy: Error {}
    let created = try await client.create(ConfigMap.configMap("a"))
    guard case .active(let held) = try await client.finalize(created, with: "example.com/tests", cleanUp: { _ in })
    else {
      Issue.record("a living object is over")
      return
    }
    #expect(held.hasFinalizer("example.com/tests"))
    try await client.delete(ConfigMap.self, "a", in: "default")
    let deleted = try await client.get(ConfigMap.self, "a", in: "default")
    await #expect(throws: Busy.self) {
      _ = try await client.finalize(deleted, with: "example.com/tests") { _ in throw Busy() }
    }
    #expect(try await client.get(ConfigMap.self, "a", in: "default").isBeingDeleted)
    guard case .over = try await client.finalize(deleted, with: "example.com/tests", cleanUp: { _ in }) else {
      Issue.record("a cleaned-up object lives on")
      return
    }
    #expect(try await client.getIfPresent(ConfigMap.self, "a", in: "default") == nil)
  }

  @Test func requestsAreCountedUnderClientGosNames() async throws {
    let registry = PrometheusRegistry()
    let metered = client.metered(host: "api:6443", metrics: registry)
    _ = try await metered.list(ConfigMap.self)
    _ = try? await metered.get(ConfigMap.self, "missing", in: "default")
    faults.setPlan { _ in .drop }
    _ = try? await metered.get(ConfigMap.self, "missing", in: "default")
    let text = registry.exposition()
    for line in [
      #"rest_client_requests_total{code="200",host="api:6443",method="GET"} 1"#,
      #"rest_client_requests_total{code="404",host="api:6443",method="GET"} 1"#,
      #"rest_client_requests_total{code="<error>",host="api:6443",method="GET"} 1"#,
      #"rest_client_request_duration_seconds_count{host="api:6443",verb="GET"} 3"#,
    ] { #expect(text.contains(line + "\n"), "\(line)") }
  }
}
