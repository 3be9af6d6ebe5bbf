import KubernetesModels
import OperatorRuntime
import Testing

@testable import SandboxCluster

@Suite struct OwnershipGraphTests {
  typealias Graph = OwnershipGraph

  static func node(
    _ uid: String, owners: [String] = [], deleting: Bool = false, finalizers: [String] = [], blocks: Bool = true
  ) -> Graph.Node {
    Graph.Node(
      uid: uid, type: ConfigMap.resourceType, key: ObjectKey(namespace: "ns", name: uid),
      owners: owners.map {
        Graph.Owner(uid: $0, apiVersion: "v1", kind: "ConfigMap", name: $0, blocksDeletion: blocks)
      },
      isBeingDeleted: deleting, finalizers: finalizers)
  }

  static func graph(_ nodes: Graph.Node...) -> Graph {
    var graph = Graph()
    for node in nodes { graph.upsert(node) }
    return graph
  }

  @Test func dependentOfAGoneOwnerIsDeleted() {
    let child = Self.node("child", owners: ["owner"])
    var graph = Self.graph(Self.node("owner"), child)
    #expect(graph.actions(for: "child").isEmpty)
    graph.remove(uid: "owner")
    #expect(graph.actions(for: "owner") == [.deleteOrphan(child)])
    #expect(graph.actions(for: "child") == [.deleteOrphan(child)])
  }

  @Test func anotherOwnerKeepsItAndTheDeadReferenceGoes() {
    let child = Self.node("child", owners: ["gone", "stays"])
    let graph = Self.graph(Self.node("stays"), child)
    #expect(graph.actions(for: "child") == [.removeOwner(uid: "gone", from: child)])
  }

  @Test func foregroundDeletionTakesDependentsFirst() {
    let owner = Self.node("owner", deleting: true, finalizers: [Graph.foreground])
    let child = Self.node("child", owners: ["owner"])
    var graph = Self.graph(owner, child)
    #expect(graph.actions(for: "owner") == [.deleteDependent(child)])
    graph.upsert(Self.node("child", owners: ["owner"], deleting: true, finalizers: ["slow"]))
    #expect(graph.actions(for: "owner").isEmpty)
    graph.remove(uid: "child")
    #expect(graph.actions(for: "owner") == [.removeFinalizer(Graph.foreground, from: owner)])
  }

  @Test func foregroundDeletionWaitsOnlyForThoseThatBlock() {
    let owner = Self.node("owner", deleting: true, finalizers: [Graph.foreground])
    let child = Self.node("child", owners: ["owner"], blocks: false)
    #expect(
      Self.graph(owner, child).actions(for: "owner")
        == [.deleteDependent(child), .removeFinalizer(Graph.foreground, from: owner)])
  }

  @Test func orphaningCutsTheReferencesFirst() {
    let owner = Self.node("owner", deleting: true, finalizers: [Graph.orphan])
    let child = Self.node("child", owners: ["owner"])
    var graph = Self.graph(owner, child)
    #expect(graph.actions(for: "owner") == [.removeOwner(uid: "owner", from: child)])
    graph.upsert(Self.node("child"))
    #expect(graph.actions(for: "owner") == [.removeFinalizer(Graph.orphan, from: owner)])
  }

  @Test func relistForgetsWhatIsGone() {
    var graph = Self.graph(Self.node("a"), Self.node("b", owners: ["a"]))
    #expect(graph.replace(ConfigMap.resourceType, with: [Self.node("b", owners: ["a"])]) == ["a"])
    #expect(graph.actions(for: "b") == [.deleteOrphan(Self.node("b", owners: ["a"]))])
  }
}
