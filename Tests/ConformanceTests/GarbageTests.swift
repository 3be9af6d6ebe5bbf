import KubernetesClient
import KubernetesModels
import OperatorRuntime
import Testing

/// What needs the garbage collector and the namespace controller.
@Suite(.timeLimit(.minutes(3))) struct GarbageTests {
  private func family(_ server: TestServer) async throws -> (namespace: String, owner: ConfigMap) {
    let namespace = try await server.namespace()
    let owner = try await server.client.create(configMap("owner", in: namespace))
    var child = configMap("child", in: namespace)
    child.metadata.ownerReferences = [try #require(OwnerReference(controlling: owner))]
    try await server.client.create(child)
    return (namespace, owner)
  }

  @Test(arguments: Servers.withControllers, [DeleteOptions.Propagation.background, .foreground])
  func dependentsFollowTheirOwner(_ kind: Servers, _ propagation: DeleteOptions.Propagation) async throws {
    let server = try await kind.start()
    let (namespace, _) = try await family(server)
    try await server.client.delete(
      ConfigMap.self, "owner", in: namespace, options: DeleteOptions(propagation: propagation))
    try await eventually("both are gone", within: .seconds(45)) { [client = server.client] in
      let left = try await client.list(ConfigMap.self, in: namespace).items
      return left.contains { ["owner", "child"].contains($0.metadata.name) } ? nil : true
    }
  }

  @Test(arguments: Servers.withControllers) func orphansStay(_ kind: Servers) async throws {
    let server = try await kind.start()
    let (namespace, _) = try await family(server)
    try await server.client.delete(
      ConfigMap.self, "owner", in: namespace, options: DeleteOptions(propagation: .orphan))
    try await eventually("the owner is gone", within: .seconds(45)) { [client = server.client] in
      try await client.getIfPresent(ConfigMap.self, "owner", in: namespace) == nil ? true : nil
    }
    let child = try await server.client.get(ConfigMap.self, "child", in: namespace)
    #expect(child.metadata.ownerReferences?.isEmpty ?? true)
  }

  @Test(arguments: Servers.withControllers) func foregroundDeletionShowsItsFinalizer(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let (namespace, _) = try await family(server)
    let held: ConfigMap = try await client.patch(
      ConfigMap.self, "child", in: namespace, .merge(["metadata": ["finalizers": ["example.com/hold"]]]))
    try await client.delete(ConfigMap.self, "owner", in: namespace, options: DeleteOptions(propagation: .foreground))
    let child = try await eventually("the child is being deleted", within: .seconds(45)) { () -> ConfigMap? in
      let child = try await client.get(ConfigMap.self, "child", in: namespace)
      return child.isBeingDeleted ? child : nil
    }
    // The owner waits for the child, which waits for its finalizer.
    let owner = try await client.get(ConfigMap.self, "owner", in: namespace)
    #expect(owner.metadata.finalizers == ["foregroundDeletion"] && owner.isBeingDeleted)
    #expect(child.metadata.uid == held.metadata.uid)
    try await client.removeFinalizer("example.com/hold", from: child)
    try await eventually("the owner is gone", within: .seconds(45)) {
      try await client.getIfPresent(ConfigMap.self, "owner", in: namespace) == nil ? true : nil
    }
  }

  @Test(arguments: Servers.withControllers) func namespaceTakesItsObjectsAlong(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace("doomed")
    try await client.create(configMap("a", in: namespace))
    var held = configMap("held", in: namespace)
    held.metadata.finalizers = ["example.com/hold"]
    held = try await client.create(held)
    try await client.delete(Namespace.self, namespace)
    try await eventually("the namespace is terminating", within: .seconds(45)) {
      let current = try await client.get(Namespace.self, namespace)
      let isEmptied = try await client.getIfPresent(ConfigMap.self, "a", in: namespace) == nil
      return current.status?.phase == "Terminating" && isEmptied ? true : nil
    }
    let late = try await refusal { try await client.create(configMap("late", in: namespace)) }
    #expect(late.isForbidden)
    #expect(late.status?.message?.contains("because it is being terminated") == true)
    try await client.removeFinalizer(
      "example.com/hold", from: try await client.get(ConfigMap.self, "held", in: namespace))
    // The namespace controller of a real cluster looks again after a while that it estimates.
    try await eventually("the namespace is gone", within: .seconds(60)) {
      try await client.getIfPresent(Namespace.self, namespace) == nil ? true : nil
    }
  }
}
