import KubernetesClient
import KubernetesModels
import RTXPlatformAPI
import Testing

/// An API server that the whole suite runs against.
enum Servers: String, Sendable, CustomTestStringConvertible {
  /// The sandbox's, in this process; nothing acts on its objects.
  case sandbox
  /// etcd and kube-apiserver; nothing acts on its objects.
  case controlPlane
  /// The sandbox's with its controllers.
  case sandboxWithControllers
  /// etcd, kube-apiserver and kube-controller-manager.
  case controlPlaneWithControllers

  /// Those that can be had on this machine.
  static let atHand: [Servers] = [.sandbox] + (ControlPlane.programs == nil ? [] : [.controlPlane])
  /// Those of them where garbage is collected and namespaces end.
  static let withControllers: [Servers] =
    [.sandboxWithControllers] + (ControlPlane.controllerManager == nil ? [] : [.controlPlaneWithControllers])

  var testDescription: String { rawValue }

  /// The server, started when first asked for and shared by all tests.
  func start() async throws -> TestServer { try await Registry.shared.server(self) }
}

/// A running API server, as an administrator sees it.
struct TestServer: Sendable {
  let kind: Servers
  let client: KubernetesClient
  /// How to reach it over TLS with an administrator's credentials.
  let configuration: ClusterConfiguration
  /// After so many changes of one type its version 1 is too old to watch from.
  let writesUntilExpiry: Int

  /// A client with other credentials, for as long as `body` runs.
  func withClient<Result: Sendable>(
    _ credentials: Credentials, _ body: (KubernetesClient) async throws -> Result
  ) async throws -> Result {
    var configuration = configuration
    configuration.credentials = credentials
    let client = try KubernetesClient(configuration: configuration)
    do {
      let result = try await body(client)
      try await client.shutdown()
      return result
    } catch {
      try? await client.shutdown()
      throw error
    }
  }

  /// A new namespace with a name of its own.
  func namespace(_ prefix: String = "test") async throws -> String {
    let created = try await client.create(Namespace(metadata: ObjectMeta(generateName: "\(prefix)-")))
    let name = try #require(created.metadata.name)
    // Where there is one it is there from the start; tests count ConfigMaps.
    if kind == .sandbox { try await client.delete(ConfigMap.self, "kube-root-ca.crt", in: name) }
    return name
  }
}

/// What was started so far, for as long as the process lives.
private actor Registry {
  static let shared = Registry()
  private let servers = Memo<Servers, TestServer>()
  private let definitions = Memo<Servers, Void>()
  private let controlPlane = Memo<Servers, ControlPlane>()
  private var controllers: [ServerProcess] = []

  func server(_ kind: Servers) async throws -> TestServer {
    try await servers.value(for: kind) { try await self.start(kind) }
  }

  private func start(_ kind: Servers) async throws -> TestServer {
    if kind == .sandbox || kind == .sandboxWithControllers { return try await startSandbox(kind) }
    // The controllers take no part in what the other tests do, so they run beside the same API server.
    let plane = try await controlPlane.value(for: .controlPlane) { try await ControlPlane() }
    let server = TestServer(
      kind: kind, client: try KubernetesClient(configuration: plane.configuration), configuration: plane.configuration,
      writesUntilExpiry: 0)
    if kind == .controlPlaneWithControllers {
      // The garbage collector learns of types made after its start only every 30 seconds.
      try await server.installPlatformCRD()
      controllers.append(try plane.startControllers())
    }
    return server
  }

  /// Once for each API server.
  func install(on server: TestServer) async throws {
    let kind: Servers = server.kind == .controlPlaneWithControllers ? .controlPlane : server.kind
    try await definitions.value(for: kind) { try await server.applyPlatformCRD() }
  }
}

/// Makes each value once, however many ask for it at the same time.
actor Memo<Key: Hashable & Sendable, Value: Sendable> {
  private var known: [Key: Task<Value, any Error>] = [:]

  func value(for key: Key, _ make: @escaping @Sendable () async throws -> Value) async throws -> Value {
    let task = known[key] ?? Task { try await make() }
    known[key] = task
    return try await task.value
  }
}

extension TestServer {
  /// Installs the platform's CustomResourceDefinition, unless it is there.
  func installPlatformCRD() async throws { try await Registry.shared.install(on: self) }

  fileprivate func applyPlatformCRD() async throws {
    let definition = try #require(try YAML.parse(try Repository.text("crds/rtx.trading_rtxplatforms.yaml")).first)
    try await install(definition: DynamicObject(definition))
  }

  /// Creates a CustomResourceDefinition and waits until its objects can be written.
  func install(definition: DynamicObject) async throws {
    let name = try #require(definition.name)
    try await client.create(CustomResourceDefinition.resourceType, definition)
    try await eventually("\(name) is established") { [client] in
      let definition = try await client.get(CustomResourceDefinition.self, name)
      let conditions = definition.status?.conditions ?? []
      return ["Established", "NamesAccepted"].allSatisfy { type in
        conditions.contains { $0.type == type && $0.status == "True" }
      } ? true : nil
    }
    // The handler of a new type comes up a moment after its condition.
    let spec = definition.json["spec"]
    let group = try #require(spec?["group"]?.stringValue)
    let version = try #require(spec?.value(at: ["versions", "0", "name"])?.stringValue)
    let plural = try #require(spec?.value(at: ["names", "plural"])?.stringValue)
    try await eventually("\(name) is served") { [client] in
      try await client.call(.get, "/apis/\(group)/\(version)/\(plural)").status == 200 ? true : nil
    }
  }
}
