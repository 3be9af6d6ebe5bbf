import KubernetesClient
import Logging

/// Carries out what `ReflectorMachine` decides, against an API server.
struct Reflector<Object: Sendable>: Sendable {
  typealias Machine = ReflectorMachine<Object>

  /// For log lines.
  let name: String
  let list: @Sendable (ListOptions) async throws -> ResourceList<Object>
  let watch: @Sendable (WatchOptions) -> WatchStream<Object>
  let versionOf: @Sendable (Object) -> String?
  let options: InformerOptions
  let logger: Logger
  let time: TimeSource

  /// Runs until the task is cancelled; `store` gets the actions that change the store.
  func run(_ store: @Sendable (Machine.Action) -> Void) async throws {
    var machine = Machine(backoff: options.backoff)
    var pending = machine.step(.start)
    while !Task.isCancelled {
      guard !pending.isEmpty else { return }
      let action = pending.removeFirst()
      switch action {
      case .replace, .upsert, .remove, .caughtUp: store(action)
      case .wait(let delay):
        try await time.sleep(for: delay)
        pending += machine.step(.waited)
      case .list: pending += machine.step(try await listAll())
      case .watch(let version): pending += try await follow(from: version, &machine, store)
      }
    }
    throw CancellationError()
  }

  private func listAll() async throws -> Machine.Event {
    do {
      let list = try await list(
        ListOptions(
          labelSelector: options.labelSelector, fieldSelector: options.fieldSelector, limit: options.pageSize))
      return .listed(list.items, resourceVersion: list.resourceVersion)
    } catch {
      return try failure(error, "list")
    }
  }

  /// Streams events into the machine until the watch ends in whatever way; returns the actions that follow.
  private func follow(
    from version: String, _ machine: inout Machine, _ store: @Sendable (Machine.Action) -> Void
  ) async throws -> [Machine.Action] {
    let opened = time.now
    let seconds = options.watchSeconds + Int.random(in: 0...max(1, options.watchSeconds / 2))
    let stream = watch(
      WatchOptions(
        labelSelector: options.labelSelector, fieldSelector: options.fieldSelector, resourceVersion: version,
        timeoutSeconds: seconds, allowBookmarks: true, idleTimeout: options.idleTimeout))
    do {
      for try await event in stream {
        for action in machine.step(step(for: event)) { store(action) }
      }
      try Task.checkCancellation()
      return machine.step(.watchEnded(openFor: time.now - opened))
    } catch KubernetesError.timeout(let text) {
      logger.debug("watch went silent", metadata: ["error": "\(text)"])
      return machine.step(.watchEnded(openFor: time.now - opened))
    } catch {
      return machine.step(try failure(error, "watch"))
    }
  }

  private func step(for event: WatchEvent<Object>) -> Machine.Event {
    switch event {
    case .added(let object): .added(object, resourceVersion: versionOf(object))
    case .modified(let object): .modified(object, resourceVersion: versionOf(object))
    case .deleted(let object): .deleted(object, resourceVersion: versionOf(object))
    case .bookmark(let version, _): .bookmark(resourceVersion: version)
    case .undecodable(let object): skip(object)
    }
  }

  /// Keeps the last state that could be read. Of a deletion not even the object is known: the list shows what is left.
  private func skip(_ object: UndecodableObject) -> Machine.Event {
    logger.warning("\(object)")
    guard object.change != .deleted, let version = object.resourceVersion else {
      return .failed(gone: true, retryAfter: nil)
    }
    return .bookmark(resourceVersion: version)
  }

  private func failure(_ error: any Error, _ verb: String) throws -> Machine.Event {
    if error is CancellationError || Task.isCancelled { throw CancellationError() }
    let known = error as? KubernetesError
    let gone = known?.isGone ?? false
    logger.log(
      level: gone ? .debug : .warning, "\(verb) of \(name) failed",
      metadata: ["error": "\(error)"])
    return .failed(gone: gone, retryAfter: known?.retryAfter)
  }
}
