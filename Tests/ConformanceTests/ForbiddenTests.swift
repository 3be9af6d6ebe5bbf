import KubernetesClient
import KubernetesModels
import Testing

/// Who forbids, as servers say it and as the client tells it.
@Suite(.timeLimit(.minutes(2))) struct ForbiddenTests {
  @Test(arguments: Servers.atHand) func accountWithoutTheRight(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    try await server.client.create(ServiceAccount(metadata: ObjectMeta(name: "nobody", namespace: namespace)))
    let token = try await server.client.createToken(serviceAccount: "nobody", in: namespace)
    try await server.withClient(Credentials(bearer: .token(token.token))) { client in
      let error = try await refusal { try await client.get(Secret.self, "a", in: namespace) }
      #expect(error.refusal == .permission)
      #expect(error.description.hasSuffix("add the verb to its Role or ClusterRole"))
      let path = try await client.call(.get, "/metrics", accept: "*/*")
      #expect(path.status == 403 && path.message.contains("cannot get path \"/metrics\""))
    }
  }

  @Test(arguments: Servers.atHand) func accountThatGrantsTooMuch(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    var impersonating = server.configuration
    impersonating.credentials.impersonation = .init(user: "granter-\(namespace)")
    try await server.client.create(
      Role(
        metadata: ObjectMeta(name: "granter", namespace: namespace),
        rules: [PolicyRule(apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles"], verbs: ["create", "list"])]))
    try await server.client.create(
      RoleBinding(
        metadata: ObjectMeta(name: "granter", namespace: namespace),
        roleRef: RoleRef(apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "granter"),
        subjects: [Subject(apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "granter-\(namespace)")]))
    let client = try KubernetesClient(configuration: impersonating)
    _ = try await eventually("the binding counts") { try await client.list(Role.self, in: namespace) }
    let error = try await refusal {
      try await client.create(
        Role(
          metadata: ObjectMeta(name: "more", namespace: namespace),
          rules: [PolicyRule(apiGroups: [""], resources: ["secrets"], verbs: ["get"])]))
    }
    try await client.shutdown()
    #expect(error.refusal == .escalation)
  }

  @Test(arguments: Servers.atHand) func usedUpQuota(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let quota: JSONValue = [
      "metadata": ["name": "small", "namespace": .string(namespace)], "spec": ["hard": ["configmaps": "1"]],
    ]
    try await client.create(.resourceQuotas, DynamicObject(quota))
    // Nobody counts here but this test.
    try await client.patch(
      .resourceQuotas, "small", in: namespace,
      .merge(["status": ["hard": ["configmaps": "1"], "used": ["configmaps": "1"]]]), subresource: "status")
    let error = try await eventually("the quota counts") { () -> KubernetesError? in
      do {
        try await client.create(configMap("over-\(UInt32.random(in: .min ... .max))", in: namespace))
        return nil
      } catch let error as KubernetesError { return error }
    }
    #expect(error.isForbidden && error.refusal == .quota("small"), "\(error)")
    #expect(!error.description.contains("lacks the permission"))
  }

  @Test(arguments: Servers.atHand) func podThatBreaksTheNamespacesLevel(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let _: Namespace = try await server.client.patch(
      Namespace.self, namespace,
      .merge(["metadata": ["labels": ["pod-security.kubernetes.io/enforce": "restricted"]]]))
    let error = try await eventually("the level counts") { [client = server.client] () -> KubernetesError? in
      do {
        try await client.create(
          Pod.resourceType, pod("p", in: namespace), options: WriteOptions(dryRun: true))
        return nil
      } catch let error as KubernetesError { return error }
    }
    #expect(error.refusal == .podSecurity("restricted"))
    #expect(error.description.contains("pod-security.kubernetes.io/enforce"))
  }

  @Test(arguments: Servers.atHand) func containerBeyondTheLimitRange(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    let range: JSONValue = [
      "metadata": ["name": "l", "namespace": .string(namespace)],
      "spec": ["limits": [["type": "Container", "max": ["cpu": "1"]]]],
    ]
    try await server.client.create(.limitRanges, DynamicObject(range))
    let big = with(pod("p", in: namespace)) {
      $0.set(
        [["name": "main", "image": "example:1", "resources": ["limits": ["cpu": "2"]]]], at: ["spec", "containers"])
    }
    let error = try await eventually("the range counts") { [client = server.client] () -> KubernetesError? in
      do {
        try await client.create(Pod.resourceType, big, options: WriteOptions(dryRun: true))
        return nil
      } catch let error as KubernetesError { return error }
    }
    #expect(error.refusal == .limitRange, "\(error)")
  }

  @Test(arguments: Servers.atHand) func namespaceThatEnds(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    // Held, so that it neither vanishes at once nor is swept by anybody.
    try await server.client.create(
      ConfigMap(metadata: ObjectMeta(finalizers: ["example.com/hold"], name: "held", namespace: namespace)))
    try await server.client.delete(Namespace.self, namespace)
    let error = try await eventually("the namespace ends") { [client = server.client] () -> KubernetesError? in
      do {
        try await client.create(configMap("late", in: namespace), options: WriteOptions(dryRun: true))
        return nil
      } catch let error as KubernetesError { return error }
    }
    #expect(error.refusal == .namespaceTerminating, "\(error)")
    #expect(error.status?.details?.causes?.contains { $0.reason == "NamespaceTerminating" } == true)
    try await server.client.patchMetadata(
      ConfigMap.resourceType, "held", in: namespace, .merge(["metadata": ["finalizers": .null]]))
  }
}
