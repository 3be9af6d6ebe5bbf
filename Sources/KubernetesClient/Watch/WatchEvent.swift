/// One change that a watch reports.
public enum WatchEvent<Object: Sendable>: Sendable {
  /// The object is new, or new to the selector.
  case added(Object)
  /// The object changed.
  case modified(Object)
  /// The object is gone, or no longer matches the selector; this is its last state.
  case deleted(Object)
  /// Nothing changed, but all changes up to this version have been reported.
  case bookmark(resourceVersion: String)

  /// The object, where the event carries one.
  public var object: Object? {
    switch self {
    case .added(let object), .modified(let object), .deleted(let object): object
    case .bookmark: nil
    }
  }
}

extension WatchEvent: Equatable where Object: Equatable {}
