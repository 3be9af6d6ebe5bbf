import KubernetesClient
import KubernetesModels
import Testing

@testable import SandboxCluster

private let maps = "/api/v1/namespaces/default/configmaps"
private let rbac = "/apis/rbac.authorization.k8s.io/v1"

@Suite struct APIServerAuthTests {
  private func role(_ name: String, _ rules: JSONValue) -> JSONValue {
    ["apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": ["name": .string(name)], "rules": rules]
  }

  private func binding(_ name: String, role: String, account: String) -> JSONValue {
    [
      "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": ["name": .string(name)],
      "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": .string(role)],
      "subjects": [["kind": "ServiceAccount", "name": .string(account), "namespace": "default"]],
    ]
  }

  @Test func aServiceAccountMayDoWhatItsRoleSaysAndNoMore() async throws {
    let server = try APIServer()
    let admin = Wire(server)
    let app = Wire(server, as: .serviceAccount(namespace: "default", name: "app"))
    let refused = try await app.get(maps)
    #expect(refused.status == 403)
    #expect(
      refused.message
        == "configmaps is forbidden: User \"system:serviceaccount:default:app\" cannot list resource \"configmaps\" in API group \"\" "
        + "in the namespace \"default\"")
    _ = try await admin.create(
      "\(rbac)/namespaces/default/roles",
      role(
        "reader",
        [["apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["mine"], "verbs": ["get", "list"]]]))
    _ = try await admin.create("\(rbac)/namespaces/default/rolebindings", binding("b", role: "reader", account: "app"))
    _ = try await admin.create(maps, configMap("mine"))
    #expect(try await app.get("\(maps)/mine").status == 200)
    #expect(try await app.get("\(maps)/other").status == 403)
    #expect(try await app.get(maps).status == 403)
    #expect(try await app.get("\(maps)?fieldSelector=metadata.name%3Dmine").status == 200)
    #expect(try await app.send(.delete, "\(maps)/mine").status == 403)
    #expect(try await app.get("/api/v1/namespaces/kube-system/configmaps/mine").status == 403)
    #expect(try await app.get("/apis").status == 200)
    #expect(try await app.get("/metrics").status == 403)
  }

  @Test func nobodyGrantsWhatTheyDoNotHave() async throws {
    let server = try APIServer()
    let admin = Wire(server)
    let app = Wire(server, as: .serviceAccount(namespace: "default", name: "app"))
    _ = try await admin.create(
      "\(rbac)/namespaces/default/roles",
      role(
        "manager",
        [
          ["apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["create"]],
          ["apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]],
        ]))
    _ = try await admin.create("\(rbac)/namespaces/default/rolebindings", binding("b", role: "manager", account: "app"))
    let target = "\(rbac)/namespaces/default/roles"
    let same = role("same", [["apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]]])
    #expect(try await app.create(target, same).status == 201)
    let more = try await app.create(
      target, role("more", [["apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]]]))
    #expect(more.status == 403)
    #expect(more.message.contains("attempting to grant RBAC permissions not currently held"))
  }

  @Test func labelledRolesAddToTheRoleThatAggregatesThem() async throws {
    let server = try APIServer()
    let admin = Wire(server)
    let app = Wire(server, as: .serviceAccount(namespace: "default", name: "app"))
    var editors = binding("b", role: "edit", account: "app")
    editors.set("ClusterRole", at: ["roleRef", "kind"])
    _ = try await admin.create("\(rbac)/namespaces/default/rolebindings", editors)
    let target = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/x"
    #expect(try await app.send(.delete, target).status == 403)
    var more = role(
      "more", [["apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["delete"]]])
    more["kind"] = "ClusterRole"
    more.set("true", at: ["metadata", "labels", "rbac.authorization.k8s.io/aggregate-to-edit"])
    _ = try await admin.create("\(rbac)/clusterroles", more)
    #expect(try await app.send(.delete, target).status == 404)
  }

  @Test func tokensLiveAsLongAsTheirAccount() async throws {
    let server = try APIServer()
    let admin = Wire(server)
    let accounts = "/api/v1/namespaces/default/serviceaccounts"
    let answer = try await admin.create(
      "\(accounts)/default/token",
      ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": ["expirationSeconds": 600]])
    let token = try #require(answer.json.textAt("status", "token"))
    let user = try #require(server.authenticate(bearerToken: token))
    #expect(user.name == "system:serviceaccount:default:default")
    #expect(user.groups.contains("system:serviceaccounts:default"))
    #expect(server.authenticate(bearerToken: token + "x") == nil)
    let claims = try #require(server.tokens.verify(token))
    #expect(server.tokens.verify(token, now: claims.expires) == nil)
    _ = try await admin.send(.delete, "\(accounts)/default")
    #expect(server.authenticate(bearerToken: token) == nil)
  }

  @Test func certificatesNameTheirUser() throws {
    let server = try APIServer()
    let identity = try server.certificateAuthority.issue(
      commonName: "ada", organizations: ["dev", "ops"], usage: .client)
    let lines = identity.certificatePEM.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()
    let der = try #require(Base64URL.decode(lines))
    let user = try #require(server.authenticate(certificateDER: der))
    #expect(user.name == "ada")
    #expect(user.groups == ["dev", "ops", "system:authenticated"])
  }

  @Test func accessReviewsAgreeWithTheAuthorizer() async throws {
    let server = try APIServer()
    let app = Wire(server, as: .serviceAccount(namespace: "default", name: "app"))
    let review: JSONValue = [
      "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
      "spec": ["resourceAttributes": ["verb": "get", "resource": "pods", "namespace": "default"]],
    ]
    let target = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    #expect(try await app.create(target, review).json.at("status", "allowed") == false)
    #expect(try await Wire(server).create(target, review).json.at("status", "allowed") == true)
    #expect(try await Wire(server, as: .anonymous).get("/version").status == 200)
    #expect(try await Wire(server, as: .anonymous).get("/api").status == 403)
  }
}
