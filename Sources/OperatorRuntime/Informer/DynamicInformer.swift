public import KubernetesClient
public import KubernetesModels
public import Logging
import Synchronization

/// An informer of a type that is known only at run time, such as an optional API of the cluster.
public final class DynamicInformer: AnyInformer {
  public typealias Handler = @Sendable (StoreChange<DynamicObject>) -> Void

  private struct State {
    var objects: [ObjectKey: DynamicObject] = [:]
    var handlers: [Handler] = []
  }

  public let type: ResourceType
  private let reflector: DynamicReflector
  private let state = Mutex(State())
  private let synced = SyncGate()

  /// - Parameter namespace: Nil for all namespaces, or for cluster-scoped types.
  public init(
    client: KubernetesClient, type: ResourceType, namespace: String? = nil,
    options: InformerOptions = InformerOptions(), logger: Logger = Logger(label: "informer"),
    clock: any Clock<Duration> = ContinuousClock()
  ) {
    self.type = type
    reflector = DynamicReflector(
      client: client, type: type, namespace: namespace, options: options, logger: logger, clock: clock)
  }

  public var name: String { type.kind }
  public var isSynced: Bool { synced.isOpen }
  public func waitUntilSynced() async throws { try await synced.wait() }

  public func run() async throws {
    try await reflector.run { [self] change in
      let (changes, handlers) = state.withLock { state in (Self.apply(change, to: &state.objects), state.handlers) }
      for change in changes { for handler in handlers { handler(change) } }
      if case .replaced = change { synced.open() }
    }
  }

  public func get(_ name: String, in namespace: String? = nil) -> DynamicObject? {
    state.withLock { $0.objects[ObjectKey(namespace: namespace, name: name)] }
  }

  /// Sorted by namespace and name.
  public func list(namespace: String? = nil) -> [DynamicObject] {
    let objects = state.withLock { $0.objects }
    return objects.filter { namespace == nil || $0.key.namespace == namespace }.sorted { $0.key < $1.key }.map(\.value)
  }

  /// As `Informer.observe`.
  public func observe(_ handler: @escaping Handler) {
    let present = state.withLock { state in
      state.handlers.append(handler)
      return state.objects.values.map { $0 }
    }
    for object in present { handler(.added(object)) }
  }

  private static func apply(
    _ change: DynamicReflector.Change, to objects: inout [ObjectKey: DynamicObject]
  ) -> [StoreChange<DynamicObject>] {
    switch change {
    case .replaced(let list):
      let present = Set(list.map(\.key))
      var changes: [StoreChange<DynamicObject>] = []
      for (key, old) in objects where !present.contains(key) {
        objects[key] = nil
        changes.append(.deleted(old))
      }
      return changes + list.flatMap { upsert($0, in: &objects) }
    case .upserted(let object): return upsert(object, in: &objects)
    case .removed(let object): return objects.removeValue(forKey: object.key) == nil ? [] : [.deleted(object)]
    }
  }

  private static func upsert(
    _ object: DynamicObject, in objects: inout [ObjectKey: DynamicObject]
  ) -> [StoreChange<DynamicObject>] {
    guard let old = objects.updateValue(object, forKey: object.key) else { return [.added(object)] }
    return old.resourceVersion == object.resourceVersion ? [] : [.updated(old: old, new: object)]
  }
}

extension DynamicObject {
  /// Where this object is.
  public var key: ObjectKey { ObjectKey(namespace: namespace, name: name ?? "") }
}
