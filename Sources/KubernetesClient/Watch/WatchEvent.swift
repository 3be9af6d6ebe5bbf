/// One change that a watch reports.
public enum WatchEvent<Object: Sendable>: Sendable {
  /// The object is new, or new to the selector.
  case added(Object)
  /// The object changed.
  case modified(Object)
  /// The object is gone, or no longer matches the selector; this is its last state.
  case deleted(Object)
  /// Nothing changed, but all changes up to this version have been reported.
  ///
  /// `isEndOfInitialEvents` marks the one bookmark that closes what a watch with `sendInitialEvents` begins with
  /// (Kubernetes: "Streaming lists"): everything that was there has been reported, what follows are changes.
  case bookmark(resourceVersion: String, isEndOfInitialEvents: Bool)
  /// An object changed, and its new state does not fit the type. The watch goes on behind it.
  case undecodable(UndecodableObject)

  /// The object, where the event carries one.
  public var object: Object? {
    switch self {
    case .added(let object), .modified(let object), .deleted(let object): object
    case .bookmark, .undecodable: nil
    }
  }
}

extension WatchEvent: Equatable where Object: Equatable {}
