public import KubernetesClient
public import KubernetesModels
public import Logging
import Synchronization

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

/// Tunables of an informer.
public struct InformerOptions: Sendable {
  /// Only objects with these labels; a smaller store.
  public var labelSelector: String?
  public var fieldSelector: String?
  /// Objects asked for in one list request.
  public var pageSize: Int
  /// The server is asked to end a watch after this many seconds (a random part is added), so that load spreads.
  public var watchSeconds: Int
  /// A watch without any event or bookmark for this long is dropped and opened again from the last version.
  public var idleTimeout: Duration
  public var backoff: Backoff

  public init(
    labelSelector: String? = nil, fieldSelector: String? = nil, pageSize: Int = 500, watchSeconds: Int = 300,
    idleTimeout: Duration = .seconds(150), backoff: Backoff = Backoff()
  ) {
    self.labelSelector = labelSelector
    self.fieldSelector = fieldSelector
    self.pageSize = pageSize
    self.watchSeconds = watchSeconds
    self.idleTimeout = idleTimeout
    self.backoff = backoff
  }
}

/// A local copy of one kind of object, kept current by list and watch.
///
/// Reads never wait for the network. They may be behind the server: decide so that acting on an old copy does no harm.
public final class Informer<Object: KubernetesResource>: AnyInformer {
  public typealias Handler = @Sendable (StoreChange<Object>) -> Void

  private struct State {
    var store = ObjectStore<Object>()
    var handlers: [Handler] = []
    var seenVersion: String?
  }

  public let name: String
  private let state = Mutex(State())
  private let synced = SyncGate()
  private let reflector: Reflector<Object>

  /// - Parameter namespace: Nil for all namespaces, or for cluster-scoped types.
  public init(
    client: KubernetesClient, _ type: Object.Type = Object.self, namespace: String? = nil,
    options: InformerOptions = InformerOptions(), logger: Logger = Logger(label: "informer"),
    clock: any Clock<Duration> = ContinuousClock()
  ) {
    name = Object.resourceType.kind
    reflector = Reflector(
      name: Object.resourceType.kind,
      list: { try await client.list(Object.self, in: namespace, options: $0) },
      watch: { client.watch(Object.self, in: namespace, options: $0) },
      versionOf: { $0.metadata.resourceVersion }, options: options, logger: logger, time: TimeSource(clock))
  }

  public convenience init(
    client: KubernetesClient, _ type: Object.Type = Object.self, namespace: String? = nil, labelSelector: String?,
    fieldSelector: String? = nil, logger: Logger = Logger(label: "informer")
  ) {
    self.init(
      client: client, type, namespace: namespace,
      options: InformerOptions(labelSelector: labelSelector, fieldSelector: fieldSelector), logger: logger)
  }

  public var isSynced: Bool { synced.isOpen }

  public func waitUntilSynced() async throws { try await synced.wait() }

  public func run() async throws {
    try await reflector.run { [self] action in perform(action) }
  }

  // MARK: Reading

  public func get(_ key: ObjectKey) -> Object? {
    state.withLock { $0.store[key] }
  }

  public func get(_ name: String, in namespace: String?) -> Object? {
    get(ObjectKey(namespace: namespace, name: name))
  }

  /// Sorted by namespace and name.
  /// - Parameter namespace: Only objects of this namespace; nil for all.
  public func list(namespace: String? = nil) -> [Object] {
    list(namespace: namespace) { _ in true }
  }

  /// Sorted by namespace and name.
  /// - Parameters:
  ///   - namespace: Only objects of this namespace; nil for all.
  ///   - condition: Which ones.
  public func list(namespace: String? = nil, where condition: (Object) -> Bool) -> [Object] {
    let objects = state.withLock { state in
      namespace.map { state.store.inNamespace($0) } ?? Array(state.store.objects.values)
    }
    return objects.filter(condition).sorted { $0.key < $1.key }
  }

  /// Objects with an owner reference to `uid`, controlling or not; for the empty uid, objects without any owner.
  public func list(ownedBy uid: String) -> [Object] {
    state.withLock { $0.store.owned(by: uid) }
  }

  /// Whether the store shows everything up to a version that a write of this type returned.
  ///
  /// Resource versions of one type are ordered numbers (KEP-5504); where they are not, this is always true.
  public func hasSeen(resourceVersion: String) -> Bool {
    guard let wanted = UInt64(resourceVersion) else { return true }
    return state.withLock { state in state.seenVersion.map { UInt64($0).map { $0 >= wanted } ?? true } ?? false }
  }

  // MARK: Observing

  /// Calls `handler` for every change from now on, and as `.added` for what is there already.
  ///
  /// Handlers run on the informer's task: return quickly. The replay of what is there may overlap with a first change.
  public func observe(_ handler: @escaping Handler) {
    let present = state.withLock { state in
      state.handlers.append(handler)
      return state.store.objects.values.map { $0 }
    }
    for object in present { handler(.added(object)) }
  }

  private func perform(_ action: ReflectorMachine<Object>.Action) {
    let (changes, handlers) = state.withLock { state in
      var changes: [StoreChange<Object>] = []
      switch action {
      case .replace(let objects, let version):
        changes = state.store.replace(with: objects)
        state.seenVersion = version
      case .upsert(let object, let version):
        changes = state.store.upsert(object)
        state.seenVersion = version
      case .remove(let object, let version):
        changes = state.store.remove(object)
        state.seenVersion = version
      case .caughtUp(let version): state.seenVersion = version
      case .list, .watch, .wait: break
      }
      return (changes, state.handlers)
    }
    for change in changes { for handler in handlers { handler(change) } }
    if case .replace = action { synced.open() }
  }
}
