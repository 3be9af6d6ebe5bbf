/// How an endpoint of the manager is guarded.
public struct EndpointSecurity: Sendable {
  /// PEM files of a server certificate and its key, as a `kubernetes.io/tls` Secret is mounted.
  public struct Certificate: Sendable, Hashable {
    public var chainFile: String
    public var keyFile: String

    public init(chainFile: String, keyFile: String) {
      self.chainFile = chainFile
      self.keyFile = keyFile
    }
  }

  /// Whom to answer.
  public enum Access: Sendable, Hashable {
    case everybody
    /// Whoever bears a token that the API server knows (TokenReview).
    case authenticated
    /// Of those, whoever may `get` the path by RBAC's `nonResourceURLs` (SubjectAccessReview).
    case authorized
  }

  /// Nil serves plain HTTP. The files are read again when they change.
  public var certificate: Certificate?
  public var access: Access

  public init(certificate: Certificate? = nil, access: Access = .everybody) {
    self.certificate = certificate
    self.access = access
  }

  /// Plain HTTP for everybody.
  public static let none = EndpointSecurity()
}
