import KubernetesClient
import KubernetesModels
import Testing

/// Discovery as a whole and by the names that people use.
@Suite(.timeLimit(.minutes(2))) struct ResourceNameTests {
  struct Name: Sendable, CustomTestStringConvertible {
    var text: String
    var type: ResourceType
    var testDescription: String { text }
    init(_ text: String, _ type: ResourceType) { (self.text, self.type) = (text, type) }
  }

  static let names: [Name] = [
    Name("po", Pod.resourceType), Name("Pod", Pod.resourceType), Name("svc", Service.resourceType),
    Name("cm", ConfigMap.resourceType), Name("secrets", Secret.resourceType), Name("ns", Namespace.resourceType),
    Name("deploy", Deployment.resourceType), Name("deployments.apps", Deployment.resourceType),
    Name("deployments.v1.apps", Deployment.resourceType), Name("sts", StatefulSet.resourceType),
    Name("rs", ReplicaSet.resourceType), Name("cj", CronJob.resourceType), Name("job", Job.resourceType),
    Name("ing", Ingress.resourceType), Name("netpol", NetworkPolicy.resourceType),
    Name("pdb", PodDisruptionBudget.resourceType), Name("hpa", HorizontalPodAutoscaler.resourceType),
    Name("pvc", PersistentVolumeClaim.resourceType), Name("sa", ServiceAccount.resourceType),
    Name("crd", CustomResourceDefinition.resourceType), Name("lease", Lease.resourceType),
    Name("events.events.k8s.io", Event.resourceType),
  ]

  @Test(arguments: Servers.atHand, names) func resourceIsFoundByName(_ kind: Servers, _ name: Name) async throws {
    let server = try await kind.start()
    let found = try #require(try await Discoveries.shared.cache(of: server).resource(matching: name.text))
    #expect(found.type == name.type && found.verbs.contains("watch"))
  }

  @Test(arguments: Servers.atHand) func aggregatedAndPlainDiscoveryAgree(_ kind: Servers) async throws {
    let server = try await kind.start()
    let v2 = try await server.client.call(
      .get, "/apis", accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
    #expect(v2.text("kind") == "APIGroupDiscoveryList" && v2.text("apiVersion") == "apidiscovery.k8s.io/v2")
    let aggregated = try await server.client.discover()
    // The same question without the new form.
    let old = KubernetesClient(
      transport: RecordingTransport(server.client.transport) { request in
        request.headers = request.headers.map { $0.name == "Accept" ? ($0.name, "application/json") : $0 }
      })
    let plain = try await old.discover()
    let stable = { (discovery: APIDiscovery) in
      // Other tests install types of their own meanwhile.
      discovery.resources.filter { !$0.type.group.hasSuffix("example.com") && $0.type.group != "rtx.trading" }.map {
        "\($0.type.apiVersion) \($0.type.plural) \($0.type.kind) \($0.type.isNamespaced) \($0.verbs.sorted()) "
          + "\($0.shortNames.sorted()) \($0.subresources.sorted())"
      }.sorted()
    }
    #expect(stable(aggregated) == stable(plain))
  }

  @Test(arguments: Servers.atHand) func cacheLearnsOfANewType(_ kind: Servers) async throws {
    let server = try await kind.start()
    let cache = DiscoveryCache(client: server.client, missInterval: .milliseconds(100))
    let widgets = Widgets()
    #expect(try await cache.serves(widgets.type) == false)
    try await server.install(definition: widgets.definition)
    try await eventually("the type is discovered") { try await cache.serves(widgets.type) ? true : nil }
    #expect(try await cache.resource(apiVersion: widgets.type.apiVersion, kind: "Widget")?.type == widgets.type)
    #expect(try await cache.resource(matching: "widgets.\(widgets.type.group)")?.shortNames == ["wdg"])
  }
}

/// One cache for each server.
private actor Discoveries {
  static let shared = Discoveries()
  private var caches: [Servers: DiscoveryCache] = [:]

  func cache(of server: TestServer) -> DiscoveryCache {
    if let known = caches[server.kind] { return known }
    let cache = DiscoveryCache(client: server.client)
    caches[server.kind] = cache
    return cache
  }
}
