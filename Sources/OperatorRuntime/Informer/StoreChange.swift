/// What became different in an informer's store.
public enum StoreChange<Object: Sendable>: Sendable {
  case added(Object)
  case updated(old: Object, new: Object)
  /// The last state seen; the object may have changed once more before it went.
  case deleted(Object)

  /// The newest state known.
  public var object: Object {
    switch self {
    case .added(let object), .updated(_, let object), .deleted(let object): object
    }
  }
}

/// Why an observer is told of a change.
public enum ChangeOrigin: Sendable, Hashable {
  /// The object was there when the observer came, or when the informer listed for the first time: nothing happened to it.
  case initial
  case change
}
