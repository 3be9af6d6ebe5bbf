/// A price at which something happens, and the order that it happens to.
struct TriggerLevel: Sendable, Hashable, Comparable {
  let key: Int64
  let id: Int64

  static func < (left: TriggerLevel, right: TriggerLevel) -> Bool {
    left.key == right.key ? left.id < right.id : left.key < right.key
  }
}

/// Trigger levels in ascending order, in chunks of a bounded size.
///
/// Looking at the smallest is O(1); inserting and removing search in O(log n) and shift at most one chunk and the list of
/// chunks, which for 100,000 levels is less memory traffic than a balanced tree's pointers.
struct TriggerLevels: Sendable {
  private static let capacity = 256

  /// None is empty.
  private var chunks: [[TriggerLevel]] = []
  private(set) var count = 0

  var isEmpty: Bool { chunks.isEmpty }
  var first: TriggerLevel? { chunks.first?.first }

  mutating func insert(_ level: TriggerLevel) {
    count += 1
    guard !chunks.isEmpty else {
      chunks.append([level])
      return
    }
    let index = min(chunk(of: level), chunks.count - 1)
    chunks[index].insert(level, at: Self.position(of: level, in: chunks[index]))
    if chunks[index].count > Self.capacity {
      let upper = Array(chunks[index][(Self.capacity / 2)...])
      chunks[index].removeSubrange((Self.capacity / 2)...)
      chunks.insert(upper, at: index + 1)
    }
  }

  /// Removes `level`; nothing happens when it is not there.
  mutating func remove(_ level: TriggerLevel) {
    let index = chunk(of: level)
    guard index < chunks.count else { return }
    let position = Self.position(of: level, in: chunks[index])
    guard position < chunks[index].count, chunks[index][position] == level else { return }
    chunks[index].remove(at: position)
    if chunks[index].isEmpty { chunks.remove(at: index) }
    count -= 1
  }

  /// Appends the ids of all levels up to `key` to `ids`.
  func collect(upTo key: Int64, into ids: inout [Int64]) {
    for chunk in chunks {
      for level in chunk {
        guard level.key <= key else { return }
        ids.append(level.id)
      }
    }
  }

  /// The first chunk whose last level is not below `level`.
  private func chunk(of level: TriggerLevel) -> Int {
    var (low, high) = (0, chunks.count)
    while low < high {
      let middle = (low + high) / 2
      if let last = chunks[middle].last, last < level { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private static func position(of level: TriggerLevel, in chunk: [TriggerLevel]) -> Int {
    var (low, high) = (0, chunk.count)
    while low < high {
      let middle = (low + high) / 2
      if chunk[middle] < level { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
