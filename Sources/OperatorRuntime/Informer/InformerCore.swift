import Synchronization

/// Store, observers and reflector of an informer, for typed and dynamic objects alike.
///
/// Observers are called one after another, never two at once, in the order of the changes; the store shows a change
/// before its observers hear of it.
final class InformerCore<Object: Sendable>: Sendable {
  typealias Handler = @Sendable (StoreChange<Object>, ChangeOrigin) -> Void

  private enum Delivery: Sendable {
    case changes([StoreChange<Object>], ChangeOrigin, to: [Handler])
    case opening(SyncGate)
  }

  private struct State {
    var store: ObjectStore<Object>
    var handlers: [Handler] = []
    var deliveries: [Delivery] = []
    var isDelivering = false
    /// Those who wait for the store to show a version.
    var waiters: [(version: ResourceVersion, gate: SyncGate)] = []
  }

  let synced = SyncGate()
  private let state: Mutex<State>
  private let reflector: Reflector<Object>

  init(_ reflector: Reflector<Object>) {
    self.reflector = reflector
    state = Mutex(State(store: ObjectStore(reflector.traits)))
  }

  func run() async throws {
    try await reflector.run(shows: { [self] key, version in read { $0.shows(key, version) } }) { [self] action in
      perform(action)
    }
  }

  func read<Result>(_ body: (ObjectStore<Object>) -> Result) -> Result {
    state.withLock { body($0.store) }
  }

  /// Sorted by namespace and name.
  func list(namespace: String?, where isWanted: (Object) -> Bool) -> [Object] {
    read { store in
      if let namespace { return store.inNamespace(namespace).filter(isWanted) }
      return store.objects.sorted { $0.key < $1.key }.map(\.value).filter(isWanted)
    }
  }

  func index(_ values: @escaping @Sendable (Object) -> [String]) -> ObjectIndex<Object> {
    ObjectIndex(core: self, number: state.withLock { $0.store.addIndex(values) })
  }

  /// Whether the store shows everything up to a version; true where versions cannot be compared.
  func hasSeen(_ version: String) -> Bool {
    guard let wanted = ResourceVersion(version) else { return true }
    return state.withLock { Self.hasSeen(wanted, $0.store) }
  }

  func waitUntilSeen(_ version: String) async throws {
    guard let wanted = ResourceVersion(version) else { return }
    let gate = SyncGate()
    state.withLock { state in
      if Self.hasSeen(wanted, state.store) { gate.open() } else { state.waiters.append((wanted, gate)) }
    }
    try await gate.wait()
  }

  func note(written object: Object) {
    change { [reflector] store in (store.note(written: reflector.transform(object)), .change) }
  }

  /// Tells the handler of every change from now on, after what is there already.
  func observe(_ handler: @escaping Handler) {
    state.withLock { state in
      state.handlers.append(handler)
      let present = state.store.objects.sorted { $0.key < $1.key }.map { StoreChange.added($0.value) }
      if !present.isEmpty { state.deliveries.append(.changes(present, .initial, to: [handler])) }
    }
    deliver()
  }

  // MARK: Changing

  private func perform(_ action: ReflectorMachine<Object>.Action) {
    switch action {
    case .replace(let objects, let unreadable, let version):
      change(opening: synced) { store in
        let isFirst = store.seenVersion == nil
        return (store.replace(with: objects, keeping: unreadable, seen: version), isFirst ? .initial : .change)
      }
    case .upsert(let object, let version): change { ($0.upsert(object, seen: version), .change) }
    case .confirm(let key, let version): change { ($0.confirm(key, seen: version), .change) }
    case .remove(let object, let version): change { ($0.remove(object, seen: version), .change) }
    case .drop(let key, let version): change { ($0.remove(key, seen: version), .change) }
    case .caughtUp(let version): change { ($0.advance(to: version), .change) }
    case .list, .stream, .watch, .wait: break
    }
  }

  private func change(
    opening gate: SyncGate? = nil, _ body: (inout ObjectStore<Object>) -> ([StoreChange<Object>], ChangeOrigin)
  ) {
    state.withLock { state in
      let (changes, origin) = body(&state.store)
      if !changes.isEmpty, !state.handlers.isEmpty {
        state.deliveries.append(.changes(changes, origin, to: state.handlers))
      }
      if let gate { state.deliveries.append(.opening(gate)) }
      guard !state.waiters.isEmpty else { return }
      let store = state.store
      for waiter in state.waiters where Self.hasSeen(waiter.version, store) {
        state.deliveries.append(.opening(waiter.gate))
      }
      state.waiters.removeAll { Self.hasSeen($0.version, store) }
    }
    deliver()
  }

  /// Whoever comes first delivers for all, so that deliveries keep their order however many tasks bring changes.
  private func deliver() {
    let isFirst = state.withLock { state in
      defer { state.isDelivering = true }
      return !state.isDelivering
    }
    guard isFirst else { return }
    while true {
      let batch = state.withLock { state in
        defer { state.deliveries = [] }
        if state.deliveries.isEmpty { state.isDelivering = false }
        return state.deliveries
      }
      if batch.isEmpty { return }
      for case let delivery in batch {
        switch delivery {
        case .changes(let changes, let origin, let handlers):
          for change in changes { for handler in handlers { handler(change, origin) } }
        case .opening(let gate): gate.open()
        }
      }
    }
  }

  private static func hasSeen(_ wanted: ResourceVersion, _ store: ObjectStore<Object>) -> Bool {
    guard let seen = store.seenVersion else { return false }
    return ResourceVersion(seen).map { $0 >= wanted } ?? true
  }
}

/// Finds the objects of an informer by a value of theirs, without looking at all of them.
public struct ObjectIndex<Object: Sendable>: Sendable {
  fileprivate let core: InformerCore<Object>
  fileprivate let number: Int

  /// The objects with this value, sorted by namespace and name.
  public subscript(value: String) -> [Object] {
    core.read { $0.found(number, value) }
  }
}
