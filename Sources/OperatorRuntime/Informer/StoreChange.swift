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
