import KubernetesModels
import OperatorRuntime
import RTXPlatformAPI

/// Labels the namespace (deployment architecture: "1. Namespace") and has it admit only restricted pods.
struct NamespaceReconciler: ComponentReconciler {
  let component = PlatformComponent.namespace

  func reconcile(_ context: PlatformContext) async throws -> ComponentReport {
    let platform = context.platform
    let neighbours = context.informers.platforms.list(namespace: platform.namespace)
    guard Self.isInCharge(platform, among: neighbours) else {
      return ComponentReport(condition: .available("an older platform labels the namespace"))
    }
    try await context.writer.ensure(Self.namespace(platform))
    return ComponentReport(
      condition: .available(
        platform.spec.security.enforcePodSecurity
          ? "the namespace admits only pods of the restricted standard" : "the namespace is labelled"))
  }

  /// Two platforms in one namespace must not relabel it in turns: the oldest does it.
  static func isInCharge(_ platform: RTXPlatform, among neighbours: [RTXPlatform]) -> Bool {
    !neighbours.contains { other in
      other.metadata.uid != platform.metadata.uid && !other.isBeingDeleted
        && PlatformValidation.isOlder(other, than: platform)
    }
  }

  static func namespace(_ platform: RTXPlatform) -> Namespace {
    var labels = ["name": platform.namespace, "environment": platform.spec.environment]
    if platform.spec.security.enforcePodSecurity {
      for mode in ["enforce", "audit", "warn"] { labels["pod-security.kubernetes.io/\(mode)"] = "restricted" }
    }
    return Namespace(metadata: ObjectMeta(labels: labels, name: platform.namespace))
  }
}
