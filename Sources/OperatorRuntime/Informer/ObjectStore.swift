import KubernetesModels

/// The objects of one informer, with indices by owner and namespace. Pure: the informer locks around it.
struct ObjectStore<Object: KubernetesResource>: Sendable {
  private(set) var objects: [ObjectKey: Object] = [:]
  /// Objects without any owner stand under the empty uid.
  private var keysByOwner: [String: Set<ObjectKey>] = [:]
  private var keysByNamespace: [String: Set<ObjectKey>] = [:]

  subscript(key: ObjectKey) -> Object? { objects[key] }

  func owned(by uid: String) -> [Object] {
    (keysByOwner[uid] ?? []).sorted().compactMap { objects[$0] }
  }

  func inNamespace(_ namespace: String) -> [Object] {
    (keysByNamespace[namespace] ?? []).compactMap { objects[$0] }
  }

  /// Adds or replaces. Nothing changed, nothing reported: a relist repeats what is known.
  mutating func upsert(_ object: Object) -> [StoreChange<Object>] {
    let key = object.key
    guard let old = objects[key] else {
      insert(object, at: key)
      return [.added(object)]
    }
    if let version = old.metadata.resourceVersion, version == object.metadata.resourceVersion { return [] }
    drop(old, at: key)
    insert(object, at: key)
    // Deleted and created again between two looks: two objects, two changes.
    if old.metadata.uid != object.metadata.uid { return [.deleted(old), .added(object)] }
    return [.updated(old: old, new: object)]
  }

  mutating func remove(_ object: Object) -> [StoreChange<Object>] {
    guard let old = objects[object.key] else { return [] }
    drop(old, at: object.key)
    return [.deleted(object)]
  }

  /// Makes the store equal to `list`; what is missing there was deleted while nobody watched.
  mutating func replace(with list: [Object]) -> [StoreChange<Object>] {
    let present = Set(list.map(\.key))
    var changes: [StoreChange<Object>] = []
    for (key, old) in objects.sorted(by: { $0.key < $1.key }) where !present.contains(key) {
      drop(old, at: key)
      changes.append(.deleted(old))
    }
    for object in list { changes += upsert(object) }
    return changes
  }

  private mutating func insert(_ object: Object, at key: ObjectKey) {
    objects[key] = object
    keysByNamespace[key.namespace ?? "", default: []].insert(key)
    for uid in Self.owners(of: object) { keysByOwner[uid, default: []].insert(key) }
  }

  private mutating func drop(_ object: Object, at key: ObjectKey) {
    objects[key] = nil
    keysByNamespace[key.namespace ?? ""]?.remove(key)
    if keysByNamespace[key.namespace ?? ""]?.isEmpty == true { keysByNamespace[key.namespace ?? ""] = nil }
    for uid in Self.owners(of: object) {
      keysByOwner[uid]?.remove(key)
      if keysByOwner[uid]?.isEmpty == true { keysByOwner[uid] = nil }
    }
  }

  private static func owners(of object: Object) -> [String] {
    let references = object.metadata.ownerReferences ?? []
    return references.isEmpty ? [""] : references.map(\.uid)
  }
}
