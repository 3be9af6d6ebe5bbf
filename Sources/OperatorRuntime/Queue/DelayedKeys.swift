/// Keys that are to be queued later, as a value. Of several waits for one key the one that ends first counts.
struct DelayedKeys<Key: Hashable & Sendable>: Sendable {
  private struct Entry: Sendable {
    var deadline: Duration
    var key: Key
  }

  private struct Wait: Sendable {
    var deadline: Duration
    var priority: WorkPriority
  }

  /// A binary heap, soonest first. Entries whose key has another deadline by now are skipped when they come up.
  private var heap: [Entry] = []
  private var waits: [Key: Wait] = [:]

  var count: Int { waits.count }

  /// When the next key is due.
  var next: Duration? { heap.first?.deadline }

  /// Returns true when this is now the first that is due.
  mutating func add(_ key: Key, at deadline: Duration, priority: WorkPriority) -> Bool {
    if let known = waits[key] {
      waits[key]?.priority = max(known.priority, priority)
      guard deadline < known.deadline else { return false }
    }
    waits[key] = Wait(deadline: deadline, priority: max(priority, waits[key]?.priority ?? priority))
    heap.append(Entry(deadline: deadline, key: key))
    rise(heap.count - 1)
    return heap.first.map { $0.key == key && $0.deadline == deadline } ?? false
  }

  /// Takes out what is due, soonest first.
  mutating func due(at now: Duration) -> [(key: Key, priority: WorkPriority)] {
    var due: [(key: Key, priority: WorkPriority)] = []
    while let first = heap.first {
      let isCurrent = waits[first.key]?.deadline == first.deadline
      guard !isCurrent || first.deadline <= now else { break }
      removeFirst()
      if isCurrent, let wait = waits.removeValue(forKey: first.key) { due.append((first.key, wait.priority)) }
    }
    return due
  }

  mutating func removeAll() {
    heap = []
    waits = [:]
  }

  private mutating func removeFirst() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < heap.count }
      guard let child = children.min(by: { heap[$0].deadline < heap[$1].deadline }),
        heap[child].deadline < heap[parent].deadline
      else { return }
      heap.swapAt(child, parent)
      parent = child
    }
  }

  private mutating func rise(_ index: Int) {
    var child = index
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].deadline < heap[parent].deadline else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }
}
