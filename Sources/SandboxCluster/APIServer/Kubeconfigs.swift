import KubernetesModels

extension APIServer {
  /// A kubeconfig for the administrator by client certificate, as YAML.
  ///
  /// - Parameter url: where clients reach the server, such as `https://127.0.0.1:6443`.
  public func adminKubeconfig(server url: String) -> String {
    kubeconfig(server: url, user: UserIdentity.admin.name, credentials: Self.credentials(adminIdentity))
  }

  /// A kubeconfig for whoever a bearer token stands for.
  public func kubeconfig(server url: String, user: String, token: String) -> String {
    kubeconfig(server: url, user: user, credentials: ["token": .string(token)])
  }

  /// A kubeconfig for any user by a fresh client certificate; the groups go into it.
  /// - Throws: `SecurityError`.
  public func kubeconfig(server url: String, user: UserIdentity) throws -> String {
    let groups = user.groups.filter { $0 != "system:authenticated" }
    let identity = try certificateAuthority.issue(commonName: user.name, organizations: groups, usage: .client)
    return kubeconfig(server: url, user: user.name, credentials: Self.credentials(identity))
  }

  private static func credentials(_ identity: CertificateAuthority.Identity) -> JSONValue {
    [
      "client-certificate-data": .string(Base64.encode(identity.certificatePEM)),
      "client-key-data": .string(Base64.encode(identity.privateKeyPEM)),
    ]
  }

  private func kubeconfig(server url: String, user: String, credentials: JSONValue) -> String {
    let name: JSONValue = "rtx-sandbox"
    let authority = Base64.encode(certificateAuthority.certificatePEM)
    return YAML.serialize([
      "apiVersion": "v1", "kind": "Config", "current-context": name, "preferences": [:],
      "clusters": [
        ["name": name, "cluster": ["server": .string(url), "certificate-authority-data": .string(authority)]]
      ],
      "contexts": [
        ["name": name, "context": ["cluster": name, "user": .string(user), "namespace": "default"]]
      ],
      "users": [["name": .string(user), "user": credentials]],
    ])
  }
}
