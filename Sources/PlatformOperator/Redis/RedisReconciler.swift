import KubernetesModels
import OperatorRuntime
import RTXPlatformAPI

/// Runs Redis, unless others do.
struct RedisReconciler: ComponentReconciler {
  let component = PlatformComponent.redis

  func reconcile(_ context: PlatformContext) async throws -> ComponentReport {
    let platform = context.platform
    let address = platform.redisAddress
    let endpoint = "\(address.host):\(address.port)"
    guard platform.spec.redis.external == nil else {
      try await context.writer.reconcile(.redis, [])
      return ComponentReport(condition: .available("others run it at \(endpoint)", .external)) { status in
        status.redis = nil
        status.endpoints = status.endpoints ?? EndpointsStatus()
        status.endpoints?.redis = endpoint
      }
    }
    let checksum = try await ConfigurationReconciler.checksum(context).credentials
    let objects = RedisObjects(platform: platform, checksum: checksum)
    try await context.ensureClaim(
      objects.claim, path: "spec.redis.storage.size", wanted: platform.spec.redis.storage.size)
    try await context.writer.reconcile(.redis, objects.objects)
    let deployment = context.informers.deployments.get(platform.objectName(.redis), in: platform.namespace)
    let pods = context.informers.pods(platform, .redis)
    let ready = deployment?.status?.readyReplicas ?? 0
    let condition = DeploymentState.condition(deployment, pods: pods, what: "Redis")
    return ComponentReport(condition: condition) { status in
      status.redis = RedisStatus(ready: "\(ready)/1")
      status.endpoints = status.endpoints ?? EndpointsStatus()
      status.endpoints?.redis = endpoint
    }
  }
}

extension PlatformContext {
  /// Makes a claim, or lets it grow; a claim cannot shrink.
  func ensureClaim(_ claim: PersistentVolumeClaim, path: String, wanted: String) async throws {
    let observed = informers.claims.get(claim.key)
    do throws(SpecProblem) {
      try ClaimGrowth.check(observed, wanted: wanted, path: path)
    } catch {
      throw ReconcileError.stalled(reason: ConditionReason.invalidSpec.rawValue, message: error.description)
    }
    try await writer.ensure(claim)
  }
}
