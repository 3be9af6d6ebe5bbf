import KubernetesClient
import KubernetesModels
import Logging
import OperatorRuntime
import Synchronization

/// Deletes what lost its owner, and works off the foreground and orphan finalizers, for every type that the server has.
final class GarbageCollector: Sendable {
  private struct State {
    var graph = OwnershipGraph()
    var listed: Set<ResourceType> = []
    var types: Set<ResourceType> = []
  }

  private let client: KubernetesClient
  private let logger: Logger
  private let discoveryInterval: Duration
  private let state = Mutex(State())
  private let queue: WorkQueue<String>

  /// Types that are never owned and change often.
  private static let ignored: Set<String> = ["events", "componentstatuses"]

  init(client: KubernetesClient, logger: Logger, discoveryInterval: Duration = .seconds(5)) {
    self.client = client
    self.logger = logger
    self.discoveryInterval = discoveryInterval
    queue = WorkQueue(
      name: "garbage-collector", policy: RequeuePolicy(initial: .milliseconds(20), maximum: .seconds(30)))
  }

  /// Runs until the task is cancelled.
  func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 { group.addTask { [self] in await work() } }
      group.addTask { [self] in try await followTypes() }
      try await group.waitForAll()
    }
  }

  /// One reflector for each type; types come and go with custom resource definitions.
  private func followTypes() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      var running: [ResourceType: Task<Void, Never>] = [:]
      defer { for task in running.values { task.cancel() } }
      while true {
        if let types = await collectableTypes() {
          for type in types where running[type] == nil { running[type] = Task { [self] in await follow(type) } }
          for (type, task) in running where !types.contains(type) {
            task.cancel()
            running[type] = nil
            drop(type)
          }
          state.withLock { $0.types = types }
        }
        try await Task.sleep(for: discoveryInterval)
      }
    }
  }

  private func collectableTypes() async -> Set<ResourceType>? {
    do {
      let discovery = try await client.discover()
      let wanted: Set<String> = ["list", "watch", "delete"]
      return Set(
        discovery.resources.filter { wanted.isSubset(of: $0.verbs) && !Self.ignored.contains($0.type.plural) }
          .map(\.type))
    } catch {
      logger.debug("discovery failed", metadata: ["error": "\(error)"])
      return nil
    }
  }

  private func follow(_ type: ResourceType) async {
    let reflector = DynamicReflector(client: client, type: type, logger: logger)
    try? await reflector.run { [self] change in
      switch change {
      case .replaced(let objects):
        let list = objects.compactMap { OwnershipGraph.Node($0, type: type) }
        let gone = state.withLock { state in
          state.listed.insert(type)
          return state.graph.replace(type, with: list)
        }
        for uid in gone + list.map(\.uid) { queue.add(uid) }
      case .upserted(let object):
        guard let node = OwnershipGraph.Node(object, type: type) else { return }
        let former = state.withLock { state in
          defer { state.graph.upsert(node) }
          return state.graph.nodes[node.uid]?.owners ?? []
        }
        queue.add(node.uid)
        // Its owner, or one that it had until now, may wait for exactly this change.
        for owner in Set(former + node.owners) { queue.add(owner.uid) }
      case .removed(let object):
        guard let node = OwnershipGraph.Node(object, type: type) else { return }
        state.withLock { $0.graph.remove(uid: node.uid) }
        queue.add(node.uid)
        for owner in node.owners { queue.add(owner.uid) }
      }
    }
  }

  private func drop(_ type: ResourceType) {
    let gone = state.withLock { state in
      state.listed.remove(type)
      return state.graph.replace(type, with: [])
    }
    for uid in gone { queue.add(uid) }
  }

  private func work() async {
    while let uid = await queue.next() {
      do {
        for action in state.withLock({ $0.graph.actions(for: uid) }) { try await perform(action) }
        queue.forget(uid)
      } catch {
        logger.debug("garbage collection will retry", metadata: ["uid": "\(uid)", "error": "\(error)"])
        queue.addAfterFailure(uid)
      }
      queue.finish(uid)
    }
  }

  private func perform(_ action: OwnershipGraph.Action) async throws {
    switch action {
    case .deleteOrphan(let node):
      for owner in node.owners where try await exists(owner, of: node) { return }
      try await delete(node)
    case .deleteDependent(let node):
      // Its own dependents go before it too, or the first owner would be gone while they still run.
      let hasDependents = state.withLock { !$0.graph.dependents(of: node.uid).isEmpty }
      try await delete(node, inForeground: hasDependents)
    case .removeOwner(let uid, let node):
      try await change(node) { object in
        let owners = object.json.value(at: ["metadata", "ownerReferences"])?.arrayValue ?? []
        return ["ownerReferences": .array(owners.filter { $0["uid"]?.stringValue != uid })]
      }
    case .removeFinalizer(let name, let node):
      try await change(node) { object in
        ["finalizers": .array(object.finalizers.filter { $0 != name }.map { .string($0) })]
      }
    }
  }

  /// Asks the server: the graph hears of a new owner through another watch than of what it owns.
  private func exists(_ owner: OwnershipGraph.Owner, of node: OwnershipGraph.Node) async throws -> Bool {
    let known = state.withLock { state in
      state.types.first { $0.apiVersion == owner.apiVersion && $0.kind == owner.kind }
    }
    guard let type = known else {
      // A kind that the server does not have (any more) cannot be looked up: nothing is deleted on a guess.
      guard state.withLock({ !$0.types.isEmpty }), try await !isServed(owner) else {
        throw ReconcileError.retry("\(owner.kind) not discovered yet")
      }
      logger.debug("owner of an unknown kind", metadata: ["kind": "\(owner.kind)", "object": "\(node.key)"])
      return true
    }
    // An owner in a namespace cannot own what is in none; such a reference is left alone.
    if type.isNamespaced, node.key.namespace == nil { return true }
    do {
      let object = try await client.get(type, owner.name, in: type.isNamespaced ? node.key.namespace : nil)
      return object.uid == owner.uid
    } catch let error as KubernetesError where error.isNotFound {
      return false
    }
  }

  private func isServed(_ owner: OwnershipGraph.Owner) async throws -> Bool {
    try await client.discover().resources.contains {
      $0.type.apiVersion == owner.apiVersion && $0.type.kind == owner.kind
    }
  }

  private func delete(_ node: OwnershipGraph.Node, inForeground: Bool = false) async throws {
    // An object that has dependents to wait for passes the kind of its deletion on to them.
    let propagation: DeleteOptions.Propagation =
      node.finalizers.contains(OwnershipGraph.orphan)
      ? .orphan : inForeground || node.finalizers.contains(OwnershipGraph.foreground) ? .foreground : .background
    do {
      try await client.delete(
        node.type, node.key.name, in: node.key.namespace,
        options: DeleteOptions(propagation: propagation, uid: node.uid))
    } catch let error as KubernetesError where error.isNotFound || error.isConflict {
      return
    }
  }

  private func change(
    _ node: OwnershipGraph.Node, _ metadata: (DynamicObject) -> [String: JSONValue]
  ) async throws {
    do {
      let object = try await client.get(node.type, node.key.name, in: node.key.namespace)
      guard object.uid == node.uid else { return }
      var patch = metadata(object)
      patch["resourceVersion"] = object.resourceVersion.map { .string($0) }
      _ = try await client.patch(
        node.type, node.key.name, in: node.key.namespace, .merge(["metadata": .object(patch)]))
    } catch let error as KubernetesError where error.isNotFound {
      return
    }
  }
}
