import KubernetesClient

/// What to do after an error.
public enum ReconcileDisposition: Sendable, Equatable {
  /// Try again, after the key's exponential waiting time or the given one.
  case retry(after: Duration? = nil)
  /// Try again after waiting times of this error's own, which grow with each failure of the key.
  case retryGrowing(RequeuePolicy)
  /// Nothing to do before some object changes: no hot loop.
  case waitForChange
  /// The user has to act; nothing is tried until an object changes.
  case stalled(reason: String, message: String)
}

/// An error that knows what to do about it. Errors that don't are retried.
public protocol RetryClassifiable: Error {
  var disposition: ReconcileDisposition { get }
}

extension ReconcileDisposition {
  /// The longest wait that a server's `Retry-After` may ask for.
  static let longestServerDelay = Duration.seconds(300)

  /// What is done about an error unless a controller is told otherwise.
  ///
  /// Errors that classify themselves decide. Of the API server's answers, those that name a time are retried then; those
  /// that somebody has to put right first (a missing permission, an object that breaks its schema) rarely; everything
  /// else at the queue's pace.
  public init(of error: any Error) {
    if let error = error as? any RetryClassifiable {
      self = error.disposition
      return
    }
    guard let error = error as? KubernetesError else {
      self = .retry()
      return
    }
    if let delay = error.retryAfter, delay > .zero {
      self = .retry(after: min(delay, Self.longestServerDelay))
    } else if error.isForbidden || error.isUnauthorized || error.isInvalid || error.statusCode == 400 {
      self = .retryGrowing(.slow)
    } else {
      self = .retry()
    }
  }
}
