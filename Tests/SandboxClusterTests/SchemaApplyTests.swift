import KubernetesModels
import Testing

@testable import SandboxCluster

@Suite struct SchemaApplyTests {
  private let start = Timestamp(secondsSinceEpoch: 1_700_000_000)
  private let later = Timestamp(secondsSinceEpoch: 1_700_000_060)

  private var deployment: StructuralSchema {
    get throws {
      try #require(BuiltinSchemaRegistry.shared.schema(group: "apps", version: "v1", kind: "Deployment"))
    }
  }

  private func object(_ spec: JSONValue) -> JSONValue {
    ["apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "d", "namespace": "n"], "spec": spec]
  }

  private func apply(
    _ spec: JSONValue, to live: JSONValue?, by manager: String, force: Bool = false, at now: Timestamp? = nil
  ) throws -> JSONValue {
    try ServerSideApply.apply(
      live: live, applied: object(spec), manager: manager, force: force, schema: try deployment, apiVersion: "apps/v1",
      subresource: nil, now: now ?? start)
  }

  private func update(_ live: JSONValue, to spec: JSONValue, by manager: String) throws -> JSONValue {
    var new = live
    new["spec"] = spec
    return ServerSideApply.updateManagedFields(
      old: live, new: new, manager: manager, apiVersion: "apps/v1", subresource: nil, now: later, schema: try deployment
    )
  }

  private func owned(_ object: JSONValue, by manager: String) -> [String] {
    ManagedFields(of: object).entries.first { $0.manager == manager }?.fields.paths() ?? []
  }

  @Test func firstApplyOwnsExactlyWhatItSays() throws {
    let live = try apply(["replicas": 2, "selector": ["matchLabels": ["app": "a"]]], to: nil, by: "one")
    #expect(owned(live, by: "one") == [".spec.replicas", ".spec.selector"])
  }

  @Test func sameApplyAgainChangesNothingNotEvenTheTime() throws {
    let live = try apply(["replicas": 2], to: nil, by: "one")
    #expect(try apply(["replicas": 2], to: live, by: "one", at: later) == live)
  }

  @Test func fieldOfAnotherManagerConflicts() throws {
    let created = ServerSideApply.updateManagedFields(
      old: nil, new: object(["replicas": 2]), manager: "kubectl-client-side-apply", apiVersion: "apps/v1",
      subresource: nil,
      now: start, schema: try deployment)
    let error = #expect(throws: ApplyConflict.self) { try apply(["replicas": 3], to: created, by: "one") }
    #expect(
      error?.description
        == "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using apps/v1: .spec.replicas")
    // Saying the same value is no conflict: both own it then.
    let shared = try apply(["replicas": 2], to: created, by: "one")
    #expect(owned(shared, by: "one") == [".spec.replicas"])
    #expect(owned(shared, by: "kubectl-client-side-apply").contains(".spec.replicas"))
  }

  @Test func severalConflictsAreListedByManager() throws {
    var live = try apply(["replicas": 2], to: nil, by: "b")
    live = try apply(["paused": true, "minReadySeconds": 1], to: live, by: "a")
    let error = #expect(throws: ApplyConflict.self) {
      try apply(["replicas": 3, "paused": false, "minReadySeconds": 2], to: live, by: "c")
    }
    #expect(
      error?.description
        == "Apply failed with 3 conflicts: conflicts with \"a\":\n- .spec.minReadySeconds\n- .spec.paused\nconflicts with \"b\":\n- .spec.replicas"
    )
  }

  @Test func forceTakesTheFieldOver() throws {
    let live = try apply(["replicas": 2, "paused": true], to: nil, by: "one")
    let forced = try apply(["replicas": 5], to: live, by: "two", force: true)
    #expect(forced.value(at: ["spec", "replicas"]) == 5)
    #expect(owned(forced, by: "one") == [".spec.paused"])
    #expect(owned(forced, by: "two") == [".spec.replicas"])
  }

  @Test func fieldsGivenUpGoUnlessSomeoneElseOwnsThem() throws {
    var live = try apply(["replicas": 2, "paused": true, "minReadySeconds": 5], to: nil, by: "one")
    live = try apply(["paused": true], to: live, by: "two")
    live = try apply(["minReadySeconds": 5], to: live, by: "one")
    #expect(live["spec"] == ["paused": true, "minReadySeconds": 5])
    #expect(owned(live, by: "one") == [".spec.minReadySeconds"])
  }

  @Test func unownedFieldsSurviveAnApply() throws {
    var live = try apply(["replicas": 2], to: nil, by: "one")
    live.set(600, at: ["spec", "progressDeadlineSeconds"])  // a default, owned by nobody
    let after = try apply(["replicas": 3], to: live, by: "one")
    #expect(after["spec"] == ["replicas": 3, "progressDeadlineSeconds": 600])
  }

  private func pod(_ containers: JSONValue) -> JSONValue { ["template": ["spec": ["containers": containers]]] }

  @Test func listEntriesMergeByKeyAndLeaveWithTheirOwner() throws {
    var live = try apply(pod([["name": "a", "image": "1"], ["name": "b", "image": "1"]]), to: nil, by: "one")
    live = try apply(
      pod([["name": "side", "image": "s"], ["name": "a", "imagePullPolicy": "Always"]]), to: live, by: "two")
    let path = ["spec", "template", "spec", "containers"]
    #expect(
      live.value(at: path) == [
        ["name": "side", "image": "s"], ["name": "a", "image": "1", "imagePullPolicy": "Always"],
        ["name": "b", "image": "1"],
      ])
    live = try apply(pod([["name": "a", "image": "2"]]), to: live, by: "one")
    #expect(
      live.value(at: path) == [
        ["name": "side", "image": "s"], ["name": "a", "image": "2", "imagePullPolicy": "Always"],
      ])
    #expect(owned(live, by: "two").contains(#".spec.template.spec.containers[name="a"].imagePullPolicy"#))
  }

  @Test func portsAreOneEntryWhetherProtocolIsSaidOrDefaulted() throws {
    let live = try apply(
      pod([["name": "a", "ports": [["containerPort": 80, "protocol": "TCP"]]]]), to: nil, by: "one")
    let after = try apply(pod([["name": "a", "ports": [["containerPort": 80, "name": "web"]]]]), to: live, by: "two")
    #expect(
      after.value(at: ["spec", "template", "spec", "containers"])
        == [["name": "a", "ports": [["containerPort": 80, "protocol": "TCP", "name": "web"]]]])
  }

  @Test func setsAreSharedMemberByMember() throws {
    func finalizers(_ names: [String], _ live: JSONValue?, _ manager: String) throws -> JSONValue {
      try ServerSideApply.apply(
        live: live,
        applied: [
          "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "d", "finalizers": JSONValue(names)],
        ],
        manager: manager, force: false, schema: try deployment, apiVersion: "apps/v1", subresource: nil, now: start)
    }
    var live = try finalizers(["x/a"], nil, "one")
    live = try finalizers(["x/b"], live, "two")
    #expect(
      live.value(at: ["metadata", "finalizers"]) == ["x/a", "x/b"]
        || live.value(at: ["metadata", "finalizers"]) == ["x/b", "x/a"])
    live = try finalizers([], live, "one")
    #expect(live.value(at: ["metadata", "finalizers"]) == ["x/b"])
  }

  @Test func updateTakesOwnershipFromTheApplier() throws {
    let live = try apply(["replicas": 2, "paused": true], to: nil, by: "one")
    let scaled = try update(live, to: ["replicas": 4, "paused": true], by: "hpa")
    #expect(owned(scaled, by: "hpa") == [".spec.replicas"])
    #expect(owned(scaled, by: "one") == [".spec.paused"])
    let error = #expect(throws: ApplyConflict.self) {
      try apply(["replicas": 2, "paused": true], to: scaled, by: "one")
    }
    #expect(error?.causes.first?.message == "conflict with \"hpa\" using apps/v1")
  }

  @Test func updateWithoutChangeKeepsTheEntries() throws {
    let live = try apply(["replicas": 2], to: nil, by: "one")
    let same = try update(live, to: ["replicas": 2], by: "two")
    #expect(same == live)
  }

  @Test func emptyManagedFieldsClearThem() throws {
    let live = try apply(["replicas": 2], to: nil, by: "one")
    var new = live
    new.set([], at: ["metadata", "managedFields"])
    let cleared = ServerSideApply.updateManagedFields(
      old: live, new: new, manager: "x", apiVersion: "apps/v1", subresource: nil, now: later, schema: try deployment)
    #expect(cleared.value(at: ["metadata", "managedFields"]) == nil)
  }

  @Test func statusSubresourceOwnsStatusOnly() throws {
    let live = try apply(["replicas": 2], to: nil, by: "one")
    var new = live
    new.set(7, at: ["status", "observedGeneration"])
    let after = ServerSideApply.updateManagedFields(
      old: live, new: new, manager: "controller", apiVersion: "apps/v1", subresource: "status", now: later,
      schema: try deployment)
    let entry = ManagedFields(of: after).entries.first { $0.manager == "controller" }
    #expect(entry?.subresource == "status")
    #expect(entry?.fields.paths().contains(".status.observedGeneration") == true)
    #expect(owned(after, by: "one") == [".spec.replicas"])
  }

  @Test func withoutASchemaListsAreAtomic() throws {
    func apply(_ spec: JSONValue, _ live: JSONValue?, _ manager: String) throws -> JSONValue {
      try ServerSideApply.apply(
        live: live, applied: ["apiVersion": "x/v1", "kind": "X", "metadata": ["name": "n"], "spec": spec],
        manager: manager, force: false, schema: nil, apiVersion: "x/v1", subresource: nil, now: start)
    }
    let live = try apply(["list": [["name": "a"]], "map": ["k": 1]], nil, "one")
    #expect(throws: ApplyConflict.self) { try apply(["list": [["name": "b"]]], live, "two") }
    let after = try apply(["map": ["other": 2]], live, "two")
    #expect(after.value(at: ["spec", "map"]) == ["k": 1, "other": 2])
  }

  @Test func fieldsV1RoundTrip() throws {
    let text =
      #"{"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{}}},"f:set":{"v:\"x\"":{},"v:3":{}},"i:0":{}}}"#
    let json = try JSONValue(parsing: text)
    #expect(FieldSet(fieldsV1: json).fieldsV1 == json)
  }
}
