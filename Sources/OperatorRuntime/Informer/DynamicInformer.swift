public import KubernetesClient
public import KubernetesModels
public import Logging

/// An informer of a type that is known only at run time, such as an optional API of the cluster; or of the metadata alone
/// of any type.
public final class DynamicInformer: AnyInformer {
  public typealias Handler = @Sendable (StoreChange<DynamicObject>) -> Void

  public let type: ResourceType
  private let core: InformerCore<DynamicObject>

  /// - Parameters:
  ///   - namespace: Nil for all namespaces, or for cluster-scoped types.
  ///   - content: `.metadata` stores objects without spec, status and data.
  ///   - transform: What to make of each object before it is stored.
  public init(
    client: KubernetesClient, type: ResourceType, namespace: String? = nil, content: InformerContent = .whole,
    options: InformerOptions = InformerOptions(), transform: ObjectTransform<DynamicObject> = .none,
    logger: Logger = Logger(label: "informer"), clock: any Clock<Duration> = ContinuousClock()
  ) {
    self.type = type
    core = InformerCore(
      Reflector(
        collection: ResourceCollection(
          client: client, type: type, namespace: namespace, content: content,
          omitsManagedFields: transform.dropsManagedFields),
        traits: .dynamic, transform: transform.apply, options: options, logger: logger, time: TimeSource(clock)))
  }

  public var name: String { type.kind }
  public var isSynced: Bool { core.synced.isOpen }
  public func waitUntilSynced() async throws { try await core.synced.wait() }
  public func run() async throws { try await core.run() }

  public func get(_ name: String, in namespace: String? = nil) -> DynamicObject? {
    get(ObjectKey(namespace: namespace, name: name))
  }

  public func get(_ key: ObjectKey) -> DynamicObject? {
    core.read { $0[key] }
  }

  /// Sorted by namespace and name.
  public func list(namespace: String? = nil) -> [DynamicObject] {
    core.list(namespace: namespace) { _ in true }
  }

  /// As `Informer.list(ownedBy:)`.
  public func list(ownedBy uid: String) -> [DynamicObject] {
    core.read { $0.owned(by: uid) }
  }

  /// As `Informer.index(by:)`.
  public func index(by values: @escaping @Sendable (DynamicObject) -> [String]) -> ObjectIndex<DynamicObject> {
    core.index(values)
  }

  /// As `Informer.hasSeen`.
  public func hasSeen(resourceVersion: String) -> Bool { core.hasSeen(resourceVersion) }

  /// As `Informer.waitUntilSeen`.
  public func waitUntilSeen(resourceVersion: String) async throws { try await core.waitUntilSeen(resourceVersion) }

  /// As `Informer.note(written:)`.
  public func note(written object: DynamicObject) { core.note(written: object) }

  /// As `Informer.observe`.
  public func observe(_ handler: @escaping Handler) {
    core.observe { change, _ in handler(change) }
  }

  /// As `observe`, and says whether something happened or was there before.
  public func observe(withOrigin handler: @escaping @Sendable (StoreChange<DynamicObject>, ChangeOrigin) -> Void) {
    core.observe(handler)
  }
}
