/// The rules of a work queue, as a value: who is queued, who is being processed, who has to be processed again.
///
/// - A key that is added while it is being processed waits until that ends; so no key is ever processed twice at once.
/// - Higher priorities come first, but every few hand-outs the one that waits longest in a lower one gets its turn.
/// - Within a priority keys come in the order in which they were added; one that is added again and again goes to the end
///   each time, so that a busy key cannot starve the others.
struct WorkQueueState<Key: Hashable & Sendable>: Sendable {
  /// Of so many keys handed out in a row by priority, one more comes from below.
  static var turnsBeforeLower: Int { 8 }

  private struct Place: Sendable, Equatable {
    var priority: WorkPriority
    var ticket: UInt64
  }

  /// Keys in the order of their tickets. Entries whose key has moved to another place are skipped when they come up.
  private struct Lane: Sendable {
    var entries: [(key: Key, ticket: UInt64)] = []
    var head = 0

    mutating func append(_ key: Key, _ ticket: UInt64) { entries.append((key, ticket)) }

    var first: (key: Key, ticket: UInt64)? { head < entries.count ? entries[head] : nil }

    mutating func dropFirst() {
      head += 1
      guard head > 64, head * 2 > entries.count else { return }
      entries.removeFirst(head)
      head = 0
    }
  }

  private var lanes: [Lane] = WorkPriority.allCases.map { _ in Lane() }
  /// Keys that a worker could take now.
  private var places: [Key: Place] = [:]
  /// Keys that are being processed, and with which priority to queue them again afterwards, if at all.
  private var processing: [Key: WorkPriority?] = [:]
  private var failures: [Key: Int] = [:]
  private var nextTicket: UInt64 = 0
  private var turnsSinceLower = 0
  private(set) var isShutDown = false

  /// Keys that a worker could take now.
  var depth: Int { places.count }
  var isIdle: Bool { places.isEmpty && processing.isEmpty }

  func depth(_ priority: WorkPriority) -> Int { places.values.count { $0.priority == priority } }

  /// Returns false when the key is queued already with this priority or a higher one, or the queue takes nothing more.
  mutating func add(_ key: Key, priority: WorkPriority = .change) -> Bool {
    guard !isShutDown else { return false }
    if let again = processing[key] {
      if let again, again >= priority { return false }
      processing[key] = .some(priority)
      return again == nil
    }
    if let place = places[key] {
      guard place.priority < priority else { return false }
      enqueue(key, priority)
      return false
    }
    enqueue(key, priority)
    return true
  }

  mutating func take() -> Key? {
    guard let lane = nextLane(), let key = lanes[lane].first?.key else { return nil }
    lanes[lane].dropFirst()
    places[key] = nil
    processing[key] = .some(nil)
    return key
  }

  /// Ends the processing of a key; returns true when it was added meanwhile and is queued again.
  mutating func finish(_ key: Key) -> Bool {
    guard let again = processing.removeValue(forKey: key), let priority = again else { return false }
    enqueue(key, priority)
    return true
  }

  /// Counts a failure; returns how many there were before it.
  mutating func countFailure(_ key: Key) -> Int {
    let before = failures[key, default: 0]
    failures[key] = before + 1
    return before
  }

  mutating func forget(_ key: Key) {
    failures[key] = nil
  }

  func failureCount(_ key: Key) -> Int { failures[key, default: 0] }

  mutating func shutDown() {
    isShutDown = true
  }

  private mutating func enqueue(_ key: Key, _ priority: WorkPriority) {
    places[key] = Place(priority: priority, ticket: nextTicket)
    lanes[priority.rawValue].append(key, nextTicket)
    nextTicket += 1
  }

  /// The lane to serve next, its stale entries dropped.
  private mutating func nextLane() -> Int? {
    var filled: [(lane: Int, ticket: UInt64)] = []
    for lane in lanes.indices.reversed() {
      while let entry = lanes[lane].first {
        if places[entry.key]?.ticket == entry.ticket {
          filled.append((lane, entry.ticket))
          break
        }
        lanes[lane].dropFirst()
      }
    }
    guard let highest = filled.first else { return nil }
    guard filled.count > 1 else {
      turnsSinceLower = 0
      return highest.lane
    }
    if turnsSinceLower >= Self.turnsBeforeLower, let longest = filled.dropFirst().min(by: { $0.ticket < $1.ticket }) {
      turnsSinceLower = 0
      return longest.lane
    }
    turnsSinceLower += 1
    return highest.lane
  }
}
