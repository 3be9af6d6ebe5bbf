import KubernetesModels
import OperatorRuntime
import RTXPlatformAPI

// Back from colours to the one Deployment that replaces its pods one by one.
extension ReleaseExecutor {
  /// One look; every part can be repeated.
  /// - Returns: Whether the one Deployment serves and nothing of the colours is left.
  func returnToPlain() async throws -> Bool {
    guard !writer.isPaused else { return false }
    let count = scene.matchingReplicas
    let backend = BackendObjects(platform: platform, checksum: checksum, replicas: .byOperator(count))
    // Beside a Service that selects every pod, which is what there is without colours, nothing is out of turn.
    try await writer.ensure(backend.deployment)
    guard scene.colours[.plain]?.health == .complete else {
      try await writer.ensure(service(keeping: scene.liveColour))
      return false
    }
    try await writer.ensure(backend.service(selecting: platform.selectorLabels(.backend)))
    guard scene.live == .all, scene.isSettled else { return false }
    for colour in Colour.allCases where colour != .plain { try await remove(colour) }
    if let preview = informers.services.get(platform.objectName(.backend, "preview"), in: platform.namespace),
      preview.isControlled(by: platform)
    {
      try await writer.delete(preview)
    }
    return scene.colours.keys.allSatisfy { $0 == .plain }
  }

  private func service(keeping colour: Colour?) -> Service {
    let selector = colour.flatMap { scene.selector(of: $0) } ?? platform.selectorLabels(.backend)
    return BackendObjects(platform: platform, checksum: checksum, replicas: .byAutoscaler)
      .service(selecting: selector)
  }
}
