import FoundationEssentials
import KubernetesModels

extension Kubeconfig {
  /// What one context says, ready to connect.
  /// - Parameter context: its name; `nil` takes the current one.
  /// - Throws: ``ConfigurationError`` naming file, field and remedy.
  public func configuration(context: String? = nil) throws -> ClusterConfiguration {
    let allFiles = files.joined(separator: ", ")
    guard let contextName = context ?? currentContext else {
      throw ConfigurationError(
        file: allFiles, field: "current-context", problem: "not set",
        remedy: "choose one with `kubectl config use-context` (there are: \(contextNames.joined(separator: ", ")))")
    }
    guard let contextEntry = contexts[contextName] else {
      throw ConfigurationError(
        file: allFiles, field: "contexts[\(contextName)]", problem: "no such context",
        remedy: "choose one of: \(contextNames.joined(separator: ", "))")
    }
    let chosen = Fields(entry: contextEntry, place: "contexts[\(contextName)].context")
    let clusterName = try chosen.required("cluster", remedy: "name one of `clusters`")
    guard let clusterEntry = clusters[clusterName] else {
      throw chosen.error("cluster", "there is no cluster \(clusterName)", "name one of `clusters`, or add it")
    }
    let cluster = Fields(entry: clusterEntry, place: "clusters[\(clusterName)].cluster")

    var configuration = ClusterConfiguration(
      server: try Self.server(cluster), namespace: chosen.text("namespace") ?? "default",
      certificateAuthority: try cluster.bytes("certificate-authority"),
      tlsServerName: cluster.text("tls-server-name"),
      verifiesServer: cluster.entry.value["insecure-skip-tls-verify"]?.boolValue != true,
      proxyURL: cluster.text("proxy-url"), source: clusterEntry.file)
    configuration.clusterPlace = cluster.place
    if cluster.text("certificate-authority-data") == nil {
      configuration.certificateAuthorityFile = cluster.path("certificate-authority")
    }
    if let userName = chosen.text("user") {
      guard let userEntry = users[userName] else {
        throw chosen.error("user", "there is no user \(userName)", "name one of `users`, or add it")
      }
      let user = Fields(entry: userEntry, place: "users[\(userName)].user")
      configuration.userPlace = user.place
      configuration.credentials = try Self.credentials(user, of: configuration, cluster)
      configuration.credentials.impersonation = try Self.impersonation(user)
    }
    return configuration
  }

  private static func server(_ cluster: Fields) throws -> String {
    let remedy = "write the API server's address, e.g. https://10.0.0.1:6443"
    var server = try cluster.required("server", remedy: remedy)
    guard let url = URL(string: server), url.scheme == "https" || url.scheme == "http", url.host()?.isEmpty == false
    else { throw cluster.error("server", "\(server) is not an https URL", remedy) }
    while server.hasSuffix("/") { server.removeLast() }
    return server
  }

  private static func impersonation(_ user: Fields) throws -> Credentials.Impersonation? {
    let strings = { (value: JSONValue?) in (value?.arrayValue ?? []).compactMap { $0.stringValue } }
    let groups = strings(user.entry.value["as-groups"])
    let extra = (user.entry.value["as-user-extra"]?.objectValue ?? [:]).mapValues { strings($0) }
    guard let name = user.text("as") else {
      guard groups.isEmpty, extra.isEmpty, user.text("as-uid") == nil else {
        throw user.error("as", "missing, though there is somebody to act as", "name the user, or leave as-* out")
      }
      return nil
    }
    return Credentials.Impersonation(user: name, groups: groups, uid: user.text("as-uid"), extra: extra)
  }

  private static func credentials(
    _ user: Fields, of cluster: ClusterConfiguration, _ fields: Fields
  ) throws -> Credentials {
    var credentials = Credentials()
    let chain = try user.bytes("client-certificate")
    let key = try user.bytes("client-key")
    switch (chain, key) {
    case (let chain?, let key?):
      credentials.certificate = Credentials.Certificate(chain: chain, key: key)
      let files = Credentials.CertificateFiles(
        chain: user.text("client-certificate-data") == nil ? user.path("client-certificate") : nil,
        key: user.text("client-key-data") == nil ? user.path("client-key") : nil)
      if files != Credentials.CertificateFiles() { credentials.certificateFiles = files }
    case (nil, nil): break
    case (_?, nil): throw user.error("client-key", "missing, though there is a client-certificate", "add the key")
    case (nil, _?): throw user.error("client-certificate", "missing, though there is a client-key", "add it")
    }
    // kubectl prefers the file when both are there, since the token next to it may be an old copy.
    if let file = user.path("tokenFile") {
      credentials.bearer = .file(file)
    } else if let token = user.text("token") {
      credentials.bearer = .token(token)
    } else if let exec = user.entry.value["exec"], !exec.isNull {
      credentials.bearer = .plugin(try ExecPlugin(user, cluster: cluster, fields))
    }
    if credentials.certificate == nil, credentials.bearer == nil {
      if user.text("username") != nil {
        throw user.error(
          "username", "API servers no longer take user name and password", "use a client certificate, token or exec")
      }
      if user.entry.value["auth-provider"]?.isNull == false {
        throw user.error("auth-provider", "was removed from Kubernetes in 1.26", "use the provider's exec plugin")
      }
    }
    return credentials
  }
}
