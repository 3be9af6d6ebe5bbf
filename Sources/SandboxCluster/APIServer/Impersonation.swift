import KubernetesClient

extension APIServer {
  /// Who a request acts as (`kubectl --as`; Kubernetes "User impersonation").
  ///
  /// - Throws: 403 when RBAC does not let the real user `impersonate` the wanted one.
  func impersonated(_ request: KubernetesRequest, by user: UserIdentity) throws(APIStatusError) -> UserIdentity {
    guard let name = request.header("Impersonate-User") else { return user }
    let groups = request.headers.filter { $0.name.lowercased() == "impersonate-group" }.map(\.value)
    var wanted = [AccessAttributes(verb: "impersonate", resource: "users", name: name)]
    let parts = name.split(separator: ":").map(String.init)
    if parts.count == 4, name.hasPrefix("system:serviceaccount:") {
      wanted[0] = AccessAttributes(
        verb: "impersonate", resource: "serviceaccounts", namespace: parts[2], name: parts[3])
    }
    wanted += groups.map { AccessAttributes(verb: "impersonate", resource: "groups", name: $0) }
    for attributes in wanted where !authorizer.isAllowed(user, attributes) { throw Self.forbidden(user, attributes) }
    if parts.count == 4, groups.isEmpty, name.hasPrefix("system:serviceaccount:") {
      return .serviceAccount(namespace: parts[2], name: parts[3])
    }
    return UserIdentity(
      name: name, uid: request.header("Impersonate-Uid"),
      groups: groups + (name == UserIdentity.anonymous.name ? [] : ["system:authenticated"]))
  }
}
