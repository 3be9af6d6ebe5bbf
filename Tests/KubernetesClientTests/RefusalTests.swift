import KubernetesModels
import Testing

@testable import KubernetesClient

/// Who forbids a request, read from what API servers say.
struct RefusalTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var message: String
    var refusal: KubernetesError.Refusal
    var code = 403
    var cause: String?
    var testDescription: String { message }
  }

  static let cases = [
    Case(
      message: "pods is forbidden: User \"u\" cannot list resource \"pods\" in API group \"\" in the namespace \"n\"",
      refusal: .permission),
    Case(message: "forbidden: User \"system:anonymous\" cannot get path \"/metrics\"", refusal: .permission),
    Case(
      message: "roles.rbac.authorization.k8s.io \"r\" is forbidden: user \"u\" (groups=[\"g\"]) is attempting to grant "
        + "RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\"]}",
      refusal: .escalation),
    Case(
      message: "pods \"p\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2",
      refusal: .quota("small")),
    Case(
      message: "pods \"p\" is forbidden: failed quota: cpu: must specify limits.cpu for: main", refusal: .quota("cpu")),
    Case(
      message: "pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false "
        + "(container \"main\" must set securityContext.allowPrivilegeEscalation=false)",
      refusal: .podSecurity("restricted")),
    Case(
      message: "pods \"p\" is forbidden: maximum cpu usage per Container is 1, but limit is 2", refusal: .limitRange),
    Case(
      message: "pods \"p\" is forbidden: error looking up service account n/a: serviceaccount \"a\" not found",
      refusal: .serviceAccountMissing),
    Case(
      message:
        "configmaps \"c\" is forbidden: unable to create new content in namespace n because it is being terminated",
      refusal: .namespaceTerminating, cause: "NamespaceTerminating"),
    Case(
      message: "admission webhook \"policy.example.com\" denied the request: no latest tags",
      refusal: .webhook("policy.example.com")),
    Case(
      message: "admission webhook \"w.example.com\" denied the request: bad", refusal: .webhook("w.example.com"),
      code: 400),
    Case(
      message: "deployments.apps \"d\" is forbidden: ValidatingAdmissionPolicy 'replicas' with binding 'b' denied "
        + "request: failed expression: object.spec.replicas <= 5",
      refusal: .admissionPolicy("replicas"), code: 422),
    Case(message: "pods \"p\" is forbidden: no PriorityClass with name x was found", refusal: .admission),
  ]

  @Test(arguments: cases) func theRemedyFitsWhoForbids(_ each: Case) throws {
    var status: JSONValue = [
      "kind": "Status", "code": .integer(Int64(each.code)), "reason": "Forbidden", "message": .string(each.message),
    ]
    if let cause = each.cause { status.set([["reason": .string(cause)]], at: ["details", "causes"]) }
    let error = KubernetesError(statusObject: status, code: each.code)
    #expect(error.refusal == each.refusal)
    let blamesTheAccount = error.description.contains("the account lacks the permission")
    #expect(blamesTheAccount == (each.refusal == .permission), "\(error)")
    #expect(error.description.hasSuffix(each.refusal.remedy))
  }

  @Test func otherErrorsAreNoRefusals() {
    for (code, message) in [(404, "pods \"p\" not found"), (409, "exceeded quota: x, y"), (500, "")] {
      let error = KubernetesError(statusObject: ["message": .string(message)], code: code)
      #expect(error.refusal == nil)
    }
  }
}
