/// Which of several waiting keys comes first.
public enum WorkPriority: Int, Sendable, Comparable, CaseIterable {
  /// Nothing is known to have changed: the first look at everything after a start, and periodic second looks.
  case resync
  /// Something changed, or it is time for a retry.
  case change
  /// A person or an outage waits for it.
  case urgent

  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
