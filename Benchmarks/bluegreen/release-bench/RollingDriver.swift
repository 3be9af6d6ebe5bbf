import KubernetesClient
import KubernetesModels
import RTXPlatformAPI

/// Pod by pod, by the Deployment controller, as the operator sets it up without blue-green.
struct RollingDriver: ReleaseDriver {
  let place: Place
  var serviceName: String { "\(place.platform)-backend" }

  func prepare() async throws {
    try await place.patch([
      "spec": ["rollout": ["strategy": "RollingUpdate"], "backend": ["image": .string(place.images[0])]]
    ])
    try await place.wait(
      for: "the one Deployment instead of colours",
      until: {
        let platform = try await place.read()
        guard platform.status?.rollout == nil else { return false }
        return try await isComplete(place.images[0])
      })
    try await place.waitUntilAlone(place.images[0])
  }

  func cycle(_ watch: EndpointWatch) async throws -> Cycle {
    let old = try await place.read().spec.backend.image
    let new = place.other(than: old)
    let forth = try await move(to: new, watch)
    return Cycle(switches: [forth], rollback: try await move(to: old, watch))
  }

  /// The write is what lets requests move: the first pod is replaced at once.
  private func move(to image: String, _ watch: EndpointWatch) async throws -> Duration {
    let start = ContinuousClock.now
    try await place.release(image)
    let time = try await watch.settled(on: image, within: place.patience) - start
    try await place.wait(for: "the Deployment to be complete", until: { try await isComplete(image) })
    try await place.waitUntilAlone(image)
    return time
  }

  private func isComplete(_ image: String) async throws -> Bool {
    guard
      let deployment = try await place.client.getIfPresent(Deployment.self, serviceName, in: place.namespace),
      let status = deployment.status, let wanted = deployment.spec?.replicas
    else { return false }
    return deployment.spec?.template.spec?.containers.first { $0.name == "backend" }?.image == image
      && status.observedGeneration == deployment.metadata.generation && status.replicas == wanted
      && status.updatedReplicas == wanted && status.readyReplicas == wanted
  }
}
