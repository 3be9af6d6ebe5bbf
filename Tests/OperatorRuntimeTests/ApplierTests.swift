import KubernetesClient
import KubernetesModels
import Synchronization
import Testing

@testable import OperatorRuntime

@Suite struct ApplierTests {
  let server = FakeServer()
  let applier: Applier
  let path = "/api/v1/namespaces/ns/configmaps/settings"

  init() {
    applier = Applier(client: KubernetesClient(transport: server), fieldManager: "test-operator")
  }

  func desired(_ value: String) -> ConfigMap {
    ConfigMap(data: ["key": value], metadata: ObjectMeta(name: "settings", namespace: "ns"))
  }

  func stored() throws -> ConfigMap? {
    try server.state.withLock { try $0.objects[path]?.decode(ConfigMap.self) }
  }

  @Test func nothingChangedWritesNothing() async throws {
    let created = try await applied(applier.applyIfChanged(desired("1"), observed: nil))
    let other = Applier(client: applier.client, fieldManager: "test-operator")
    // Another process with an empty memory sees the same.
    guard case .unchanged = try await other.applyIfChanged(desired("1"), observed: created) else {
      Issue.record("applied although nothing changed")
      return
    }
    #expect(server.writes.count == 1)
  }

  @Test func changedDesireIsWritten() async throws {
    let created = try await applied(applier.applyIfChanged(desired("1"), observed: nil))
    _ = try await applied(applier.applyIfChanged(desired("2"), observed: created))
    #expect(try stored()?.data == ["key": "2"])
  }

  @Test func driftIsRepairedAlthoughTheHashIsTheSame() async throws {
    var observed = try await applied(applier.applyIfChanged(desired("1"), observed: nil))
    observed.data = ["key": "edited"]
    observed.metadata.resourceVersion = "99"
    _ = try await applied(applier.applyIfChanged(desired("1"), observed: observed))
    #expect(server.writes.count == 2)
  }

  @Test func staleStoreDoesNotCauseASecondWrite() async throws {
    let first = try await applied(applier.applyIfChanged(desired("1"), observed: nil))
    _ = try await applied(applier.applyIfChanged(desired("2"), observed: first))
    // The informer still shows the first state.
    guard case .unchanged = try await applier.applyIfChanged(desired("2"), observed: first) else {
      Issue.record("wrote again because of an old copy")
      return
    }
    #expect(server.writes.count == 2)
  }

  @Test func notYetInTheStoreIsReadInsteadOfWritten() async throws {
    _ = try await applied(applier.applyIfChanged(desired("1"), observed: nil))
    guard case .unchanged = try await applier.applyIfChanged(desired("1"), observed: nil) else {
      Issue.record("wrote again although the object is there")
      return
    }
    server.state.withLock { $0.objects[path] = nil }
    _ = try await applied(applier.applyIfChanged(desired("1"), observed: nil))
    #expect(server.writes.count == 2)
  }

  @Test func secretTextIsComparedAsData() async throws {
    let secret = Secret(metadata: ObjectMeta(name: "s", namespace: "ns"), stringData: ["password": "pass"])
    let json = try Applier.applicable(JSONValue(encoding: secret), Secret.resourceType)
    #expect(json.value(at: ["data", "password"]) == "cGFzcw==")
    #expect(json["stringData"] == nil)
  }

  @Test func conflictNamesFieldAndManager() throws {
    let status = Status(
      code: 409,
      details: StatusDetails(causes: [
        StatusCause(
          field: ".spec.replicas", message: "conflict with \"kubectl-edit\" using apps/v1",
          reason: "FieldManagerConflict")
      ]), message: "Apply failed with 1 conflict", reason: "Conflict")
    let conflict = try #require(
      OwnershipConflict(.api(status), type: Deployment.resourceType, key: ObjectKey(namespace: "ns", name: "web")))
    #expect(conflict.fields == [.init(path: ".spec.replicas", manager: "kubectl-edit")])
    #expect(conflict.description.contains(".spec.replicas is owned by kubectl-edit"))
  }

  private func applied(_ outcome: ApplyOutcome<ConfigMap>) throws -> ConfigMap {
    guard case .applied(let object) = outcome else { throw Unexpected() }
    return object
  }

  struct Unexpected: Error {}
}
