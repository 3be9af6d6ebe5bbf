public import FoundationEssentials

/// Where an API server is, how to trust it and who to be there.
public struct ClusterConfiguration: Sendable {
  /// The base URL, e.g. `https://10.0.0.1:6443`; it may end in a path prefix.
  public var server: String
  /// The namespace for work that names none.
  public var namespace: String
  /// PEM certificates of the authorities that may vouch for the server; `nil` takes the system's.
  public var certificateAuthority: [UInt8]?
  /// The file that ``certificateAuthority`` came from; it is read again once a minute, so that a new authority is
  /// trusted without a restart.
  public var certificateAuthorityFile: String?
  /// The name that the server's certificate must carry, where it is not the host of `server`.
  public var tlsServerName: String?
  /// Whether the server's certificate is verified. Off, anybody on the path can read and change everything.
  public var verifiesServer: Bool
  /// Who to be.
  public var credentials: Credentials
  /// A proxy to go through: `http://host:port`, `https://host:port` or `socks5://host:port`, with `user:password@`
  /// before the host where it wants them. A server that is named by its IP address needs ``tlsServerName`` then.
  public var proxyURL: String?
  /// The `User-Agent` header. The API server takes the field manager of writes without one from its first word.
  public var userAgent: String
  /// The time that a request may take in all, where it is not a watch or a followed log.
  public var requestTimeout: Duration
  /// How many requests a second the client allows itself; `nil` leaves it to the server's priority and fairness.
  public var rateLimit: RateLimit?
  /// The file (or environment) that all this came from, for messages.
  public var source: String
  /// Where in `source` the cluster and the user stand, e.g. `clusters[prod].cluster`, for messages.
  var clusterPlace: String?
  var userPlace: String?

  /// Makes a configuration by hand.
  public init(
    server: String, namespace: String = "default", certificateAuthority: [UInt8]? = nil,
    tlsServerName: String? = nil, verifiesServer: Bool = true, credentials: Credentials = .init(),
    proxyURL: String? = nil, userAgent: String = "kubernetes-client-swift", requestTimeout: Duration = .seconds(60),
    rateLimit: RateLimit? = nil, source: String = "configuration"
  ) {
    self.server = server
    self.namespace = namespace
    self.certificateAuthority = certificateAuthority
    self.tlsServerName = tlsServerName
    self.verifiesServer = verifiesServer
    self.credentials = credentials
    self.proxyURL = proxyURL
    self.userAgent = userAgent
    self.requestTimeout = requestTimeout
    self.rateLimit = rateLimit
    self.source = source
  }

  /// A field of the cluster with its place in the file.
  func field(_ name: String) -> String { clusterPlace.map { $0 + "." + name } ?? name }

  /// A field of the user with its place in the file.
  func userField(_ name: String) -> String { userPlace.map { $0 + "." + name } ?? name }

  /// Takes the kubeconfig that `KUBECONFIG` names or that lies in `~/.kube/config`; without one, what a pod is given.
  /// - Parameter context: The context of the kubeconfig to use; nil takes its current one.
  /// - Throws: ``ConfigurationError`` naming file, field and remedy.
  public static func inferred(
    environment: [String: String] = ProcessInfo.processInfo.environment, context: String? = nil
  ) throws -> ClusterConfiguration {
    let kubeconfig = Kubeconfig.standardFiles(environment: environment)
    if kubeconfig.isExplicit || kubeconfig.files.contains(where: { FileManager.default.fileExists(atPath: $0) }) {
      return try Kubeconfig(files: kubeconfig.files).configuration(context: context)
    }
    if environment["KUBERNETES_SERVICE_HOST"] != nil { return try inCluster(environment: environment) }
    throw ConfigurationError(
      file: kubeconfig.files.joined(separator: ", "), problem: "there is no such file, and this is not a pod either",
      remedy: "point KUBECONFIG at a kubeconfig file")
  }

  /// Reads a kubeconfig file.
  /// - Parameter context: the context to use; `nil` takes the file's current one.
  /// - Throws: ``ConfigurationError`` naming file, field and remedy.
  public static func kubeconfig(_ file: String, context: String? = nil) throws -> ClusterConfiguration {
    try Kubeconfig(files: [file]).configuration(context: context)
  }
}
