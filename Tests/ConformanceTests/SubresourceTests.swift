import KubernetesClient
import KubernetesModels
import Testing

@Suite(.timeLimit(.minutes(2))) struct SubresourceTests {
  @Test(arguments: Servers.atHand) func statusAndSpecAreWrittenApart(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    var object: Deployment = try await client.create(
      Deployment.resourceType, deployment("a", in: namespace, replicas: 1)
    ).decode()
    object.spec?.replicas = 5
    object.metadata.labels = ["ignored": "yes"]
    object.status = DeploymentStatus(observedGeneration: 1, replicas: 1)
    let reported = try await client.replaceStatus(object)
    #expect(reported.status?.replicas == 1 && reported.spec?.replicas == 1)
    #expect(reported.metadata.generation == 1)

    var changed = reported
    changed.spec?.replicas = 3
    changed.status?.replicas = 9
    let replaced = try await client.replace(changed)
    #expect(replaced.spec?.replicas == 3 && replaced.status?.replicas == 1)
    #expect(replaced.metadata.generation == 2)
    let patched: Deployment = try await client.patch(
      Deployment.self, "a", in: namespace, .merge(["status": ["replicas": 3], "spec": ["replicas": 7]]),
      subresource: "status")
    #expect(patched.status?.replicas == 3 && patched.spec?.replicas == 3)
    let read = try await client.get(Deployment.self, "a", in: namespace, subresource: "status")
    #expect(read == patched)
    #expect(try await refusal { try await client.replaceStatus(reported) }.isConflict)
  }

  @Test(arguments: Servers.atHand) func scaleReadsAndWritesReplicas(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    try await client.create(Deployment.resourceType, deployment("a", in: namespace, replicas: 2))
    let before = try await client.scale(of: Deployment.self, "a", in: namespace)
    #expect((before.desiredReplicas, before.currentReplicas) == (2, 0))
    #expect(before.selector == "app=a")
    let after = try await client.scale(Deployment.self, "a", in: namespace, to: 4)
    #expect(after.desiredReplicas == 4)
    let object = try await client.get(Deployment.self, "a", in: namespace)
    #expect(object.spec?.replicas == 4 && object.metadata.generation == 2)
    #expect(object.metadata.resourceVersion == after.resourceVersion)

    let path = "/apis/apps/v1/namespaces/\(namespace)/deployments/a/scale"
    let read = try await client.call(.get, path)
    #expect(read.text("apiVersion") == "autoscaling/v1" && read.text("kind") == "Scale")
    var wanted = read.json
    wanted.set(0, at: ["spec", "replicas"])
    #expect(try await client.call(.put, path, body: wanted).status == 200)
    #expect(try await client.get(Deployment.self, "a", in: namespace).spec?.replicas == 0)
    wanted.set(-1, at: ["spec", "replicas"])
    wanted.set(nil, at: ["metadata", "resourceVersion"])
    #expect(try await client.call(.put, path, body: wanted).status == 422)
    let unscalable = try await refusal { try await client.scale(of: ConfigMap.self, "a", in: namespace) }
    #expect(unscalable.isNotFound)
  }

  @Test(arguments: Servers.atHand) func podIsBoundAndEvicted(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    try await client.create(Pod.resourceType, pod("a", in: namespace))
    let path = "/api/v1/namespaces/\(namespace)/pods/a"
    let binding = try await client.call(
      .post, path + "/binding",
      body: [
        "apiVersion": "v1", "kind": "Binding", "metadata": ["name": "a"],
        "target": ["apiVersion": "v1", "kind": "Node", "name": "node-1"],
      ])
    #expect(binding.status == 201)
    let bound = try await client.get(Pod.self, "a", in: namespace)
    #expect(bound.spec?.nodeName == "node-1")
    #expect(bound.status?.conditions?.contains { $0.type == "PodScheduled" && $0.status == "True" } == true)
    // On a node it gets its grace period: the kubelet ends it, and there is none here.
    try await client.evict(pod: "a", in: namespace)
    let evicted = try await client.get(Pod.self, "a", in: namespace)
    #expect(evicted.metadata.deletionTimestamp != nil && evicted.metadata.deletionGracePeriodSeconds == 30)
    try await client.delete(Pod.self, "a", in: namespace, options: DeleteOptions(gracePeriodSeconds: 0))
    #expect(try await client.getIfPresent(Pod.self, "a", in: namespace) == nil)
  }
}
