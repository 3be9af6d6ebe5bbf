import KubernetesModels

extension KubernetesError {
  /// Who forbids a request, and why. A 403 is not always a matter of rights: admission refuses with it, too.
  public enum Refusal: Sendable, Hashable {
    /// The account lacks the permission (Kubernetes: "Authorization").
    case permission
    /// The account may not hand out permissions that it does not have itself (Kubernetes: "Privilege escalation
    /// prevention and bootstrapping").
    case escalation
    /// A ResourceQuota is used up; its name where the server tells it.
    case quota(String?)
    /// The namespace's Pod Security level does not allow such a pod; the level where the server tells it.
    case podSecurity(String?)
    /// A LimitRange's bounds are not kept.
    case limitRange
    /// The namespace is being deleted: nothing new may be made in it.
    case namespaceTerminating
    /// The pod's service account is not there.
    case serviceAccountMissing
    /// An admission webhook said no; its name.
    case webhook(String)
    /// A ValidatingAdmissionPolicy said no; its name.
    case admissionPolicy(String)
    /// Something else in the way of admission; the message says what.
    case admission
  }

  /// Who forbids the request, for a 403 and for what admission answers with other codes; `nil` for all other errors.
  ///
  /// The API has no field for it but `Status.details.causes` in few cases, so this reads the messages that the API
  /// server and its admission plugins have used unchanged since Kubernetes 1.20 and before.
  public var refusal: Refusal? {
    guard let status else { return nil }
    let message = status.message ?? ""
    if let name = message.text(between: "admission webhook \"", and: "\" denied the request") { return .webhook(name) }
    if let name = message.text(between: "ValidatingAdmissionPolicy '", and: "'") { return .admissionPolicy(name) }
    guard isForbidden else { return nil }
    if status.details?.causes?.contains(where: { $0.reason == "NamespaceTerminating" }) ?? false {
      return .namespaceTerminating
    }
    if message.contains("because it is being terminated") { return .namespaceTerminating }
    if message.contains("exceeded quota: ") {
      return .quota(message.text(between: "exceeded quota: ", and: ","))
    }
    if message.contains("failed quota: ") { return .quota(message.text(between: "failed quota: ", and: ":")) }
    if message.contains("violates PodSecurity") {
      return .podSecurity(message.text(between: "violates PodSecurity \"", and: ":"))
    }
    if message.contains("attempting to grant RBAC permissions not currently held") { return .escalation }
    if message.contains("error looking up service account") { return .serviceAccountMissing }
    if Self.limitRangeMarks.contains(where: { message.contains($0) }) { return .limitRange }
    // The authorizer's own words: `User "x" cannot list resource "y"`, and for other paths `cannot get path "/z"`.
    if message.contains("User \""), message.contains("\" cannot ") { return .permission }
    return message.isEmpty ? .permission : .admission
  }

  private static let limitRangeMarks = [
    " usage per Container is ", " usage per Pod is ", " usage per PersistentVolumeClaim is ",
    " limit to request ratio per ",
  ]
}

extension KubernetesError.Refusal {
  /// What to do.
  var remedy: String {
    switch self {
    case .permission: "the account lacks the permission: add the verb to its Role or ClusterRole"
    case .escalation:
      "an account can only grant what it has itself: give it those permissions, or the verb `escalate` or `bind`"
    case .quota(let name):
      "the ResourceQuota\(name.map { " " + $0 } ?? "") is used up: raise it, ask for less or delete what is not needed"
    case .podSecurity(let level):
      "the namespace enforces the Pod Security level\(level.map { " " + $0 } ?? ""): change the pod's security context, "
        + "or the namespace's label pod-security.kubernetes.io/enforce"
    case .limitRange: "keep the requests and limits within the namespace's LimitRange, or change that"
    case .namespaceTerminating: "the namespace is being deleted: wait until it is gone and create it again"
    case .serviceAccountMissing: "create the service account that the pod names"
    case .webhook(let name): "the admission webhook \(name) decides this: satisfy it, or ask whoever runs it"
    case .admissionPolicy(let name): "the ValidatingAdmissionPolicy \(name) decides this: satisfy it, or change it"
    case .admission: "an admission rule of the cluster decides this, not a permission: do as the message says"
    }
  }
}

extension String {
  /// The text between the first `start` and the next `end` behind it.
  fileprivate func text(between start: String, and end: String) -> String? {
    guard let from = firstRange(of: start)?.upperBound, let to = self[from...].firstRange(of: end)?.lowerBound
    else { return nil }
    return String(self[from..<to])
  }
}
