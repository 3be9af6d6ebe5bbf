/// What goes wrong with one request.
public enum Fault: Sendable, Hashable {
  /// The connection breaks before the server has seen anything.
  case drop
  /// The server does it, and the answer is lost: the caller cannot know.
  case loseAnswer
  /// The answer comes later.
  case delay(Duration)
  /// A refusal that the server never gave.
  case refuse(Refusal, retryAfterSeconds: Int? = nil)
  /// The stream, or the body, ends in the middle of a line after so many chunks, and the connection breaks.
  case truncate(afterChunks: Int)
  /// The stream ends after so many chunks as if the server had meant it.
  case close(afterChunks: Int)
  /// Every change of a watch is told twice.
  case duplicate
  /// After so many chunks a watch says that its version is too old.
  case expire(afterChunks: Int)

  /// Refusals that every client of an API server has to live with.
  public enum Refusal: Int, Sendable, Hashable, CaseIterable {
    case conflict = 409
    case gone = 410
    case tooManyRequests = 429
    case internalError = 500
    case unavailable = 503

    /// The machine-readable reason that an API server gives with this code.
    public var reason: String {
      switch self {
      case .conflict: "Conflict"
      case .gone: "Expired"
      case .tooManyRequests: "TooManyRequests"
      case .internalError: "InternalError"
      case .unavailable: "ServiceUnavailable"
      }
    }
  }
}
