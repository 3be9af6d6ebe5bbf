import KubernetesModels
import OperatorRuntime

/// Who owns whom, and what follows from a deletion. Pure (Kubernetes: "Garbage Collection").
struct OwnershipGraph {
  struct Owner: Hashable, Sendable {
    var uid: String
    var apiVersion: String
    var kind: String
    var name: String
    var blocksDeletion = false
  }

  struct Node: Sendable, Equatable {
    var uid: String
    var type: ResourceType
    var key: ObjectKey
    var owners: [Owner] = []
    var isBeingDeleted = false
    var finalizers: [String] = []
  }

  enum Action: Equatable, Sendable {
    /// None of its owners exists; the owners have to be looked up before, because the graph may be behind.
    case deleteOrphan(Node)
    /// Its owner waits for it (foreground deletion).
    case deleteDependent(Node)
    case removeOwner(uid: String, from: Node)
    case removeFinalizer(String, from: Node)
  }

  static let foreground = "foregroundDeletion"
  static let orphan = "orphan"

  private(set) var nodes: [String: Node] = [:]
  private var dependents: [String: Set<String>] = [:]

  mutating func upsert(_ node: Node) {
    remove(uid: node.uid)
    nodes[node.uid] = node
    for owner in node.owners { dependents[owner.uid, default: []].insert(node.uid) }
  }

  mutating func remove(uid: String) {
    guard let node = nodes.removeValue(forKey: uid) else { return }
    for owner in node.owners {
      dependents[owner.uid]?.remove(uid)
      if dependents[owner.uid]?.isEmpty == true { dependents[owner.uid] = nil }
    }
  }

  /// Makes the nodes of one type equal to a full list; returns the uids that are gone.
  mutating func replace(_ type: ResourceType, with list: [Node]) -> [String] {
    let present = Set(list.map(\.uid))
    let gone = nodes.values.filter { $0.type == type && !present.contains($0.uid) }.map(\.uid)
    for uid in gone { remove(uid: uid) }
    for node in list { upsert(node) }
    return gone
  }

  func dependents(of uid: String) -> [Node] {
    (dependents[uid] ?? []).compactMap { nodes[$0] }.sorted { ($0.type.kind, $0.key) < ($1.type.kind, $1.key) }
  }

  /// What has to happen because of one object, which may be gone already.
  func actions(for uid: String) -> [Action] {
    guard let node = nodes[uid] else { return dependents(of: uid).flatMap { actionsForOrphan($0) } }
    var actions = node.isBeingDeleted ? actionsForOwner(node) : []
    if !node.owners.isEmpty { actions += actionsForOrphan(node) }
    return actions
  }

  private func actionsForOrphan(_ node: Node) -> [Action] {
    guard !node.owners.isEmpty, !node.isBeingDeleted else { return [] }
    let missing = node.owners.filter { nodes[$0.uid] == nil }
    if missing.count == node.owners.count { return [.deleteOrphan(node)] }
    // An owner in foreground deletion is as good as gone, unless another one keeps the object.
    let staying = node.owners.filter { owner in
      guard let known = nodes[owner.uid] else { return false }
      return !(known.isBeingDeleted && known.finalizers.contains(Self.foreground))
    }
    if staying.isEmpty { return [.deleteDependent(node)] }
    return missing.map { .removeOwner(uid: $0.uid, from: node) }
  }

  private func actionsForOwner(_ node: Node) -> [Action] {
    let children = dependents(of: node.uid)
    if node.finalizers.contains(Self.orphan) {
      if children.isEmpty { return [.removeFinalizer(Self.orphan, from: node)] }
      return children.map { .removeOwner(uid: node.uid, from: $0) }
    }
    guard node.finalizers.contains(Self.foreground) else { return [] }
    let blocking = children.filter { child in child.owners.contains { $0.uid == node.uid && $0.blocksDeletion } }
    let deletions = children.filter { !$0.isBeingDeleted }.flatMap { actionsForOrphan($0) }
    return deletions + (blocking.isEmpty ? [.removeFinalizer(Self.foreground, from: node)] : [])
  }
}

extension OwnershipGraph.Node {
  /// Nil for objects without uid; nobody can own or be owned without one.
  init?(_ object: DynamicObject, type: ResourceType) {
    guard let uid = object.uid else { return nil }
    self.uid = uid
    self.type = type
    key = ObjectKey(namespace: object.namespace, name: object.name ?? "")
    isBeingDeleted = object.isBeingDeleted
    finalizers = object.finalizers
    let references = object.json.value(at: ["metadata", "ownerReferences"])?.arrayValue ?? []
    owners = references.compactMap { reference in
      guard let uid = reference["uid"]?.stringValue else { return nil }
      return OwnershipGraph.Owner(
        uid: uid, apiVersion: reference["apiVersion"]?.stringValue ?? "", kind: reference["kind"]?.stringValue ?? "",
        name: reference["name"]?.stringValue ?? "", blocksDeletion: reference["blockOwnerDeletion"]?.boolValue ?? false)
    }
  }
}
