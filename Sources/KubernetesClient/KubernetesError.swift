public import KubernetesModels

/// Why a call to the API server did not give what was asked for.
///
/// The description is one sentence that says what happened and what to do; it never carries credentials or bodies.
public enum KubernetesError: Error, Sendable {
  /// The server answered with a refusal; the `Status` says which (Kubernetes API conventions: "Response Status Kind").
  case api(Status)
  /// No answer: the connection could not be made, or broke.
  case transport(TransportFailure)
  /// No complete answer in time; the text names the request and the time allowed.
  case timeout(String)
  /// An answer that could not be understood; the text says where.
  case decoding(String)
  /// A request that cannot be sent as it is; the text says what is missing.
  case invalidRequest(String)
  /// Credentials or addresses that cannot be used.
  case configuration(ConfigurationError)
}

extension KubernetesError {
  /// The server's `Status`, when it gave one.
  public var status: Status? {
    guard case .api(let status) = self else { return nil }
    return status
  }

  /// The HTTP status code, when the server answered.
  public var statusCode: Int? { status?.code.map { Int($0) } }

  /// The machine-readable reason such as `NotFound`, when the server answered.
  public var reason: String? { status?.reason }

  /// No such object, or no such resource type (404).
  public var isNotFound: Bool { statusCode == 404 }
  /// Somebody else wrote first, or a precondition did not hold: read again, decide again (409, `Conflict`).
  public var isConflict: Bool { statusCode == 409 && reason != "AlreadyExists" }
  /// An object of this name is already there (409, `AlreadyExists`).
  public var isAlreadyExists: Bool { statusCode == 409 && reason == "AlreadyExists" }
  /// The resource version or continue token is too old: list again (410).
  public var isGone: Bool { statusCode == 410 || reason == "Expired" }
  /// The server does not allow it (403): see ``refusal`` for who forbids it and why.
  public var isForbidden: Bool { statusCode == 403 }
  /// The server does not accept the credentials (401).
  public var isUnauthorized: Bool { statusCode == 401 }
  /// The object breaks its schema or a rule (422).
  public var isInvalid: Bool { statusCode == 422 }
  /// The server has too much to do, or a disruption budget forbids an eviction for now (429).
  public var isTooManyRequests: Bool { statusCode == 429 }
  /// The server cannot do it now: starting, stopping or overloaded (500, 502, 503, 504).
  public var isServerTrouble: Bool { statusCode.map { (500...504).contains($0) && $0 != 501 } ?? false }

  /// How long the server asks to wait before the next try.
  public var retryAfter: Duration? {
    status?.details?.retryAfterSeconds.map { .seconds(Int64($0)) }
  }

  /// Whether the same request may succeed later without anybody changing anything.
  public var isTransient: Bool {
    switch self {
    case .api: isTooManyRequests || isServerTrouble || isConflict || isGone
    case .transport(let failure): failure.kind != .certificate
    case .timeout: true
    case .decoding, .invalidRequest, .configuration: false
    }
  }
}
