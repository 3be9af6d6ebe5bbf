public import KubernetesModels

// Which changes wake which keys. What was there at the start is looked at when nothing more urgent waits.
extension Controller {
  /// Reconciles, for every change of an object, the keys that `map` gives for it.
  ///
  /// An update maps the old state too, so that an object that stops belonging to a key still wakes it.
  /// - Parameter where: Changes for which this is false are ignored.
  public func watch<Object>(
    _ informer: Informer<Object>, where isRelevant: (@Sendable (StoreChange<Object>) -> Bool)? = nil,
    map: @escaping @Sendable (Object) -> [ObjectKey]
  ) {
    follow(informer)
    informer.observe(withOrigin: handler(isRelevant.map { ChangePredicate($0) } ?? .any, map))
  }

  /// Reconciles, for every change that matches, the keys that `map` gives for its object.
  public func watch<Object>(
    _ informer: Informer<Object>, matching predicate: ChangePredicate<Object>,
    map: @escaping @Sendable (Object) -> [ObjectKey]
  ) {
    follow(informer)
    informer.observe(withOrigin: handler(predicate, map))
  }

  /// Reconciles the object itself for every change of it, or every one that matches.
  public func watch<Object>(_ informer: Informer<Object>, matching predicate: ChangePredicate<Object> = .any) {
    watch(informer, matching: predicate) { [$0.key] }
  }

  /// Reconciles, for every change of an object of a type known at run time, the keys that `map` gives for it.
  public func watch(
    _ informer: DynamicInformer, matching predicate: ChangePredicate<DynamicObject> = .any,
    map: @escaping @Sendable (DynamicObject) -> [ObjectKey]
  ) {
    follow(informer)
    informer.observe(withOrigin: handler(predicate, map))
  }

  // MARK: Owned objects

  /// Reconciles the owner of every object that changes, if its controlling owner is of kind `ownerKind`.
  public func own<Object>(_ informer: Informer<Object>, ownerKind: String) {
    watch(informer) { object in
      guard let owner = object.controllingOwner, owner.kind == ownerKind else { return [] }
      return [ObjectKey(namespace: object.metadata.namespace, name: owner.name)]
    }
  }

  /// Reconciles the owner of every object that changes, if its controlling owner is of this type, in whatever version.
  public func own<Object, Owner: KubernetesResource>(
    _ informer: Informer<Object>, by owner: Owner.Type, matching predicate: ChangePredicate<Object> = .any
  ) {
    let type = Owner.resourceType
    watch(informer, matching: predicate) { object in
      guard let owner = object.controllingOwner, owner.kind == type.kind, Self.group(of: owner.apiVersion) == type.group
      else { return [] }
      return [ObjectKey(namespace: type.isNamespaced ? object.metadata.namespace : nil, name: owner.name)]
    }
  }

  // MARK: Referenced objects

  /// Reconciles every object that names a changed one: a Secret that a spec refers to, a class that many share.
  ///
  /// Which objects name which is kept in an index, so that a change costs as much as it concerns.
  /// - Parameter references: The objects of the referenced type that an object names.
  public func watch<Referenced, Object>(
    _ referenced: Informer<Referenced>, namedBy objects: Informer<Object>,
    matching predicate: ChangePredicate<Referenced> = .any,
    references: @escaping @Sendable (Object) -> [ObjectKey]
  ) {
    let index = objects.index { references($0).map(\.description) }
    follow(objects)
    watch(referenced, matching: predicate) { index[$0.key.description].map(\.key) }
  }

  // MARK: Parts

  private func handler<Object>(
    _ predicate: ChangePredicate<Object>, _ map: @escaping @Sendable (Object) -> [ObjectKey]
  ) -> @Sendable (StoreChange<Object>, ChangeOrigin) -> Void {
    { [queue] change, origin in
      guard predicate.matches(change) else { return }
      let priority: WorkPriority = origin == .initial ? .resync : .change
      var keys = map(change.object)
      // Each key once: a second one, added while a worker has the first already, would be a second reconcile.
      if case .updated(let old, _) = change { keys += map(old).filter { !keys.contains($0) } }
      for key in keys { queue.add(key, priority: priority) }
    }
  }

  /// `apps/v1` → `apps`, `v1` → the core group's empty name.
  private static func group(of apiVersion: String) -> String {
    apiVersion.firstIndex(of: "/").map { String(apiVersion[..<$0]) } ?? ""
  }
}
