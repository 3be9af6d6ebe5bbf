import KubernetesClient
import KubernetesModels
import OperatorRuntime
import RTXPlatformAPI

/// What a component's reconciler works with, for one platform at one moment.
struct PlatformContext: Sendable {
  let platform: RTXPlatform
  let client: KubernetesClient
  let informers: PlatformInformers
  let writer: ObjectWriter
  let memory: CredentialMemory
}

/// What a component's reconciler found.
struct ComponentReport: Sendable {
  var condition: ComponentCondition
  /// Puts the component's section into the status.
  var fill: @Sendable (inout RTXPlatformStatus) -> Void = { _ in }
}

/// One component of the platform: makes its objects and says how it is.
protocol ComponentReconciler: Sendable {
  var component: PlatformComponent { get }
  func reconcile(_ context: PlatformContext) async throws -> ComponentReport
}
