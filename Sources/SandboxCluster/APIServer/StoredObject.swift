import KubernetesModels
import Synchronization

/// Which collection of the store: every version of a resource shares one.
struct StorageKey: Sendable, Hashable {
  var group: String
  var plural: String
}

/// Where an object stands in its collection; ordered as a real server lists.
struct ObjectName: Sendable, Hashable, Comparable {
  /// Empty for cluster-scoped objects.
  var namespace: String
  var name: String

  static func < (lhs: ObjectName, rhs: ObjectName) -> Bool {
    lhs.namespace == rhs.namespace ? lhs.name < rhs.name : lhs.namespace < rhs.namespace
  }
}

/// One immutable version of an object; its bytes are made once, however many readers and watchers want them.
final class StoredObject: Sendable {
  let name: ObjectName
  /// With `metadata.resourceVersion` equal to `revision`.
  let json: JSONValue
  let revision: UInt64
  private let cachedBytes = Mutex<[UInt8]?>(nil)

  init(name: ObjectName, json: JSONValue, revision: UInt64) {
    self.name = name
    var stamped = json
    stamped.set(.string(String(revision)), at: ["metadata", "resourceVersion"])
    self.json = stamped
    self.revision = revision
  }

  /// Wraps an object that is shown but not stored (dry run).
  init(presenting json: JSONValue) {
    name = ObjectName(namespace: json.metadataNamespace, name: json.metadataName)
    self.json = json
    revision = 0
  }

  /// The object as JSON text.
  var bytes: [UInt8] {
    cachedBytes.withLock { cached in
      if let cached { return cached }
      let made = json.serialized()
      cached = made
      return made
    }
  }
}

/// What happened to one object.
struct StoreEvent: Sendable {
  enum Kind: Sendable { case added, modified, deleted }

  var kind: Kind
  var revision: UInt64
  /// The new state; for a deletion the last state stamped with the deletion's revision.
  var object: StoredObject
  /// The state before; nil for an addition.
  var previous: StoredObject?
}

/// The last events of one collection, oldest first.
struct EventRing: Sendable {
  private var events: [StoreEvent] = []
  private var head = 0
  private let capacity: Int
  /// Events up to this revision are forgotten.
  private(set) var floor: UInt64

  init(capacity: Int, floor: UInt64) {
    self.capacity = capacity
    self.floor = floor
  }

  mutating func append(_ event: StoreEvent) {
    events.append(event)
    if events.count - head > capacity {
      floor = events[head].revision
      head += 1
    }
    // Drop the dead half in one go, so that an append costs constant time on average.
    if head > capacity {
      events.removeFirst(head)
      head = 0
    }
  }

  /// Everything later than a revision, or nil when part of that is forgotten.
  func after(_ revision: UInt64) -> ArraySlice<StoreEvent>? {
    guard revision >= floor else { return nil }
    var low = head
    var high = events.count
    while low < high {
      let middle = (low + high) / 2
      if events[middle].revision > revision { high = middle } else { low = middle + 1 }
    }
    return events[low...]
  }
}
