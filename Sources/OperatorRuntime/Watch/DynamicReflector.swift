public import KubernetesClient
public import KubernetesModels
public import Logging

/// List and watch of a type that is known only at run time. It keeps no store: the caller gets each change.
public struct DynamicReflector: Sendable {
  /// What the caller has to do to stay equal to the server.
  public enum Change: Sendable {
    /// The full list; what the caller knows beyond it is gone.
    case replaced([DynamicObject])
    /// New or changed.
    case upserted(DynamicObject)
    case removed(DynamicObject)
  }

  private let reflector: Reflector<DynamicObject>

  /// - Parameters:
  ///   - namespace: Nil for all namespaces, or for cluster-scoped types.
  ///   - content: Metadata alone where that is enough.
  public init(
    client: KubernetesClient, type: ResourceType, namespace: String? = nil, content: InformerContent = .whole,
    options: InformerOptions = InformerOptions(), logger: Logger = Logger(label: "informer"),
    clock: any Clock<Duration> = ContinuousClock()
  ) {
    reflector = Reflector(
      collection: ResourceCollection(
        client: client, type: type, namespace: namespace, content: content, omitsManagedFields: false),
      traits: .dynamic, transform: { $0 }, options: options, logger: logger, time: TimeSource(clock))
  }

  /// Runs until the task is cancelled, then throws `CancellationError`.
  public func run(_ handle: @escaping @Sendable (Change) -> Void) async throws {
    try await reflector.run { action in
      switch action {
      case .replace(let objects, _, _): handle(.replaced(objects))
      case .upsert(let object, _): handle(.upserted(object))
      case .remove(let object, _): handle(.removed(object))
      // Dynamic objects have no type that they could fail to fit, and without a store nothing is shown before it is told.
      case .drop, .confirm, .caughtUp, .list, .stream, .watch, .wait: break
      }
    }
  }
}
