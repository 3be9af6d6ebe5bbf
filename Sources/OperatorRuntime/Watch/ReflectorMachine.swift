/// List → watch → list again, as a value: takes what happened, says what to do next.
///
/// Every case of the protocol (Kubernetes API concepts: "Efficient detection of changes", "Retrieving large results sets
/// in chunks", "Streaming lists") is here: pages, streamed first lists and servers that know none, bookmarks, resource
/// versions that are too old in a page, in the watch's start or as an event in its middle, events told twice, streams
/// that end or go silent, and servers that are down.
struct ReflectorMachine<Item: Sendable>: Sendable {
  enum State: Sendable, Equatable {
    /// Nothing known, or what is known is too old to go on from.
    case empty
    /// A watch is open that sends what is there first.
    case streaming
    /// A page was asked for, or is to be asked for again; earlier ones are collected.
    case paging(Page)
    /// The store holds this resource version; no watch is open.
    case listed(resourceVersion: String)
    case watching(resourceVersion: String, sawEvent: Bool)
  }

  /// Which part of a list to ask for.
  struct Page: Sendable, Equatable {
    /// Where the page before ended; nil for the first.
    var continueToken: String?
    /// False asks for everything at once: the way out when a list takes longer than the server keeps its tokens.
    var isLimited = true
    /// That of the first page. Changes since then come by the watch, whatever later pages may show already.
    fileprivate(set) var resourceVersion: String?
  }

  enum Event: Sendable {
    case start
    case waited
    /// `unreadable` are objects that are there but do not fit their type.
    case listed([Item], unreadable: [ObjectKey] = [], resourceVersion: String, continueToken: String? = nil)
    case added(Item, resourceVersion: String?)
    case modified(Item, resourceVersion: String?)
    case deleted(Item, resourceVersion: String?)
    /// An object changed to the very version that the store shows: it was written from here.
    case confirmed(ObjectKey, resourceVersion: String)
    /// An object that does not fit its type is new or has changed.
    case unreadable(ObjectKey, resourceVersion: String?)
    /// An object that does not fit its type is gone.
    case vanished(ObjectKey, resourceVersion: String?)
    case bookmark(resourceVersion: String, endsInitial: Bool = false)
    /// The server closed the watch, or nothing came for too long.
    case watchEnded(openFor: Duration)
    case failed(Failure, retryAfter: Duration? = nil)
  }

  /// What kind of failure a request met, as far as it decides what comes next.
  enum Failure: Sendable {
    /// The version or the token is too old, or from a future that the server does not know.
    case gone
    /// The server will not do this, however often it is asked (400, 405, 415, 422).
    case refused
    /// Anything that may pass.
    case trouble
  }

  enum Action: Sendable {
    case list(Page)
    /// Watch, and have what is there sent first.
    case stream
    case watch(resourceVersion: String)
    /// The full list: whatever the store has beyond it was deleted while nobody watched. Of `unreadable` objects it keeps
    /// the last state that could be read.
    case replace([Item], unreadable: Set<ObjectKey>, resourceVersion: String)
    /// With this object the store holds everything up to the version: both change at once, so that no reader sees the
    /// one without the other.
    case upsert(Item, resourceVersion: String)
    /// The store shows this object as it is, and now holds everything up to the version.
    case confirm(ObjectKey, resourceVersion: String)
    case remove(Item, resourceVersion: String)
    /// As `remove`, when the last state could not be read.
    case drop(ObjectKey, resourceVersion: String)
    /// Everything up to this version is in the store.
    case caughtUp(resourceVersion: String)
    case wait(Duration)
  }

  /// A watch that lived shorter than this and gave nothing counts as a failure: no hot loop against a broken server.
  static var healthyAfter: Duration { .seconds(1) }
  /// After so many streamed lists in a row that ended without their mark, the server is taken for one that knows none.
  static var streamsUntilGivenUp: Int { 2 }

  private(set) var state: State = .empty
  private var backoff: Backoff
  private var mayStream: Bool
  private var brokenStreams = 0
  /// The parts of a list that is under way.
  private var collected: [ObjectKey: Item] = [:]
  private var unreadable: Set<ObjectKey> = []
  private let key: @Sendable (Item) -> ObjectKey

  /// - Parameters:
  ///   - streamsLists: Try a streaming list first; pages are the fallback in any case.
  ///   - key: What tells items apart.
  init(backoff: Backoff, streamsLists: Bool, key: @escaping @Sendable (Item) -> ObjectKey) {
    self.backoff = backoff
    mayStream = streamsLists
    self.key = key
  }

  mutating func step(_ event: Event) -> [Action] {
    switch (state, event) {
    case (_, .start), (_, .waited): return proceed()
    case (.paging(let page), .listed(let items, let broken, let version, let token)):
      unreadable.formUnion(broken)
      return took(items, of: page, version, next: token)

    case (.streaming, .added(let item, _)), (.streaming, .modified(let item, _)):
      collected[key(item)] = item
      return []
    case (.streaming, .deleted(let item, _)): return leaveOut(key(item))
    case (.streaming, .vanished(let key, _)): return leaveOut(key)
    case (.streaming, .unreadable(let key, _)):
      unreadable.insert(key)
      return []
    case (.streaming, .bookmark(let version, let endsInitial)):
      guard endsInitial else { return [] }
      brokenStreams = 0
      return [finishList(healthy(version))]
    case (.streaming, .watchEnded): return streamBroke()

    case (.watching(let version, _), .added(let item, let new)),
      (.watching(let version, _), .modified(let item, let new)):
      return isTold(new, version) ? [] : [.upsert(item, resourceVersion: healthy(new ?? version))]
    case (.watching(let version, _), .confirmed(let key, let new)):
      return isTold(new, version) ? [] : [.confirm(key, resourceVersion: healthy(new))]
    case (.watching(let version, _), .deleted(let item, let new)):
      return isTold(new, version) ? [] : [.remove(item, resourceVersion: healthy(new ?? version))]
    case (.watching(let version, _), .vanished(let key, let new)):
      return isTold(new, version) ? [] : [.drop(key, resourceVersion: healthy(new ?? version))]
    case (.watching(let version, _), .unreadable(_, let new)):
      return isTold(new, version) ? [] : [.caughtUp(resourceVersion: healthy(new ?? version))]
    case (.watching(let version, _), .bookmark(let new, _)):
      return isTold(new, version) ? [] : [.caughtUp(resourceVersion: healthy(new))]
    case (.watching(let version, let sawEvent), .watchEnded(let openFor)):
      state = .listed(resourceVersion: version)
      guard sawEvent || openFor >= Self.healthyAfter else { return [.wait(backoff.next())] }
      backoff.reset()
      return proceed()

    case (_, .failed(let failure, let retryAfter)): return fail(failure, retryAfter)
    // An answer to a question that was given up meanwhile.
    default: return []
    }
  }
}

extension ReflectorMachine {
  /// Goes on from where a start or a pause left it.
  private mutating func proceed() -> [Action] {
    switch state {
    case .empty where mayStream:
      state = .streaming
      startList()
      return [.stream]
    case .empty: return startPages(limited: true)
    case .paging(let page): return [.list(page)]
    case .listed(let version):
      state = .watching(resourceVersion: version, sawEvent: false)
      return [.watch(resourceVersion: version)]
    case .streaming, .watching: return []
    }
  }

  private mutating func startPages(limited: Bool) -> [Action] {
    let page = Page(isLimited: limited)
    state = .paging(page)
    startList()
    return [.list(page)]
  }

  private mutating func startList() {
    collected = [:]
    unreadable = []
  }

  private mutating func leaveOut(_ key: ObjectKey) -> [Action] {
    collected[key] = nil
    unreadable.remove(key)
    return []
  }

  private mutating func took(_ items: [Item], of page: Page, _ version: String, next token: String?) -> [Action] {
    for item in items { collected[key(item)] = item }
    var page = page
    page.resourceVersion = page.resourceVersion ?? version
    if let token {
      page.continueToken = token
      state = .paging(page)
      return [.list(page)]
    }
    // Without a version there is nothing to watch from; a server that gives none is broken.
    guard let version = page.resourceVersion, !version.isEmpty else { return fail(.refused, nil) }
    state = .watching(resourceVersion: version, sawEvent: false)
    return [finishList(version), .watch(resourceVersion: version)]
  }

  private mutating func finishList(_ version: String) -> Action {
    defer { startList() }
    return .replace(Array(collected.values), unreadable: unreadable, resourceVersion: version)
  }

  /// The stream ended before its mark: this time the list is got in pages.
  private mutating func streamBroke() -> [Action] {
    brokenStreams += 1
    if brokenStreams >= Self.streamsUntilGivenUp { mayStream = false }
    return startPages(limited: true)
  }

  /// Versions of one type grow (KEP-5504), so that a change at or below the known one was told before.
  private func isTold(_ version: String?, _ known: String) -> Bool {
    guard let version = ResourceVersion(version), let known = ResourceVersion(known) else { return false }
    return version <= known
  }

  private mutating func healthy(_ version: String) -> String {
    backoff.reset()
    state = .watching(resourceVersion: version, sawEvent: true)
    return version
  }

  private mutating func fail(_ failure: Failure, _ retryAfter: Duration?) -> [Action] {
    if state == .streaming, failure == .refused {
      mayStream = false
      return startPages(limited: true)
    }
    let firstFailure = backoff.attempts == 0
    let delay = max(backoff.next(), retryAfter ?? .zero)
    switch (state, failure) {
    // A token died of old age: everything in one answer cannot.
    case (.paging(let page), .gone):
      startList()
      state = .paging(Page(isLimited: page.isLimited && page.continueToken == nil))
    case (.paging(let page), .refused) where page.continueToken != nil || page.resourceVersion != nil: state = .empty
    case (.paging, _): break
    case (.watching(let version, _), .trouble), (.listed(let version), .trouble):
      state = .listed(resourceVersion: version)
    case (.watching, _), (.listed, _), (.streaming, _), (.empty, _): state = .empty
    }
    // An expired version is normal after a pause: list again at once, but only once before waiting.
    if failure == .gone, firstFailure, retryAfter == nil { return proceed() }
    return [.wait(delay)]
  }
}
