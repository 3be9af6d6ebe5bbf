/// Who sends a request, as authentication found out (authentication.k8s.io `UserInfo`).
public struct UserIdentity: Sendable, Hashable {
  public var name: String
  public var uid: String?
  public var groups: [String]
  public var extra: [String: [String]]

  public init(name: String, uid: String? = nil, groups: [String] = [], extra: [String: [String]] = [:]) {
    self.name = name
    self.uid = uid
    self.groups = groups
    self.extra = extra
  }

  /// The in-process administrator; `system:masters` passes every authorisation check.
  public static let admin = UserIdentity(
    name: "kubernetes-admin", groups: ["system:masters", "system:authenticated"])

  /// A request without credentials.
  public static let anonymous = UserIdentity(name: "system:anonymous", groups: ["system:unauthenticated"])

  /// The in-process control plane component of this name (`system:kube-controller-manager`, …), unrestricted but
  /// counted apart.
  public static func component(_ name: String) -> UserIdentity {
    UserIdentity(name: name, groups: ["system:masters", "system:authenticated"])
  }

  /// A service account as its tokens present it.
  public static func serviceAccount(namespace: String, name: String, uid: String? = nil) -> UserIdentity {
    UserIdentity(
      name: "system:serviceaccount:\(namespace):\(name)", uid: uid,
      groups: ["system:serviceaccounts", "system:serviceaccounts:\(namespace)", "system:authenticated"])
  }

  var isMaster: Bool { groups.contains("system:masters") }
}
