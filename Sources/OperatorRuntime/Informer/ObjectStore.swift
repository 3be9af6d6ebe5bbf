/// The objects of one informer, with indexes by owner, namespace and whatever else was asked for. Pure: the informer
/// locks around it.
struct ObjectStore<Object: Sendable>: Sendable {
  private let traits: ObjectTraits<Object>
  private(set) var objects: [ObjectKey: Object] = [:]
  /// Everything up to this version is here.
  private(set) var seenVersion: String?
  /// Objects that a write returned and that the watch has not confirmed yet.
  private var unconfirmed: [ObjectKey: ResourceVersion] = [:]
  /// The first is by namespace, the second by owner; objects without any owner stand under the empty uid.
  private var indexes: [StoreIndex<Object>]

  init(_ traits: ObjectTraits<Object>) {
    self.traits = traits
    indexes = [
      StoreIndex { [traits.key($0).namespace ?? ""] },
      StoreIndex { object in
        let owners = traits.owners(object)
        return owners.isEmpty ? [""] : owners
      },
    ]
  }

  subscript(key: ObjectKey) -> Object? { objects[key] }

  // MARK: Indexes

  /// - Returns: The number under which to ask for it.
  mutating func addIndex(_ values: @escaping @Sendable (Object) -> [String]) -> Int {
    var index = StoreIndex(values)
    for (key, object) in objects { index.insert(object, at: key) }
    indexes.append(index)
    return indexes.count - 1
  }

  func inNamespace(_ namespace: String) -> [Object] { found(0, namespace) }
  func owned(by uid: String) -> [Object] { found(1, uid) }

  /// Sorted by namespace and name.
  func found(_ index: Int, _ value: String) -> [Object] {
    indexes[index].keys(for: value).sorted().compactMap { objects[$0] }
  }

  // MARK: What the watch says

  /// Adds or replaces. Nothing changed, nothing reported: a relist repeats what is known.
  mutating func upsert(_ object: Object, seen version: String) -> [StoreChange<Object>] {
    let changes = isOutdated(traits.version(object), at: traits.key(object)) ? [] : put(object)
    return changes + advance(to: version)
  }

  /// Whether it shows exactly this version.
  func shows(_ key: ObjectKey, _ version: String) -> Bool { objects[key].flatMap(traits.version) == version }

  /// The watch told of a version that was here already, unless a newer write has come meanwhile.
  mutating func confirm(_ key: ObjectKey, seen version: String) -> [StoreChange<Object>] {
    if shows(key, version) { unconfirmed[key] = nil }
    return advance(to: version)
  }

  mutating func remove(_ object: Object, seen version: String) -> [StoreChange<Object>] {
    let key = traits.key(object)
    var changes: [StoreChange<Object>] = []
    if let old = objects[key], !isOutdated(version, at: key) {
      drop(old, at: key)
      changes = [.deleted(object)]
    }
    return changes + advance(to: version)
  }

  /// As `remove` when all that is known of the object is where it was.
  mutating func remove(_ key: ObjectKey, seen version: String) -> [StoreChange<Object>] {
    guard let old = objects[key] else { return advance(to: version) }
    return remove(old, seen: version)
  }

  /// Makes the store equal to `list`; what is missing there was deleted while nobody watched.
  /// - Parameter kept: Objects that the list has but that could not be read: their last state stays.
  mutating func replace(
    with list: [Object], keeping kept: Set<ObjectKey> = [], seen version: String
  ) -> [StoreChange<Object>] {
    // The list may be older than what a write returned meanwhile; the watch that follows tells of it.
    let limit = ResourceVersion(version)
    let newer = unconfirmed.filter { entry in limit.map { entry.value > $0 } ?? false }
    // Once only: after a restore from a backup the versions start lower, and then the list is right.
    unconfirmed = [:]
    let present = Set(list.map(traits.key)).union(kept)
    var changes: [StoreChange<Object>] = []
    for (key, old) in objects.sorted(by: { $0.key < $1.key }) where !present.contains(key) && newer[key] == nil {
      drop(old, at: key)
      changes.append(.deleted(old))
    }
    for object in list where newer[traits.key(object)] == nil { changes += put(object) }
    seenVersion = version
    return changes
  }

  /// The watch has told everything up to this version.
  mutating func advance(to version: String) -> [StoreChange<Object>] {
    seenVersion = version
    guard !unconfirmed.isEmpty, let limit = ResourceVersion(version) else { return [] }
    var changes: [StoreChange<Object>] = []
    // What the watch was silent about does not match its selector: this store never had to know it.
    for key in unconfirmed.filter({ $0.value <= limit }).keys.sorted() {
      guard let object = objects[key] else { continue }
      drop(object, at: key)
      changes.append(.deleted(object))
    }
    return changes
  }

  // MARK: What a write returned

  /// Shows a write's result before the watch tells of it, so that the next reader sees what it wrote.
  ///
  /// Nothing happens when the store knows better already, or when versions cannot be compared.
  mutating func note(written object: Object) -> [StoreChange<Object>] {
    let key = traits.key(object)
    guard let version = ResourceVersion(traits.version(object)), let seen = ResourceVersion(seenVersion),
      version > seen, !isOutdated(traits.version(object), at: key)
    else { return [] }
    let changes = put(object)
    if !changes.isEmpty { unconfirmed[key] = version }
    return changes
  }

  // MARK: Parts

  /// Whether the store shows a newer state than `version` at this key.
  private func isOutdated(_ version: String?, at key: ObjectKey) -> Bool {
    guard let known = objects[key], let version = ResourceVersion(version),
      let current = ResourceVersion(traits.version(known))
    else { return false }
    return version < current
  }

  private mutating func put(_ object: Object) -> [StoreChange<Object>] {
    let key = traits.key(object)
    unconfirmed[key] = nil
    guard let old = objects[key] else {
      insert(object, at: key)
      return [.added(object)]
    }
    if let version = traits.version(old), version == traits.version(object) { return [] }
    drop(old, at: key)
    insert(object, at: key)
    // Deleted and created again between two looks: two objects, two changes.
    if traits.uid(old) != traits.uid(object) { return [.deleted(old), .added(object)] }
    return [.updated(old: old, new: object)]
  }

  private mutating func insert(_ object: Object, at key: ObjectKey) {
    objects[key] = object
    for index in indexes.indices { indexes[index].insert(object, at: key) }
  }

  private mutating func drop(_ object: Object, at key: ObjectKey) {
    objects[key] = nil
    unconfirmed[key] = nil
    for index in indexes.indices { indexes[index].remove(object, at: key) }
  }
}

/// Keys of objects by some value of theirs.
struct StoreIndex<Object: Sendable>: Sendable {
  private let values: @Sendable (Object) -> [String]
  private var keys: [String: Set<ObjectKey>] = [:]

  init(_ values: @escaping @Sendable (Object) -> [String]) {
    self.values = values
  }

  func keys(for value: String) -> Set<ObjectKey> { keys[value] ?? [] }

  mutating func insert(_ object: Object, at key: ObjectKey) {
    for value in values(object) { keys[value, default: []].insert(key) }
  }

  mutating func remove(_ object: Object, at key: ObjectKey) {
    for value in values(object) {
      keys[value]?.remove(key)
      if keys[value]?.isEmpty == true { keys[value] = nil }
    }
  }
}
