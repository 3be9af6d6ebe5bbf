/// What comes after a reconcile that succeeded.
public enum ReconcileResult: Sendable, Equatable {
  /// Nothing before the next change.
  case done
  /// Look again after this time, even if nothing changes.
  case requeue(after: Duration)
}

/// Makes the world equal to what one object asks for.
///
/// Reads the world as it is; may be called at any time, again and again, and after a crash between any two writes.
public protocol Reconciler: Sendable {
  /// - Throws: A `RetryClassifiable` error, or any other, which is retried.
  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult
}

/// A reconciler made of a function.
public struct ClosureReconciler: Reconciler {
  private let body: @Sendable (ObjectKey) async throws -> ReconcileResult

  public init(_ body: @escaping @Sendable (ObjectKey) async throws -> ReconcileResult) {
    self.body = body
  }

  public func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
    try await body(key)
  }
}
