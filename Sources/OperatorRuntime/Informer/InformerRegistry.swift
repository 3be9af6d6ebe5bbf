public import KubernetesClient
public import KubernetesModels
public import Logging
import Synchronization

/// Gives out informers so that those who ask for the same objects share one watch and one store.
///
/// The same are: type, namespace, selectors, transform and content. Other options are those of whoever asks first.
public final class InformerRegistry: Sendable {
  private struct Slot: Hashable {
    var type: ResourceType
    var namespace: String?
    var labelSelector: String?
    var fieldSelector: String?
    var transform: String
    var content: InformerContent
    /// Typed and dynamic informers of one type store different things.
    var isTyped: Bool
  }

  private let client: KubernetesClient
  private let logger: Logger
  private let clock: any Clock<Duration>
  private let informers = Mutex<[Slot: any AnyInformer]>([:])
  private let additions = AsyncStream<any AnyInformer>.makeStream()

  public init(
    client: KubernetesClient, logger: Logger = Logger(label: "informer"),
    clock: any Clock<Duration> = ContinuousClock()
  ) {
    self.client = client
    self.logger = logger
    self.clock = clock
  }

  /// All informers that were asked for so far.
  public var all: [any AnyInformer] { informers.withLock { Array($0.values) } }

  /// The informer of a type's objects, new or shared.
  public func informer<Object: KubernetesResource>(
    for type: Object.Type = Object.self, namespace: String? = nil, options: InformerOptions = InformerOptions(),
    transform: ObjectTransform<Object> = .none
  ) -> Informer<Object> {
    let slot = Slot(
      type: Object.resourceType, namespace: namespace, labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector, transform: transform.name, content: .whole, isTyped: true)
    return shared(slot) {
      Informer(
        client: client, type, namespace: namespace, options: options, transform: transform, logger: logger,
        clock: clock)
    }
  }

  /// The informer of a type that is known at run time, or of the metadata alone of any type.
  public func informer(
    for type: ResourceType, namespace: String? = nil, content: InformerContent = .whole,
    options: InformerOptions = InformerOptions(), transform: ObjectTransform<DynamicObject> = .none
  ) -> DynamicInformer {
    let slot = Slot(
      type: type, namespace: namespace, labelSelector: options.labelSelector, fieldSelector: options.fieldSelector,
      transform: transform.name, content: content, isTyped: false)
    return shared(slot) {
      DynamicInformer(
        client: client, type: type, namespace: namespace, content: content, options: options, transform: transform,
        logger: logger, clock: clock)
    }
  }

  /// Runs every informer, also those that are asked for later, until the task is cancelled. Run it once.
  /// - Throws: What an informer throws.
  public func run() async throws {
    try await withThrowingDiscardingTaskGroup { [additions] group in
      for await informer in additions.stream {
        group.addTask {
          // An informer that fails ends them all: a store that no longer follows must not be read.
          defer { additions.continuation.finish() }
          try await informer.run()
        }
      }
    }
    try Task.checkCancellation()
  }

  private func shared<Kind: AnyInformer>(_ slot: Slot, _ make: () -> Kind) -> Kind {
    informers.withLock { informers in
      if let known = informers[slot] as? Kind { return known }
      let new = make()
      informers[slot] = new
      additions.continuation.yield(new)
      return new
    }
  }
}
