/// Who a client is to the API server. A client certificate and a bearer token may both be there.
public struct Credentials: Sendable {
  /// A certificate chain with its key, both PEM.
  public struct Certificate: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    /// The chain, own certificate first.
    public var chain: [UInt8]
    /// The private key: a secret.
    public var key: [UInt8]

    /// Makes a pair.
    public init(chain: [UInt8], key: [UInt8]) {
      self.chain = chain
      self.key = key
    }

    public var description: String { "client certificate" }
    public var debugDescription: String { description }
  }

  /// The files that a certificate came from. They are read again once a minute and when the server refuses the
  /// certificate; a pair is taken over once certificate and key fit each other.
  public struct CertificateFiles: Sendable, Hashable {
    /// The file of the chain; `nil` when that was inline.
    public var chain: String?
    /// The file of the key; `nil` when that was inline.
    public var key: String?

    /// Names the files.
    public init(chain: String? = nil, key: String? = nil) {
      self.chain = chain
      self.key = key
    }
  }

  /// Where the bearer token comes from.
  public enum Bearer: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// A token that stays.
    case token(String)
    /// A file whose content is renewed by somebody else, as the kubelet does for pods; it is read again once a minute.
    case file(String)
    /// A program that hands out short-lived credentials, token or certificate.
    case plugin(ExecPlugin)

    public var description: String {
      switch self {
      case .token: "token"
      case .file(let path): "token in \(path)"
      case .plugin(let plugin): plugin.description
      }
    }

    public var debugDescription: String { description }
  }

  /// Somebody else to act as (Kubernetes: "User impersonation"); the account needs the verb `impersonate` for each part.
  public struct Impersonation: Sendable, Hashable {
    /// The user's name.
    public var user: String
    /// The groups.
    public var groups: [String]
    /// The uid.
    public var uid: String?
    /// Further attributes.
    public var extra: [String: [String]]

    /// Names somebody.
    public init(user: String, groups: [String] = [], uid: String? = nil, extra: [String: [String]] = [:]) {
      self.user = user
      self.groups = groups
      self.uid = uid
      self.extra = extra
    }

    var headers: [(name: String, value: String)] {
      var headers = [(name: "Impersonate-User", value: user)]
      headers += groups.map { (name: "Impersonate-Group", value: $0) }
      if let uid { headers.append((name: "Impersonate-Uid", value: uid)) }
      for (key, values) in extra.sorted(by: { $0.key < $1.key }) {
        headers += values.map { (name: "Impersonate-Extra-" + PercentEncoding.component(key), value: $0) }
      }
      return headers
    }
  }

  /// The client certificate.
  public var certificate: Certificate?
  /// Where ``certificate`` is renewed.
  public var certificateFiles: CertificateFiles?
  /// The bearer token.
  public var bearer: Bearer?
  /// Whom to act as, once known as oneself.
  public var impersonation: Impersonation?

  /// Makes credentials; with neither certificate nor token, the client is anonymous.
  public init(
    certificate: Certificate? = nil, certificateFiles: CertificateFiles? = nil, bearer: Bearer? = nil,
    impersonation: Impersonation? = nil
  ) {
    self.certificate = certificate
    self.certificateFiles = certificateFiles
    self.bearer = bearer
    self.impersonation = impersonation
  }
}
