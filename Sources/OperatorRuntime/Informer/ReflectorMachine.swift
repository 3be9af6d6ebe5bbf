/// List → watch → list again, as a value: takes what happened, says what to do next.
///
/// Every case of the protocol (Kubernetes API concepts, "Efficient detection of changes") is here: bookmarks, resource
/// version too old in the list, in the watch's start or as an event in its middle, streams that end or go silent, and
/// servers that are down. Pages of a list are the client's matter.
struct ReflectorMachine<Item: Sendable>: Sendable {
  enum State: Sendable {
    /// Nothing known, or what is known is too old to go on from.
    case mustList
    case listing
    /// The store holds this resource version; no watch is open.
    case mustWatch(resourceVersion: String)
    case watching(resourceVersion: String, sawEvent: Bool)
  }

  enum Event: Sendable {
    case start
    case listed([Item], resourceVersion: String)
    case added(Item, resourceVersion: String?)
    case modified(Item, resourceVersion: String?)
    case deleted(Item, resourceVersion: String?)
    case bookmark(resourceVersion: String)
    /// The server closed the watch, or nothing came for too long.
    case watchEnded(openFor: Duration)
    case failed(gone: Bool, retryAfter: Duration?)
    case waited
  }

  enum Action: Sendable {
    case list
    case watch(resourceVersion: String)
    /// The full list: whatever the store has beyond it was deleted while nobody watched.
    case replace([Item], resourceVersion: String)
    /// With this object the store holds everything up to the version: both change at once, so that no reader sees the
    /// one without the other.
    case upsert(Item, resourceVersion: String)
    case remove(Item, resourceVersion: String)
    /// Everything up to this version is in the store.
    case caughtUp(resourceVersion: String)
    case wait(Duration)
  }

  /// A watch that lived shorter than this and gave nothing counts as a failure: no hot loop against a broken server.
  static var healthyAfter: Duration { .seconds(1) }

  private(set) var state: State = .mustList
  private var backoff: Backoff

  init(backoff: Backoff) {
    self.backoff = backoff
  }

  mutating func step(_ event: Event) -> [Action] {
    switch (state, event) {
    case (.mustList, .start), (.mustList, .waited):
      state = .listing
      return [.list]
    case (.mustWatch(let version), .start), (.mustWatch(let version), .waited):
      state = .watching(resourceVersion: version, sawEvent: false)
      return [.watch(resourceVersion: version)]

    case (.listing, .listed(let items, let version)):
      state = .watching(resourceVersion: version, sawEvent: false)
      return [.replace(items, resourceVersion: version), .watch(resourceVersion: version)]

    case (.watching(let version, _), .added(let item, let new)),
      (.watching(let version, _), .modified(let item, let new)):
      return [.upsert(item, resourceVersion: healthy(new ?? version))]
    case (.watching(let version, _), .deleted(let item, let new)):
      return [.remove(item, resourceVersion: healthy(new ?? version))]
    case (.watching, .bookmark(let version)):
      return [.caughtUp(resourceVersion: healthy(version))]

    case (.watching(let version, let sawEvent), .watchEnded(let openFor)):
      state = .mustWatch(resourceVersion: version)
      if sawEvent || openFor >= Self.healthyAfter {
        backoff.reset()
        return step(.start)
      }
      return [.wait(backoff.next())]

    case (_, .failed(let gone, let retryAfter)):
      return fail(gone: gone, retryAfter: retryAfter)

    // An answer to a question that was given up meanwhile.
    default: return []
    }
  }

  private mutating func healthy(_ version: String) -> String {
    backoff.reset()
    state = .watching(resourceVersion: version, sawEvent: true)
    return version
  }

  private mutating func fail(gone: Bool, retryAfter: Duration?) -> [Action] {
    let firstFailure = backoff.attempts == 0
    let delay = max(backoff.next(), retryAfter ?? .zero)
    switch state {
    case .watching(let version, _), .mustWatch(let version):
      state = gone ? .mustList : .mustWatch(resourceVersion: version)
    case .mustList, .listing:
      state = .mustList
    }
    // An expired version is normal after a pause: list again at once, but only once before waiting.
    if gone, firstFailure, retryAfter == nil { return step(.start) }
    return [.wait(delay)]
  }
}
