public import KubernetesClient
public import KubernetesModels
public import Logging

/// What the manager and controllers need of an informer, whatever its type.
public protocol AnyInformer: AnyObject, Sendable {
  /// For logs and errors, e.g. `Deployment`.
  var name: String { get }
  /// True once the first full list is in the store.
  var isSynced: Bool { get }
  /// Lists and watches until the task is cancelled.
  func run() async throws
  /// Returns after the first full list; throws `CancellationError` when the task is cancelled before that.
  func waitUntilSynced() async throws
}

/// A local copy of one kind of object, kept current by list and watch.
///
/// Reads never wait for the network. They may be behind the server: decide so that acting on an old copy does no harm.
public final class Informer<Object: KubernetesResource>: AnyInformer {
  public typealias Handler = @Sendable (StoreChange<Object>) -> Void

  public let name: String
  /// Whether its objects come without managed fields.
  let omitsManagedFields: Bool
  private let core: InformerCore<Object>

  /// - Parameters:
  ///   - namespace: Nil for all namespaces, or for cluster-scoped types.
  ///   - transform: What to make of each object before it is stored.
  public init(
    client: KubernetesClient, _ type: Object.Type = Object.self, namespace: String? = nil,
    options: InformerOptions = InformerOptions(), transform: ObjectTransform<Object> = .none,
    logger: Logger = Logger(label: "informer"), clock: any Clock<Duration> = ContinuousClock()
  ) {
    name = Object.resourceType.kind
    omitsManagedFields = transform.dropsManagedFields
    core = InformerCore(
      Reflector(
        collection: ResourceCollection(
          client: client, namespace: namespace, omitsManagedFields: transform.dropsManagedFields), traits: .typed,
        transform: transform.apply, options: options, logger: logger, time: TimeSource(clock)))
  }

  /// - Parameter labelSelector: Only objects with these labels, e.g. `app=web,tier in (a,b)`.
  public convenience init(
    client: KubernetesClient, _ type: Object.Type = Object.self, namespace: String? = nil, labelSelector: String?,
    fieldSelector: String? = nil, logger: Logger = Logger(label: "informer")
  ) {
    self.init(
      client: client, type, namespace: namespace,
      options: InformerOptions(labelSelector: labelSelector, fieldSelector: fieldSelector), logger: logger)
  }

  public var isSynced: Bool { core.synced.isOpen }

  /// Returns once the first full list is in the store and its observers have heard of it.
  public func waitUntilSynced() async throws { try await core.synced.wait() }

  public func run() async throws { try await core.run() }

  // MARK: Reading

  public func get(_ key: ObjectKey) -> Object? {
    core.read { $0[key] }
  }

  public func get(_ name: String, in namespace: String?) -> Object? {
    get(ObjectKey(namespace: namespace, name: name))
  }

  /// Sorted by namespace and name.
  /// - Parameter namespace: Only objects of this namespace; nil for all.
  public func list(namespace: String? = nil) -> [Object] {
    core.list(namespace: namespace) { _ in true }
  }

  /// Sorted by namespace and name.
  /// - Parameters:
  ///   - namespace: Only objects of this namespace; nil for all.
  ///   - isWanted: Called under the informer's lock: must not read the informer.
  public func list(namespace: String? = nil, where isWanted: (Object) -> Bool) -> [Object] {
    core.list(namespace: namespace, where: isWanted)
  }

  /// Objects with an owner of this uid, controlling or not; for the empty uid, objects without any owner.
  public func list(ownedBy uid: String) -> [Object] {
    core.read { $0.owned(by: uid) }
  }

  /// An index by any value of the objects, kept from now on; made once, when the operator is wired.
  /// - Parameter values: Under which values an object is to be found. Must depend on the object alone.
  public func index(by values: @escaping @Sendable (Object) -> [String]) -> ObjectIndex<Object> {
    core.index(values)
  }

  // MARK: Reading what was written

  /// Whether the store shows everything up to a version that a write of this type returned.
  ///
  /// Resource versions of one type are ordered numbers (KEP-5504); where they are not, this is always true.
  public func hasSeen(resourceVersion: String) -> Bool { core.hasSeen(resourceVersion) }

  /// Returns once the store shows everything up to a version that a write of this type returned.
  ///
  /// Bookmarks come about once a minute, so that this may take as long when nothing else of this type changes and the
  /// write does not match the informer's selector.
  public func waitUntilSeen(resourceVersion: String) async throws { try await core.waitUntilSeen(resourceVersion) }

  /// Shows what a create, replace, patch or apply returned before the watch tells of it.
  ///
  /// Safe to call with anything that a server returned: what the store knows better is not changed, and what the watch
  /// does not confirm, because it does not match the selector, goes again.
  public func note(written object: Object) { core.note(written: object) }

  // MARK: Observing

  /// Calls `handler` as `.added` for what is there already, and then for every change.
  ///
  /// Calls come in order and never two at once, on whichever task brings a change: return quickly.
  public func observe(_ handler: @escaping Handler) {
    core.observe { change, _ in handler(change) }
  }

  /// As `observe`, and says whether something happened or was there before.
  public func observe(withOrigin handler: @escaping @Sendable (StoreChange<Object>, ChangeOrigin) -> Void) {
    core.observe(handler)
  }
}
