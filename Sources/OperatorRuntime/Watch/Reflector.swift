import KubernetesClient
import KubernetesModels
import Logging

/// Carries out what `ReflectorMachine` decides, against an API server.
struct Reflector<Object: Sendable>: Sendable {
  typealias Machine = ReflectorMachine<Object>

  let collection: ResourceCollection<Object>
  let traits: ObjectTraits<Object>
  let transform: @Sendable (Object) -> Object
  let options: InformerOptions
  let logger: Logger
  let time: TimeSource

  /// Runs until the task is cancelled; `store` gets the actions that change the store.
  /// - Parameter shows: Whether the store shows exactly this version of an object. Most events of an operator's own writes say
  ///   what the writes have returned, and need no second decoding.
  func run(
    shows: @Sendable (ObjectKey, _ version: String) -> Bool = { _, _ in false },
    _ store: @Sendable (Machine.Action) -> Void
  ) async throws {
    var machine = Machine(backoff: options.backoff, streamsLists: options.streamsLists, key: traits.key)
    var pending = machine.step(.start)
    while !Task.isCancelled {
      guard !pending.isEmpty else { return }
      let action = pending.removeFirst()
      switch action {
      case .replace, .upsert, .confirm, .remove, .drop, .caughtUp: store(action)
      case .wait(let delay):
        try await time.sleep(for: delay)
        pending += machine.step(.waited)
      case .list(let page): pending += machine.step(try await list(page))
      // What is streamed first is a whole list, of which the store says nothing.
      case .stream: pending += try await follow(from: nil, &machine, { _, _ in false }, store)
      case .watch(let version): pending += try await follow(from: version, &machine, shows, store)
      }
    }
    throw CancellationError()
  }

  private func list(_ page: Machine.Page) async throws -> Machine.Event {
    do {
      let page = try await collection.page(page, options: options)
      for object in page.unreadable { logger.warning("\(object)") }
      return .listed(
        page.items.map(transform), unreadable: page.unreadable.map(\.key), resourceVersion: page.resourceVersion,
        continueToken: page.continueToken)
    } catch {
      return try failure(error, "list")
    }
  }

  /// Streams events into the machine until the watch ends in whatever way; returns the actions that follow.
  /// - Parameter version: Nil to have what is there sent first.
  private func follow(
    from version: String?, _ machine: inout Machine, _ shows: @Sendable (ObjectKey, String) -> Bool,
    _ store: @Sendable (Machine.Action) -> Void
  ) async throws -> [Machine.Action] {
    let opened = time.now
    let seconds = options.watchSeconds + Int.random(in: 0...max(1, options.watchSeconds / 2))
    let stream = collection.watch(
      WatchOptions(
        labelSelector: options.labelSelector, fieldSelector: options.fieldSelector, resourceVersion: version,
        timeoutSeconds: seconds, allowBookmarks: true, sendInitialEvents: version == nil ? true : nil,
        // A server that never marks the end of its list must not keep readers waiting for long.
        idleTimeout: version == nil ? min(options.idleTimeout, .seconds(30)) : options.idleTimeout,
        omitsManagedFields: collection.omitsManagedFields))
    do {
      for try await event in stream {
        for action in machine.step(step(for: event, shows)) { store(action) }
      }
      try Task.checkCancellation()
      return machine.step(.watchEnded(openFor: time.now - opened))
    } catch KubernetesError.timeout(let text) {
      logger.debug("watch went silent", metadata: ["error": "\(text)"])
      return machine.step(.watchEnded(openFor: time.now - opened))
    } catch {
      return machine.step(try failure(error, version == nil ? "streaming list" : "watch"))
    }
  }

  private func step(
    for event: WatchEvent<DynamicObject>, _ shows: @Sendable (ObjectKey, String) -> Bool
  ) -> Machine.Event {
    switch event {
    case .added(let object): upserted(object, .added, shows)
    case .modified(let object): upserted(object, .modified, shows)
    case .deleted(let object):
      decoded(object, .deleted) { .deleted($0, resourceVersion: object.resourceVersion) }
    case .bookmark(let version, let endsInitial): .bookmark(resourceVersion: version, endsInitial: endsInitial)
    case .undecodable(let object): step(for: object)
    }
  }

  private func upserted(
    _ object: DynamicObject, _ change: UndecodableObject.Change, _ shows: @Sendable (ObjectKey, String) -> Bool
  ) -> Machine.Event {
    let version = object.resourceVersion
    if let version, shows(object.key, version) { return .confirmed(object.key, resourceVersion: version) }
    return decoded(object, change) { .modified($0, resourceVersion: version) }
  }

  private func decoded(
    _ object: DynamicObject, _ change: UndecodableObject.Change, _ event: (Object) -> Machine.Event
  ) -> Machine.Event {
    do {
      return event(transform(try collection.decode(object.json)))
    } catch {
      return step(for: collection.undecodable(object, change, error))
    }
  }

  /// The store keeps the last state that could be read: a broken object is not a deleted one.
  private func step(for object: UndecodableObject) -> Machine.Event {
    logger.warning("\(object)")
    return object.change == .deleted
      ? .vanished(object.key, resourceVersion: object.resourceVersion)
      : .unreadable(object.key, resourceVersion: object.resourceVersion)
  }

  private func failure(_ error: any Error, _ verb: String) throws -> Machine.Event {
    if error is CancellationError || Task.isCancelled { throw CancellationError() }
    let kind = Machine.Failure(error)
    logger.log(
      level: kind == .gone ? .debug : .warning, "\(verb) of \(collection.type.kind) failed",
      metadata: ["error": "\(error)"])
    return .failed(kind, retryAfter: (error as? KubernetesError)?.retryAfter)
  }
}

extension UndecodableObject {
  fileprivate var key: ObjectKey { ObjectKey(namespace: namespace, name: name) }
}

extension ReflectorMachine.Failure {
  init(_ error: any Error) {
    guard let error = error as? KubernetesError, let code = error.statusCode else {
      self = .trouble
      return
    }
    // A version that the server has not reached yet, e.g. after a restore from a backup, comes as a 504 with this cause.
    let isFromTheFuture =
      error.status?.details?.causes?.contains { $0.reason == "ResourceVersionTooLarge" } ?? false
    if error.isGone || isFromTheFuture {
      self = .gone
    } else {
      self = [400, 405, 415, 422].contains(code) ? .refused : .trouble
    }
  }
}
