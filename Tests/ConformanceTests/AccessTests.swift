import KubernetesClient
import KubernetesModels
import Testing

@Suite(.timeLimit(.minutes(2))) struct AccessTests {
  @Test(arguments: Servers.atHand) func tokenMayDoWhatARoleAllows(_ kind: Servers) async throws {
    let server = try await kind.start()
    let admin = server.client
    let namespace = try await server.namespace()
    try await admin.create(ServiceAccount(metadata: ObjectMeta(name: "reader", namespace: namespace)))
    try await admin.create(configMap("a", in: namespace))
    let token = try await admin.createToken(serviceAccount: "reader", in: namespace, expirationSeconds: 600)
    #expect(token.expiration != nil && !"\(token)".contains(token.token))

    try await server.withClient(Credentials(bearer: .token(token.token))) { client in
      let name = "system:serviceaccount:\(namespace):reader"
      let whoAmI = try await client.call(
        .post, "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        body: ["apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"])
      #expect(whoAmI.text("status", "userInfo", "username") == name)
      let groups = whoAmI.json.value(at: ["status", "userInfo", "groups"])?.arrayValue?.compactMap(\.stringValue)
      #expect(
        Set(groups ?? []).isSuperset(of: [
          "system:serviceaccounts", "system:serviceaccounts:\(namespace)", "system:authenticated",
        ]))

      let forbidden = try await refusal { try await client.list(ConfigMap.self, in: namespace) }
      #expect(forbidden.isForbidden && forbidden.reason == "Forbidden" && !forbidden.isTransient)
      #expect(
        forbidden.status?.message
          == "configmaps is forbidden: User \"\(name)\" cannot list resource \"configmaps\" in API group \"\" in the "
          + "namespace \"\(namespace)\"")

      try await admin.create(
        Role(
          metadata: ObjectMeta(name: "reader", namespace: namespace),
          rules: [
            PolicyRule(apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list"]),
            PolicyRule(apiGroups: [""], resourceNames: ["a"], resources: ["configmaps"], verbs: ["patch"]),
          ]))
      try await admin.create(
        RoleBinding(
          metadata: ObjectMeta(name: "reader", namespace: namespace),
          roleRef: RoleRef(apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader"),
          subjects: [Subject(kind: "ServiceAccount", name: "reader", namespace: namespace)]))
      // The authorizer reads bindings from a cache of its own.
      let list = try await eventually("the binding counts") {
        try await client.list(ConfigMap.self, in: namespace)
      }
      #expect(list.items.compactMap(\.metadata.name).contains("a"))
      let _: ConfigMap = try await client.patch(ConfigMap.self, "a", in: namespace, .merge(["data": ["n": "1"]]))
      let other = try await refusal {
        try await client.patch(ConfigMap.self, "b", in: namespace, .merge(["data": ["n": "1"]]))
      }
      #expect(other.isForbidden)
      #expect(try await refusal { try await client.create(configMap("b", in: namespace)) }.isForbidden)
      #expect(try await refusal { try await client.list(ConfigMap.self) }.isForbidden)
      #expect(try await refusal { try await client.list(Secret.self, in: namespace) }.isForbidden)

      let review = try await client.call(
        .post, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        body: [
          "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
          "spec": [
            "resourceAttributes": ["namespace": .string(namespace), "verb": "list", "resource": "configmaps"]
          ],
        ])
      #expect(review.json.value(at: ["status", "allowed"]) == true)
    }
  }

  @Test(arguments: Servers.atHand) func nobodyGrantsMoreThanTheyHave(_ kind: Servers) async throws {
    let server = try await kind.start()
    let admin = server.client
    let namespace = try await server.namespace()
    try await admin.create(ServiceAccount(metadata: ObjectMeta(name: "granter", namespace: namespace)))
    try await admin.create(
      Role(
        metadata: ObjectMeta(name: "granter", namespace: namespace),
        rules: [
          PolicyRule(
            apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles", "rolebindings"], verbs: ["create", "list"])
        ]))
    try await admin.create(
      RoleBinding(
        metadata: ObjectMeta(name: "granter", namespace: namespace),
        roleRef: RoleRef(apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "granter"),
        subjects: [Subject(kind: "ServiceAccount", name: "granter", namespace: namespace)]))
    let token = try await admin.createToken(serviceAccount: "granter", in: namespace)
    try await server.withClient(Credentials(bearer: .token(token.token))) { client in
      _ = try await eventually("the binding counts") { try await client.list(Role.self, in: namespace) }
      let more = try await refusal {
        try await client.create(
          Role(
            metadata: ObjectMeta(name: "more", namespace: namespace),
            rules: [PolicyRule(apiGroups: [""], resources: ["secrets"], verbs: ["get"])]))
      }
      #expect(more.isForbidden)
      #expect(more.status?.message?.contains("is attempting to grant RBAC permissions not currently held") == true)
    }
  }

  @Test(arguments: Servers.atHand) func badCredentialsAreToldFromMissingOnes(_ kind: Servers) async throws {
    let server = try await kind.start()
    try await server.withClient(Credentials(bearer: .token("nonsense"))) { client in
      let error = try await refusal { try await client.list(Namespace.self) }
      #expect(error.isUnauthorized && error.reason == "Unauthorized")
      #expect(error.description.contains("the credentials are missing, expired or of another cluster"))
    }
    try await server.withClient(Credentials()) { client in
      let error = try await refusal { try await client.list(Namespace.self) }
      #expect(error.isForbidden)
      #expect(error.status?.message?.contains("User \"system:anonymous\" cannot list resource \"namespaces\"") == true)
      #expect(try await client.serverVersion().hasPrefix("v1."))
    }
    // A certificate names its user and groups.
    let admin = try KubernetesClient(configuration: server.configuration)
    #expect(try await admin.list(Namespace.self).items.contains { $0.metadata.name == "default" })
    try await admin.shutdown()
  }
}
