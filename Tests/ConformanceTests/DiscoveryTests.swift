import KubernetesClient
import KubernetesModels
import RTXPlatformAPI
import Testing

@Suite(.timeLimit(.minutes(2))) struct DiscoveryTests {
  @Test(arguments: Servers.atHand) func serverTellsWhatItHas(_ kind: Servers) async throws {
    let server = try await kind.start()
    try await server.installPlatformCRD()
    let found = try await server.client.discover()
    #expect(found.failures.isEmpty)
    let pods = try #require(found.resource(named: "po"))
    #expect(pods.type == Pod.resourceType)
    #expect(pods.verbs.sorted() == ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"])
    #expect(Set(pods.subresources).isSuperset(of: ["binding", "eviction", "exec", "log", "portforward", "status"]))
    let deployments = try #require(found.resource(named: "deploy", group: "apps"))
    #expect(Set(deployments.subresources) == ["scale", "status"])
    #expect(found.resource(named: "Namespace")?.type.isNamespaced == false)
    let platforms = try #require(found.resource(named: "rtx"))
    #expect(platforms.type == RTXPlatform.resourceType && Set(platforms.subresources) == ["scale", "status"])

    // Every type that the platform's operator writes or reads.
    for type in [
      ConfigMap.resourceType, Secret.resourceType, Service.resourceType, ServiceAccount.resourceType,
      PersistentVolumeClaim.resourceType, StatefulSet.resourceType, CronJob.resourceType, Job.resourceType,
      HorizontalPodAutoscaler.resourceType, NetworkPolicy.resourceType, Ingress.resourceType,
      PodDisruptionBudget.resourceType, Role.resourceType, RoleBinding.resourceType, EndpointSlice.resourceType,
      Lease.resourceType, Event.resourceType,
    ] { #expect(found.serves(type), "\(type.plural).\(type.group)") }
    #expect(try await server.client.serves(RTXPlatform.resourceType))
    let absent = ResourceType(group: "absent.example.com", version: "v1", kind: "Absent", plural: "absents")
    #expect(try await server.client.serves(absent) == false)
    #expect(try await server.client.serverVersion().hasPrefix("v1."))
  }

  @Test(arguments: Servers.atHand) func otherEndpointsAnswer(_ kind: Servers) async throws {
    let server = try await kind.start()
    for path in ["/readyz", "/livez", "/healthz"] {
      let answer = try await server.client.call(.get, path, accept: "*/*")
      #expect(answer.status == 200 && answer.json == "ok", "\(path)")
    }
    try await server.installPlatformCRD()
    let paths = try await eventually("OpenAPI has the platform's group") { [client = server.client] in
      let index = try await client.call(.get, "/openapi/v3")
      let paths = index.json["paths"]?.objectValue
      return paths?["apis/rtx.trading/v1alpha1"] == nil ? nil : paths
    }
    #expect(paths["api/v1"] != nil && paths["apis/apps/v1"] != nil)
    let address = try #require(paths["apis/rtx.trading/v1alpha1"]?["serverRelativeURL"]?.stringValue)
    let parts = address.split(separator: "?", maxSplits: 1).map(String.init)
    let hash = parts.count > 1 ? parts[1].split(separator: "=").last.map(String.init) : nil
    let document = try await server.client.call(
      .get, parts[0], query: hash.map { [(name: "hash", value: $0)] } ?? [])
    let schemas = document.json.value(at: ["components", "schemas"])?.objectValue ?? [:]
    #expect(schemas.keys.contains("trading.rtx.v1alpha1.RTXPlatform"))
    #expect(try await server.client.call(.get, "/apis/absent.example.com/v1").status == 404)
    #expect(try await server.client.call(.get, "/api/v1/namespaces/default/absents").status == 404)
  }
}
