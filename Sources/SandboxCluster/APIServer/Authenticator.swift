import COpenSSL
import KubernetesModels

extension APIServer {
  /// Who stands behind a verified client certificate: CN is the user, each O a group (Kubernetes "X509 client
  /// certificates").
  func authenticate(certificateDER: [UInt8]) -> UserIdentity? {
    guard let certificate = try? Certificate(der: certificateDER),
      let name = certificate.subjectValues(NID_commonName).first, !name.isEmpty
    else { return nil }
    return UserIdentity(
      name: name, groups: certificate.subjectValues(NID_organizationName) + ["system:authenticated"])
  }

  /// Who stands behind a bearer token; nil when the token is no good any more, never was, or was made for others.
  ///
  /// - Parameter audiences: who asks; the API server itself when empty.
  func authenticate(bearerToken token: String, audiences: [String] = []) -> UserIdentity? {
    if let admin = configuration.adminToken, token == admin { return .admin }
    guard let claims = tokens.verify(token) else { return nil }
    let accepted = audiences.isEmpty ? [configuration.tokenIssuer] : audiences
    guard accepted.contains(where: claims.audiences.contains) else { return nil }
    // A token dies with its account: a new one of the same name has another uid.
    guard let account = object("", "serviceaccounts", claims.namespace, claims.name), account.metadataUID == claims.uid
    else { return nil }
    if let pod = claims.podName {
      guard object("", "pods", claims.namespace, pod)?.metadataUID == claims.podUID else { return nil }
    }
    var user = UserIdentity.serviceAccount(namespace: claims.namespace, name: claims.name, uid: claims.uid)
    if let pod = claims.podName {
      user.extra["authentication.kubernetes.io/pod-name"] = [pod]
      user.extra["authentication.kubernetes.io/pod-uid"] = [claims.podUID ?? ""]
    }
    return user
  }

  /// A token for a service account, for the node that projects it into a Pod's volume.
  ///
  /// - Parameters:
  ///   - lifetime: seconds.
  ///   - pod: name and uid of the Pod that the token dies with.
  /// - Throws: `APIStatusError` when there is no such account, `SecurityError`.
  public func issueToken(
    namespace: String, serviceAccount: String, lifetime: Int = 3600, audiences: [String]? = nil,
    pod: (name: String, uid: String)? = nil
  ) throws -> String {
    guard let account = object("", "serviceaccounts", namespace, serviceAccount) else {
      throw APIStatusError(
        code: 404, reason: "NotFound", message: "serviceaccounts \"\(serviceAccount)\" not found",
        details: ["name": .string(serviceAccount), "kind": "serviceaccounts"])
    }
    return try tokens.issue(
      .init(
        namespace: namespace, name: serviceAccount, uid: account.metadataUID,
        audiences: audiences ?? [configuration.tokenIssuer], expires: .now + .seconds(lifetime), podName: pod?.name,
        podUID: pod?.uid))
  }
}
