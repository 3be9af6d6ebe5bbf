import KubernetesClient
import KubernetesModels
import RTXPlatformAPI

/// As people script it: a second Deployment, and the Service's selector changed once it is available.
struct FlipDriver: ReleaseDriver {
  let place: Place
  var serviceName: String { "\(place.platform)-flip" }

  private static let label = "bench.rtx.trading/side"
  private static let sides = ["a", "b"]
  private var base: String { "\(place.platform)-backend" }

  func prepare() async throws {
    let image = try await place.read().spec.backend.image
    let deployment = try await place.client.get(Deployment.self, base, in: place.namespace)
    try await create(side: Self.sides[0], image, from: deployment)
    let original = try await place.client.get(Service.self, base, in: place.namespace)
    var service = Service(metadata: metadata(serviceName), spec: original.spec)
    service.spec?.clusterIP = nil
    service.spec?.clusterIPs = nil
    service.spec?.selector = [Self.label: Self.sides[0]]
    try await place.client.create(service)
    try await waitUntilAvailable(Self.sides[0])
    // The platform's own trading servers only stand by; what the flips are made of is kept in one of no pods.
    try await place.patch(["spec": ["backend": ["replicas": 0]]])
    try await place.wait(
      for: "the platform's own trading servers to stop",
      until: {
        let pods = try await place.client.list(
          Pod.self, in: place.namespace, options: ListOptions(labelSelector: EndpointWatch.selector))
        return pods.items.allSatisfy { $0.metadata.labels?[Self.label] != nil }
      })
  }

  func cycle(_ watch: EndpointWatch) async throws -> Cycle {
    let service = try await place.client.get(Service.self, serviceName, in: place.namespace)
    let side = service.spec?.selector?[Self.label] ?? Self.sides[0]
    let other = Self.sides.first { $0 != side } ?? Self.sides[1]
    let live = try await place.client.get(Deployment.self, name(side), in: place.namespace)
    let old = live.spec?.template.spec?.containers.first { $0.name == "backend" }?.image ?? place.images[0]
    let new = place.other(than: old)

    try await create(side: other, new, from: live)
    try await waitUntilAvailable(other)
    let start = ContinuousClock.now
    try await flip(from: side, to: other)
    let forth = try await watch.settled(on: new, within: place.patience) - start
    try await place.waitUntilAlone(new)

    // Of the old Deployment nothing is left: the way back begins with making it again.
    let backStart = ContinuousClock.now
    try await create(side: side, old, from: live)
    try await waitUntilAvailable(side)
    try await flip(from: other, to: side)
    let back = try await watch.settled(on: old, within: place.patience) - backStart
    try await place.waitUntilAlone(old)
    return Cycle(switches: [forth], rollback: back)
  }

  private func flip(from old: String, to new: String) async throws {
    _ = try await place.client.patch(
      Service.self, serviceName, in: place.namespace, .merge(["spec": ["selector": [Self.label: .string(new)]]]))
    try await place.client.delete(
      Deployment.self, name(old), in: place.namespace, options: DeleteOptions(propagation: .background))
  }

  /// With the labels of the original's pods, which the platform's network policies go by, and one more.
  private func create(side: String, _ image: String, from original: Deployment) async throws {
    guard var spec = original.spec else { throw BenchFailure("Deployment \(base) has no spec") }
    spec.selector.matchLabels?[Self.label] = side
    spec.template.metadata?.labels?[Self.label] = side
    guard var pod = spec.template.spec else { throw BenchFailure("Deployment \(base) has no pods") }
    let server = original.spec?.template.spec?.containers.first { $0.name == "backend" }?.image
    for index in pod.containers.indices where pod.containers[index].image == server {
      pod.containers[index].image = image
    }
    for index in (pod.initContainers ?? []).indices where pod.initContainers?[index].image == server {
      pod.initContainers?[index].image = image
    }
    spec.template.spec = pod
    try await place.client.create(Deployment(metadata: metadata(name(side)), spec: spec))
  }

  private func waitUntilAvailable(_ side: String) async throws {
    try await place.wait(
      for: "Deployment \(name(side)) to be available",
      until: {
        let deployment = try await place.client.get(Deployment.self, name(side), in: place.namespace)
        return deployment.status?.availableReplicas == deployment.spec?.replicas
      })
  }

  private func name(_ side: String) -> String { "\(place.platform)-flip-\(side)" }

  private func metadata(_ name: String) -> ObjectMeta { ObjectMeta(name: name, namespace: place.namespace) }
}
