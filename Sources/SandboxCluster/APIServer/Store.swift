import KubernetesModels
import Synchronization

/// Why a write to the store did not happen.
enum StoreError: Error {
  case alreadyExists
  case notFound
  /// The object has another revision than the writer saw.
  case conflict
}

/// The memory of the cluster: versioned and watchable. One revision counter for all collections, as etcd has.
final class Store: Sendable {
  struct Collection {
    var objects: [ObjectName: StoredObject] = [:]
    /// Sorted.
    var names: [ObjectName] = []
    var ring: EventRing
    var waiters: [UInt64: Waiter] = [:]
  }

  /// A watch with nothing to read yet.
  struct Waiter {
    var continuation: CheckedContinuation<Void, Never>
    var deadline: ContinuousClock.Instant
  }

  struct State {
    var revision: UInt64 = 1
    var nextWaiter: UInt64 = 0
    /// The server is gone: watches end.
    var isClosed = false
    var collections: [StorageKey: Collection] = [:]
  }

  private let ringCapacity: Int
  let state = Mutex(State())

  init(ringCapacity: Int) {
    self.ringCapacity = ringCapacity
  }

  var revision: UInt64 { state.withLock { $0.revision } }

  func get(_ key: StorageKey, _ name: ObjectName) -> StoredObject? {
    state.withLock { $0.collections[key]?.objects[name] }
  }

  func count(_ key: StorageKey) -> Int {
    state.withLock { $0.collections[key]?.objects.count ?? 0 }
  }

  /// Objects in order, with the revision at which this was the whole truth.
  func list(_ key: StorageKey, namespace: String? = nil) -> (objects: [StoredObject], revision: UInt64) {
    state.withLock { state in
      guard let collection = state.collections[key] else { return ([], state.revision) }
      return (collection.slice(namespace).compactMap { collection.objects[$0] }, state.revision)
    }
  }

  /// The list as it was at an earlier revision, made by undoing the remembered events; nil when those don't reach back
  /// far enough.
  func list(_ key: StorageKey, namespace: String?, at revision: UInt64) -> [StoredObject]? {
    state.withLock { state in
      guard let collection = state.collections[key] else { return [] }
      if revision >= state.revision { return collection.slice(namespace).compactMap { collection.objects[$0] } }
      guard let later = collection.ring.after(revision) else { return nil }
      var objects = collection.objects
      for event in later.reversed() { objects[event.object.name] = event.previous }
      return objects.values.filter { namespace == nil || $0.name.namespace == namespace }
        .sorted { $0.name < $1.name }
    }
  }

  func insert(_ key: StorageKey, _ name: ObjectName, _ json: JSONValue) throws(StoreError) -> StoredObject {
    try commit(key) { collection, revision throws(StoreError) in
      guard collection.objects[name] == nil else { throw .alreadyExists }
      let object = StoredObject(name: name, json: json, revision: revision)
      collection.objects[name] = object
      collection.names.insert(name, at: collection.position(of: name))
      return StoreEvent(kind: .added, revision: revision, object: object, previous: nil)
    }
  }

  func update(
    _ key: StorageKey, _ name: ObjectName, expected: UInt64, _ json: JSONValue
  ) throws(StoreError) -> StoredObject {
    try commit(key) { collection, revision throws(StoreError) in
      guard let old = collection.objects[name] else { throw .notFound }
      guard old.revision == expected else { throw .conflict }
      let object = StoredObject(name: name, json: json, revision: revision)
      collection.objects[name] = object
      return StoreEvent(kind: .modified, revision: revision, object: object, previous: old)
    }
  }

  /// Removes an object that is still at the expected revision.
  func remove(_ key: StorageKey, _ name: ObjectName, expected: UInt64) throws(StoreError) -> StoredObject {
    try commit(key) { collection, revision throws(StoreError) in
      guard let old = collection.objects[name] else { throw .notFound }
      guard old.revision == expected else { throw .conflict }
      collection.objects[name] = nil
      collection.names.remove(at: collection.position(of: name))
      let last = StoredObject(name: name, json: old.json, revision: revision)
      return StoreEvent(kind: .deleted, revision: revision, object: last, previous: old)
    }
  }

  private func commit(
    _ key: StorageKey, _ change: (inout Collection, UInt64) throws(StoreError) -> StoreEvent
  ) throws(StoreError) -> StoredObject {
    let result: Result<(StoredObject, [Waiter]), StoreError> = state.withLock { state in
      let revision = state.revision + 1
      var collection = state.collections.removeValue(forKey: key) ?? newCollection()
      defer { state.collections[key] = collection }
      do throws(StoreError) {
        let event = try change(&collection, revision)
        state.revision = revision
        collection.ring.append(event)
        let woken = Array(collection.waiters.values)
        collection.waiters.removeAll()
        return .success((event.object, woken))
      } catch {
        return .failure(error)
      }
    }
    let (object, woken) = try result.get()
    for waiter in woken { waiter.continuation.resume() }
    return object
  }

  func newCollection() -> Collection {
    Collection(ring: EventRing(capacity: ringCapacity, floor: 0))
  }
}

extension Store.Collection {
  /// Where a name stands or would stand.
  func position(of name: ObjectName) -> Int {
    var low = 0
    var high = names.count
    while low < high {
      let middle = (low + high) / 2
      if names[middle] < name { low = middle + 1 } else { high = middle }
    }
    return low
  }

  func slice(_ namespace: String?) -> ArraySlice<ObjectName> {
    guard let namespace else { return names[...] }
    let start = position(of: ObjectName(namespace: namespace, name: ""))
    let end = names[start...].prefix { $0.namespace == namespace }.endIndex
    return names[start..<end]
  }
}
