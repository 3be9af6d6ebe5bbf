import KubernetesClient
import KubernetesModels
import Testing

@testable import SandboxCluster

private let maps = "/api/v1/namespaces/default/configmaps"
private let pods = "/api/v1/namespaces/default/pods"

@Suite struct APIServerVerbsTests {
  let api: Wire

  init() throws { api = Wire(try APIServer()) }

  @Test func anObjectIsCreatedReadChangedAndDeleted() async throws {
    let created = try await api.create(maps, configMap("a", ["k": "1"]))
    #expect(created.status == 201)
    #expect(created.json.metadataUID.count == 36)
    #expect(created.json.at("metadata", "creationTimestamp") != nil)
    var object = created.json
    object.set("2", at: ["data", "k"])
    let replaced = try await api.send(.put, "\(maps)/a", object)
    #expect(replaced.status == 200)
    #expect(replaced.json.textAt("metadata", "resourceVersion") != created.json.textAt("metadata", "resourceVersion"))
    let stale = try await api.send(.put, "\(maps)/a", object)
    #expect(stale.status == 409)
    #expect(stale.message.hasPrefix("Operation cannot be fulfilled on configmaps \"a\": the object has been modified"))
    let deleted = try await api.send(.delete, "\(maps)/a")
    #expect(deleted.json["status"] == "Success")
    let gone = try await api.get("\(maps)/a")
    #expect(gone.status == 404)
    #expect(gone.message == "configmaps \"a\" not found")
    #expect(gone.json.at("details", "kind") == "configmaps")
  }

  @Test func aWriteThatChangesNothingKeepsTheVersion() async throws {
    let created = try await api.create(maps, configMap("same", ["k": "1"]))
    let replaced = try await api.send(.put, "\(maps)/same", created.json)
    let patched = try await api.patch("\(maps)/same", ["data": ["k": "1"]])
    #expect(replaced.json.at("metadata", "resourceVersion") == created.json.at("metadata", "resourceVersion"))
    #expect(patched.json.at("metadata", "resourceVersion") == created.json.at("metadata", "resourceVersion"))
  }

  @Test func dryRunStoresNothing() async throws {
    #expect(try await api.create("\(maps)?dryRun=All", configMap("dry")).status == 201)
    #expect(try await api.get("\(maps)/dry").status == 404)
    _ = try await api.create(maps, configMap("kept"))
    #expect(try await api.send(.delete, "\(maps)/kept?dryRun=All").status == 200)
    #expect(try await api.get("\(maps)/kept").status == 200)
  }

  @Test func preconditionsAreChecked() async throws {
    let created = try await api.create(maps, configMap("p"))
    let wrong = try await api.send(.delete, "\(maps)/p", ["preconditions": ["uid": "other"]])
    #expect(wrong.status == 409)
    let right = try await api.send(.delete, "\(maps)/p", ["preconditions": ["uid": .string(created.json.metadataUID)]])
    #expect(right.status == 200)
  }

  @Test func namesAreGeneratedAndRefused() async throws {
    var object = configMap("")
    object["metadata"] = ["generateName": "web-"]
    let created = try await api.create(maps, object)
    #expect(created.json.metadataName.hasPrefix("web-"))
    #expect(created.json.metadataName.count == 9)
    let bad = try await api.create(maps, configMap("Not_Valid"))
    #expect(bad.status == 422)
    #expect(bad.message.contains("a lowercase RFC 1123 subdomain must consist of"))
    #expect(bad.json.at("details", "causes", "0", "field") == "metadata.name")
    let twice = try await api.create(maps, configMap(created.json.metadataName))
    #expect(twice.status == 409 && twice.reason == "AlreadyExists")
  }

  @Test func unknownFieldsAreRefusedWarnedAboutOrDropped() async throws {
    var object = pod("odd")
    object.set("x", at: ["spec", "colour"])
    let strict = try await api.create("\(pods)?fieldValidation=Strict", object)
    #expect(strict.status == 400)
    #expect(strict.message.contains("strict decoding error: unknown field \"spec.colour\""))
    let warned = try await api.create(pods, object)
    #expect(warned.status == 201)
    #expect(warned.warnings == ["299 - \"unknown field \\\"spec.colour\\\"\""])
    #expect(warned.json.at("spec", "colour") == nil)
  }

  @Test func finalizersHoldAnObjectBack() async throws {
    var object = configMap("held")
    object.set(["example.com/wait"], at: ["metadata", "finalizers"])
    _ = try await api.create(maps, object)
    let deleted = try await api.send(.delete, "\(maps)/held")
    #expect(deleted.json.at("metadata", "deletionTimestamp") != nil)
    let added = try await api.patch(
      "\(maps)/held", ["metadata": ["finalizers": ["example.com/wait", "example.com/more"]]])
    #expect(added.status == 422)
    let released = try await api.patch("\(maps)/held", ["metadata": ["finalizers": .null]])
    #expect(released.status == 200)
    #expect(try await api.get("\(maps)/held").status == 404)
  }

  @Test func foregroundDeletionLeavesTheWorkToTheCollector() async throws {
    _ = try await api.create(maps, configMap("owner"))
    let answer = try await api.send(.delete, "\(maps)/owner?propagationPolicy=Foreground")
    #expect(answer.json.finalizers == ["foregroundDeletion"])
  }

  @Test func aRunningPodIsDeletedGracefully() async throws {
    _ = try await api.create(pods, pod("unscheduled"))
    #expect(try await api.send(.delete, "\(pods)/unscheduled").json["status"] == "Success")
    _ = try await api.create(pods, pod("running", node: "n1"))
    let marked = try await api.send(.delete, "\(pods)/running?gracePeriodSeconds=7")
    #expect(marked.json.intAt("metadata", "deletionGracePeriodSeconds") == 7)
    #expect(try await api.get("\(pods)/running").status == 200)
    #expect(try await api.send(.delete, "\(pods)/running?gracePeriodSeconds=0").json["status"] == "Success")
    #expect(try await api.get("\(pods)/running").status == 404)
  }

  @Test func pagesShowOneMomentEvenWhileTheWorldMovesOn() async throws {
    for name in ["a", "b", "c", "d"] { _ = try await api.create(maps, configMap(name, labels: ["page": "yes"])) }
    let first = try await api.get("\(maps)?limit=2&labelSelector=page%3Dyes")
    #expect(first.json.itemsAt("items").map(\.metadataName) == ["a", "b"])
    _ = try await api.send(.delete, "\(maps)/d")
    _ = try await api.create(maps, configMap("e", labels: ["page": "yes"]))
    let token = try #require(first.json.textAt("metadata", "continue"))
    let encoded = token.replacing("=", with: "%3D").replacing("+", with: "%2B")
    let second = try await api.get("\(maps)?limit=2&labelSelector=page%3Dyes&continue=\(encoded)")
    #expect(second.json.itemsAt("items").map(\.metadataName) == ["c", "d"])
    #expect(second.json.at("metadata", "resourceVersion") == first.json.at("metadata", "resourceVersion"))
    #expect(second.json.at("metadata", "continue") == nil)
  }

  @Test func selectorsChoose() async throws {
    _ = try await api.create(pods, pod("x", node: "n1", labels: ["app": "web", "tier": "front"]))
    _ = try await api.create(pods, pod("y", labels: ["app": "db"]))
    func names(_ query: String) async throws -> [String] {
      try await api.get("\(pods)?\(query)").json.itemsAt("items").map(\.metadataName)
    }
    #expect(try await names("labelSelector=app+in+(web,db),tier".replacing("+", with: "%20")) == ["x"])
    #expect(try await names("labelSelector=app!%3Dweb") == ["y"])
    #expect(try await names("fieldSelector=spec.nodeName%3Dn1") == ["x"])
    #expect(try await names("fieldSelector=status.phase%3DPending") == ["x", "y"])
    #expect(try await api.get("\(pods)?fieldSelector=spec.colour%3Dred").status == 400)
  }

  @Test func theStatusSubresourceWritesStatusOnly() async throws {
    _ = try await api.create(pods, pod("s"))
    let answer = try await api.patch(
      "\(pods)/s/status", ["status": ["phase": "Running"], "spec": ["nodeName": "elsewhere"]])
    #expect(answer.json.textAt("status", "phase") == "Running")
    #expect(answer.json.at("spec", "nodeName") == nil)
    let main = try await api.patch("\(pods)/s", ["status": ["phase": "Failed"]])
    #expect(main.json.textAt("status", "phase") == "Running")
  }

  @Test func applyOwnsFieldsAndReportsConflicts() async throws {
    let target = "\(maps)/applied"
    let headers = [(name: "Content-Type", value: "application/apply-patch+yaml")]
    var mine = configMap("applied", ["k": "1"])
    mine.set(nil, at: ["metadata", "labels"])
    let created = try await api.send(.patch, "\(target)?fieldManager=one", mine, headers: headers)
    #expect(created.status == 201)
    let again = try await api.send(.patch, "\(target)?fieldManager=one", mine, headers: headers)
    #expect(again.json.at("metadata", "resourceVersion") == created.json.at("metadata", "resourceVersion"))
    var other = mine
    other.set("2", at: ["data", "k"])
    let conflict = try await api.send(.patch, "\(target)?fieldManager=two", other, headers: headers)
    #expect(conflict.status == 409)
    #expect(conflict.message.contains("conflict with \"one\""))
    let forced = try await api.send(.patch, "\(target)?fieldManager=two&force=true", other, headers: headers)
    #expect(forced.json.textAt("data", "k") == "2")
    #expect(forced.json.itemsAt("metadata", "managedFields").contains { $0["manager"] == "two" })
  }

  @Test func aNamespaceTakesNothingNewWhileItEnds() async throws {
    let namespaces = "/api/v1/namespaces"
    _ = try await api.create(namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "ends"]])
    #expect(try await api.get("\(namespaces)/ends/serviceaccounts/default").status == 200)
    let deleted = try await api.send(.delete, "\(namespaces)/ends")
    #expect(deleted.json.textAt("status", "phase") == "Terminating")
    let refused = try await api.create("\(namespaces)/ends/configmaps", configMap("late"))
    #expect(refused.status == 403)
    #expect(refused.message.contains("because it is being terminated"))
    #expect(try await api.create("\(namespaces)/absent/configmaps", configMap("x")).status == 404)
    var final = deleted.json
    final["spec"] = ["finalizers": []]
    #expect(try await api.send(.put, "\(namespaces)/ends/finalize", final).status == 200)
    #expect(try await api.get("\(namespaces)/ends").status == 404)
  }

  @Test func writesAreCountedByUser() async throws {
    _ = try await api.create(maps, configMap("counted"))
    _ = try await api.get(maps)
    #expect(api.server.counters.writes(by: "kubernetes-admin") == 1)
    #expect(api.server.counters.writes(by: "somebody") == 0)
    let text = try await api.get("/metrics").json.stringValue ?? ""
    #expect(text.contains("apiserver_request_total{code=\"201\""))
  }
}
