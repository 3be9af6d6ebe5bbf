import KubernetesClient
import KubernetesModels
import Testing

/// What goes wrong, as the client tells it. The server's own refusals are checked where they arise.
@Suite(.timeLimit(.minutes(2))) struct ErrorTests {
  @Test(arguments: Servers.atHand) func refusalsAreToldApart(_ kind: Servers) async throws {
    let server = try await kind.start()
    let client = server.client
    let namespace = try await server.namespace()
    let missing = try await refusal { try await client.get(ConfigMap.self, "none", in: namespace) }
    #expect(missing.isNotFound && missing.reason == "NotFound" && !missing.isTransient)
    #expect(missing.status?.message == "configmaps \"none\" not found")
    #expect(missing.status?.details?.name == "none" && missing.status?.details?.kind == "configmaps")

    let widgets = Widgets()
    let unserved = try await refusal { try await client.list(widgets.type, in: namespace) }
    #expect(unserved.isNotFound)
    let absent = ResourceType(group: "", version: "v1", kind: "Absent", plural: "absents")
    let unknown = try await refusal { try await client.list(absent, in: namespace) }
    #expect(unknown.isNotFound && unknown.status?.message == "the server could not find the requested resource")
    let wrongMethod = try await client.call(.post, "/api/v1/namespaces/\(namespace)/configmaps/a", body: [:])
    #expect(wrongMethod.status == 405 && wrongMethod.reason == "MethodNotAllowed")
    let unacceptable = try await client.call(
      .get, "/api/v1/namespaces/\(namespace)/configmaps", accept: "image/png")
    #expect(unacceptable.status == 406)
    let garbage = try await client.call(.post, "/api/v1/namespaces/\(namespace)/configmaps", text: "{\"kind\":")
    #expect(garbage.status == 400 && garbage.reason == "BadRequest")
    let unsupported = try await client.call(
      .post, "/api/v1/namespaces/\(namespace)/configmaps", text: "x", type: "text/csv")
    #expect(unsupported.status == 415 && unsupported.reason == "UnsupportedMediaType")
    let future = try await client.call(
      .get, "/api/v1/namespaces/\(namespace)/configmaps", query: [("resourceVersion", "nonsense")])
    #expect(future.status == 400 || future.status == 422)
  }

  @Test(arguments: Servers.atHand) func untrustedServerIsNotSpokenTo(_ kind: Servers) async throws {
    let server = try await kind.start()
    var configuration = server.configuration
    configuration.certificateAuthority = nil
    let stranger = try KubernetesClient(configuration: configuration)
    let error = try await refusal { try await stranger.list(Namespace.self) }
    try await stranger.shutdown()
    guard case .transport(let failure) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(failure.kind == .certificate && !error.isTransient)
  }

  @Test func closedPortIsRefused() async throws {
    let port = try freePorts(1)[0]
    let client = try KubernetesClient(
      configuration: ClusterConfiguration(server: "https://127.0.0.1:\(port)", requestTimeout: .seconds(10)))
    let error = try await refusal { try await client.list(Namespace.self) }
    try await client.shutdown()
    guard case .transport(let failure) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(failure.kind == .refused && error.isTransient)
  }
}
