import KubernetesClient
import KubernetesModels

/// What RBAC is asked about one request.
struct AccessAttributes: Sendable, Equatable {
  var verb: String
  var group = ""
  var resource = ""
  var subresource = ""
  var namespace = ""
  var name = ""
  /// Set for requests that are about no resource.
  var path: String?

  /// `pods/log`.
  var resourcePath: String { subresource.isEmpty ? resource : "\(resource)/\(subresource)" }
}

/// Role-based access control (Kubernetes "Using RBAC Authorization"): rules only ever allow.
struct Authorizer: Sendable {
  let store: Store

  static let group = "rbac.authorization.k8s.io"

  func isAllowed(_ user: UserIdentity, _ wanted: AccessAttributes) -> Bool {
    if user.isMaster { return true }
    return rules(for: user, namespace: wanted.namespace).contains { Self.covers($0, wanted) }
  }

  /// All rules that bindings give a user in a namespace (empty: cluster-wide only).
  func rules(for user: UserIdentity, namespace: String) -> [JSONValue] {
    var found: [JSONValue] = []
    for binding in list("clusterrolebindings", nil) where Self.binds(binding, user, in: "") {
      found += rules(of: binding["roleRef"], namespace: "")
    }
    guard !namespace.isEmpty else { return found }
    for binding in list("rolebindings", namespace) where Self.binds(binding, user, in: namespace) {
      found += rules(of: binding["roleRef"], namespace: namespace)
    }
    return found
  }

  private func rules(of reference: JSONValue?, namespace: String) -> [JSONValue] {
    let name = reference?["name"]?.stringValue ?? ""
    let isCluster = reference?["kind"]?.stringValue == "ClusterRole"
    let key = StorageKey(group: Self.group, plural: isCluster ? "clusterroles" : "roles")
    let role = store.get(key, ObjectName(namespace: isCluster ? "" : namespace, name: name))?.json
    guard let role else { return [] }
    return role.itemsAt("rules") + aggregated(into: role)
  }

  /// Rules of the cluster roles that an aggregated role collects by label.
  private func aggregated(into role: JSONValue) -> [JSONValue] {
    role.itemsAt("aggregationRule", "clusterRoleSelectors").compactMap { LabelSelector(object: $0) }
      .flatMap { selector in
        list("clusterroles", nil).filter { selector.matches(object: $0) && $0["aggregationRule"] == nil }
          .flatMap { $0.itemsAt("rules") }
      }
  }

  private func list(_ plural: String, _ namespace: String?) -> [JSONValue] {
    store.list(StorageKey(group: Self.group, plural: plural), namespace: namespace).objects.map(\.json)
  }

  private static func binds(_ binding: JSONValue, _ user: UserIdentity, in namespace: String) -> Bool {
    binding.itemsAt("subjects").contains { subject in
      let name = subject["name"]?.stringValue ?? ""
      switch subject["kind"]?.stringValue {
      case "User": return user.name == name
      case "Group": return user.groups.contains(name)
      case "ServiceAccount":
        let home = subject["namespace"]?.stringValue ?? namespace
        return user.name == "system:serviceaccount:\(home):\(name)"
      default: return false
      }
    }
  }

  static func covers(_ rule: JSONValue, _ wanted: AccessAttributes) -> Bool {
    func has(_ field: String, _ value: String) -> Bool {
      rule.itemsAt(field).contains { $0.stringValue == value || $0.stringValue == "*" }
    }
    guard has("verbs", wanted.verb) else { return false }
    if let path = wanted.path {
      return rule.itemsAt("nonResourceURLs").compactMap(\.stringValue).contains { pattern in
        pattern == path || pattern == "*" || (pattern.hasSuffix("*") && path.hasPrefix(pattern.dropLast()))
      }
    }
    guard has("apiGroups", wanted.group) else { return false }
    let named =
      has("resources", wanted.resourcePath)
      || (!wanted.subresource.isEmpty
        && rule.itemsAt("resources").contains { $0.stringValue == "*/\(wanted.subresource)" })
    guard named else { return false }
    let names = rule.itemsAt("resourceNames")
    return names.isEmpty || (!wanted.name.isEmpty && names.contains { $0.stringValue == wanted.name })
  }
}

extension APIServer {
  var authorizer: Authorizer { Authorizer(store: store) }

  /// - Throws: 403, or 401 for somebody unknown.
  func authorize(_ request: KubernetesRequest, _ target: RequestInfo, _ user: UserIdentity) throws(APIStatusError) {
    let attributes = Self.attributes(request, target)
    if authorizer.isAllowed(user, attributes) { return }
    throw Self.forbidden(user, attributes)
  }

  static func attributes(_ request: KubernetesRequest, _ target: RequestInfo) -> AccessAttributes {
    guard target.isResourceRequest else { return AccessAttributes(verb: target.verb, path: target.path) }
    var attributes = AccessAttributes(
      verb: target.verb, group: target.group, resource: target.resource, subresource: target.subresource,
      namespace: target.namespace, name: target.name)
    // A list narrowed to one name is a request about that name, so that `resourceNames` can allow it.
    if target.name.isEmpty, let fields = request.value("fieldSelector") {
      for term in fields.split(separator: ",") {
        if let (field, value) = cut(String(term), "="), field == "metadata.name" {
          attributes.name = value.hasPrefix("=") ? String(value.dropFirst()) : value
        }
      }
    }
    return attributes
  }

  static func forbidden(_ user: UserIdentity, _ wanted: AccessAttributes) -> APIStatusError {
    if let path = wanted.path {
      return APIStatusError(
        code: 403, reason: "Forbidden",
        message: "forbidden: User \"\(user.name)\" cannot \(wanted.verb) path \"\(path)\"",
        details: [:])
    }
    let qualified = wanted.group.isEmpty ? wanted.resource : "\(wanted.resource).\(wanted.group)"
    let place = wanted.namespace.isEmpty ? "at the cluster scope" : "in the namespace \"\(wanted.namespace)\""
    let object = wanted.name.isEmpty ? qualified : "\(qualified) \"\(wanted.name)\""
    var details: JSONValue = ["kind": .string(wanted.resource)]
    if !wanted.name.isEmpty { details["name"] = .string(wanted.name) }
    if !wanted.group.isEmpty { details["group"] = .string(wanted.group) }
    return APIStatusError(
      code: 403, reason: "Forbidden",
      message:
        "\(object) is forbidden: User \"\(user.name)\" cannot \(wanted.verb) resource \"\(wanted.resourcePath)\" "
        + "in API group \"\(wanted.group)\" \(place)",
      details: details)
  }

  /// Nobody hands out rights that they don't have, unless they may `escalate` or `bind`.
  func checkEscalation(_ object: JSONValue, old: JSONValue?, _ call: Call) throws(APIStatusError) {
    let user = call.user
    if user.isMaster { return }
    let namespace = call.info.isNamespaced ? object.metadataNamespace : ""
    let isBinding = call.info.kind.hasSuffix("Binding")
    var rules = object.itemsAt("rules")
    var escape = AccessAttributes(
      verb: isBinding ? "bind" : "escalate", group: Authorizer.group, resource: call.info.plural, namespace: namespace,
      name: object.metadataName)
    if isBinding {
      if let old, old["roleRef"] == object["roleRef"], old["subjects"] == object["subjects"] { return }
      let isCluster = object.textAt("roleRef", "kind") == "ClusterRole"
      escape.resource = isCluster ? "clusterroles" : "roles"
      escape.name = object.textAt("roleRef", "name") ?? ""
      rules =
        self.object(Authorizer.group, escape.resource, isCluster ? "" : namespace, escape.name)?.itemsAt("rules") ?? []
    } else if let old, old["rules"] == object["rules"] {
      return
    }
    if authorizer.isAllowed(user, escape) { return }
    let own = authorizer.rules(for: user, namespace: namespace)
    for rule in rules {
      for wanted in Self.atoms(rule, namespace) where !own.contains(where: { Authorizer.covers($0, wanted) }) {
        throw APIStatusError.forbidden(
          call.info, object.metadataName,
          "user \"\(user.name)\" (groups=\(user.groups)) is attempting to grant RBAC permissions not currently held: "
            + rule.serializedString())
      }
    }
  }

  /// A rule taken apart into single permissions.
  private static func atoms(_ rule: JSONValue, _ namespace: String) -> [AccessAttributes] {
    func texts(_ field: String) -> [String] { rule.itemsAt(field).compactMap(\.stringValue) }
    var found: [AccessAttributes] = []
    for verb in texts("verbs") {
      found += texts("nonResourceURLs").map { AccessAttributes(verb: verb, path: $0) }
      for group in texts("apiGroups") {
        for resource in texts("resources") {
          let (plural, subresource) = cut(resource, "/") ?? (resource, "")
          let names = texts("resourceNames")
          for name in names.isEmpty ? [""] : names {
            found.append(
              AccessAttributes(
                verb: verb, group: group, resource: plural, subresource: subresource, namespace: namespace, name: name))
          }
        }
      }
    }
    return found
  }
}
