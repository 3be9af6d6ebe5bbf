/// The three ways in which a reconcile ends without having succeeded.
public enum ReconcileError: RetryClassifiable, CustomStringConvertible {
  /// Something outside failed for now.
  case retry(String, after: Duration? = nil)
  /// Something that is watched has to happen first.
  case waitForChange(reason: String, message: String)
  /// The user has to act. `reason` is a CamelCase word for a condition; `message` names the field and the remedy.
  case stalled(reason: String, message: String)

  public var disposition: ReconcileDisposition {
    switch self {
    case .retry(_, let after): .retry(after: after)
    case .waitForChange: .waitForChange
    case .stalled(let reason, let message): .stalled(reason: reason, message: message)
    }
  }

  public var description: String {
    switch self {
    case .retry(let message, _): message
    case .waitForChange(let reason, let message), .stalled(let reason, let message): "\(reason): \(message)"
    }
  }
}
