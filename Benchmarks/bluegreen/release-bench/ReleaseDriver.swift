import KubernetesClient
import KubernetesModels
import RTXPlatformAPI

/// One way of releasing.
protocol ReleaseDriver: Sendable {
  var place: Place { get }
  /// The Service that clients use.
  var serviceName: String { get }
  /// Everything before there is load.
  func prepare() async throws
  /// One release that stays and one that is rolled back, or as near to that as the way comes.
  func cycle(_ watch: EndpointWatch) async throws -> Cycle
}

extension ReleaseDriver {
  /// `host:port` of the Service inside the cluster.
  func address() async throws -> String {
    let service = try await place.client.get(Service.self, serviceName, in: place.namespace)
    guard let host = service.spec?.clusterIP, let port = service.spec?.ports?.first?.port else {
      throw BenchFailure("Service \(serviceName) has no address")
    }
    return "\(host):\(port)"
  }
}

/// Where releases happen.
struct Place: Sendable {
  let client: KubernetesClient
  let namespace: String
  let platform: String
  /// The two that take turns.
  let images: [String]
  /// For anything to happen.
  let patience: Duration

  func other(than image: String?) -> String { image == images[0] ? images[1] : images[0] }

  func read() async throws -> RTXPlatform { try await client.get(RTXPlatform.self, platform, in: namespace) }

  func patch(_ change: JSONValue) async throws {
    _ = try await client.patch(RTXPlatform.self, platform, in: namespace, .merge(change))
  }

  func release(_ image: String) async throws { try await patch(["spec": ["backend": ["image": .string(image)]]]) }

  /// Looks again and again until `look` finds something.
  func wait<Value>(for what: String, _ look: () async throws -> Value?) async throws -> Value {
    let deadline = ContinuousClock.now + patience
    while true {
      if let value = try await look() { return value }
      guard ContinuousClock.now < deadline else { throw BenchFailure("not within \(patience): \(what)") }
      try await Task.sleep(for: .milliseconds(100))
    }
  }

  func wait(for what: String, until isSo: () async throws -> Bool) async throws {
    _ = try await wait(for: what) { try await isSo() ? true : nil }
  }

  /// Waits until no trading server of another image is left, not even one that is stopping, so that the next release
  /// does not share the machine with the last one.
  func waitUntilAlone(_ image: String) async throws {
    let options = ListOptions(labelSelector: EndpointWatch.selector)
    try await wait(
      for: "only trading servers of \(image)",
      until: {
        let pods = try await client.list(Pod.self, in: namespace, options: options).items
        return pods.allSatisfy { $0.serverImage == image }
      })
    // Clients that were sent away have settled before the next ones are.
    try await Task.sleep(for: .seconds(3))
  }
}

extension Pod {
  /// The image of its trading server.
  var serverImage: String? { spec?.containers.first { $0.name == "backend" }?.image }

  var isReady: Bool {
    metadata.deletionTimestamp == nil
      && (status?.conditions ?? []).contains { $0.type == "Ready" && $0.status == "True" }
  }
}
