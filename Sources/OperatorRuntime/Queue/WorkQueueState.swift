/// The rules of a work queue, as a value: who is queued, who is being processed, who has to be processed again.
///
/// A key that is added while it is being processed waits until that ends; so no key is ever processed twice at once.
struct WorkQueueState<Key: Hashable & Sendable>: Sendable {
  private var order: [Key] = []
  private var head = 0
  /// Keys that wait for processing, whether in `order` or held back because they are being processed.
  private var dirty: Set<Key> = []
  private var processing: Set<Key> = []
  private var failures: [Key: Int] = [:]
  private(set) var isShutDown = false

  /// Keys that a worker could take now.
  var depth: Int { order.count - head }
  var isIdle: Bool { dirty.isEmpty && processing.isEmpty }

  /// Returns false when the key is queued already, or the queue takes nothing more.
  mutating func add(_ key: Key) -> Bool {
    guard !isShutDown, dirty.insert(key).inserted else { return false }
    if !processing.contains(key) { order.append(key) }
    return true
  }

  mutating func take() -> Key? {
    guard head < order.count else { return nil }
    let key = order[head]
    head += 1
    if head > 64, head * 2 > order.count {
      order.removeFirst(head)
      head = 0
    }
    dirty.remove(key)
    processing.insert(key)
    return key
  }

  /// Ends the processing of a key; returns true when it was added meanwhile and is queued again.
  mutating func finish(_ key: Key) -> Bool {
    guard processing.remove(key) != nil, dirty.contains(key) else { return false }
    order.append(key)
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
}
