import KubernetesClient
import KubernetesModels
import Testing

/// API-initiated eviction and tokens of service accounts.
@Suite(.timeLimit(.minutes(2))) struct EvictionTests {
  private func runningPod(_ server: TestServer, _ namespace: String, _ name: String = "p") async throws {
    try await server.client.create(Pod.resourceType, pod(name, in: namespace, labels: ["app": "a"], node: "node-1"))
    let _: Pod = try await server.client.patch(
      Pod.self, name, in: namespace,
      .merge(["status": ["phase": "Running", "conditions": [["type": "Ready", "status": "True"]]]]),
      subresource: "status")
  }

  private func budget(_ server: TestServer, _ namespace: String, allowed: Int) async throws {
    var budget = try await server.client.create(
      PodDisruptionBudget(
        metadata: ObjectMeta(name: "b", namespace: namespace),
        spec: PodDisruptionBudgetSpec(
          minAvailable: .int(1), selector: LabelSelector(matchLabels: ["app": "a"]))))
    // Nobody counts here but this test.
    budget.status = PodDisruptionBudgetStatus(
      currentHealthy: 1, desiredHealthy: 1, disruptionsAllowed: allowed, expectedPods: 1,
      observedGeneration: budget.metadata.generation)
    try await server.client.replaceStatus(budget)
  }

  @Test(arguments: Servers.atHand) func budgetForbids(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    try await runningPod(server, namespace)
    try await budget(server, namespace, allowed: 0)
    let error = try await refusal { try await server.client.evict(pod: "p", in: namespace) }
    #expect(error.isTooManyRequests && error.reason == "TooManyRequests")
    #expect(error.status?.details?.causes?.contains { $0.reason == "DisruptionBudget" } == true)
    #expect(error.description.contains("PodDisruptionBudget forbids it for now"))
    #expect(try await server.client.get(Pod.self, "p", in: namespace).metadata.deletionTimestamp == nil)
  }

  @Test(arguments: Servers.atHand) func budgetIsSpent(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    try await runningPod(server, namespace)
    try await budget(server, namespace, allowed: 1)
    try await server.client.evict(pod: "p", in: namespace, options: DeleteOptions(dryRun: true))
    #expect(try await server.client.get(Pod.self, "p", in: namespace).metadata.deletionTimestamp == nil)
    try await server.client.evict(pod: "p", in: namespace)
    #expect(try await server.client.get(Pod.self, "p", in: namespace).metadata.deletionTimestamp != nil)
    let spent = try await server.client.get(PodDisruptionBudget.self, "b", in: namespace)
    #expect(spent.status?.disruptionsAllowed == 0 && spent.status?.disruptedPods?["p"] != nil)
  }

  @Test(arguments: Servers.atHand) func evictionObeysPreconditions(_ kind: Servers) async throws {
    let server = try await kind.start()
    let namespace = try await server.namespace()
    try await runningPod(server, namespace)
    let other = try await refusal {
      try await server.client.evict(
        pod: "p", in: namespace, options: DeleteOptions(uid: "00000000-0000-0000-0000-000000000000"))
    }
    #expect(other.isConflict)
    let missing = try await refusal { try await server.client.evict(pod: "none", in: namespace) }
    #expect(missing.isNotFound)
    try await server.client.evict(pod: "p", in: namespace, options: DeleteOptions(gracePeriodSeconds: 0))
    #expect(try await server.client.getIfPresent(Pod.self, "p", in: namespace) == nil)
  }

  @Test(arguments: Servers.atHand) func tokensHaveAudiencesAndEnds(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    try await client.create(ServiceAccount(metadata: ObjectMeta(name: "a", namespace: namespace)))
    let token = try await client.createToken(
      serviceAccount: "a", in: namespace, audiences: ["vault"], expirationSeconds: 600)
    #expect(token.expiration != nil)
    let review = try await client.call(
      .post, "/apis/authentication.k8s.io/v1/tokenreviews",
      body: [
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
        "spec": ["token": .string(token.token), "audiences": ["vault"]],
      ])
    #expect(review.json.value(at: ["status", "authenticated"]) == true)
    #expect(review.text("status", "user", "username") == "system:serviceaccount:\(namespace):a")
    // A token for somebody else is none for the API server.
    try await server.withClient(Credentials(bearer: .token(token.token))) { client in
      let error = try await refusal { try await client.list(ConfigMap.self, in: namespace) }
      #expect(error.isUnauthorized)
    }
    let short = try await refusal {
      try await client.createToken(serviceAccount: "a", in: namespace, expirationSeconds: 599)
    }
    #expect(short.isInvalid && short.status?.message?.contains("10 minutes") == true)
    #expect(try await refusal { try await client.createToken(serviceAccount: "none", in: namespace) }.isNotFound)
  }

  @Test(arguments: Servers.atHand) func tokenDiesWithItsPod(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    try await client.create(ServiceAccount(metadata: ObjectMeta(name: "a", namespace: namespace)))
    let holder = with(pod("p", in: namespace)) { $0.set("a", at: ["spec", "serviceAccountName"]) }
    let created: Pod = try await client.create(Pod.resourceType, holder).decode()
    let token = try await client.createToken(serviceAccount: "a", in: namespace, boundTo: created)
    @Sendable func whoAmI() async throws -> Int {
      try await server.withClient(Credentials(bearer: .token(token.token))) { client in
        try await client.call(
          .post, "/apis/authentication.k8s.io/v1/selfsubjectreviews",
          body: ["apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"]
        ).status
      }
    }
    #expect(try await whoAmI() == 201)
    try await client.delete(Pod.self, "p", in: namespace, options: DeleteOptions(gracePeriodSeconds: 0))
    try await eventually("the token is dead") { try await whoAmI() == 401 ? true : nil }
  }
}
