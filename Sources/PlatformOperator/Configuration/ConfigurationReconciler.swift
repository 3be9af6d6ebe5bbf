import KubernetesClient
import KubernetesModels
import OperatorRuntime
import RTXPlatformAPI

/// Makes the trading server's ConfigMap, and the Secrets that nobody supplied.
struct ConfigurationReconciler: ComponentReconciler {
  let component = PlatformComponent.configuration

  func reconcile(_ context: PlatformContext) async throws -> ComponentReport {
    let platform = context.platform
    let objects = ConfigurationObjects(platform: platform)
    var message = "credentials come from Secret \(platform.credentialsSecretName)"
    if platform.generatesCredentials {
      try await secret(context, platform.objectName(.backend, "secrets"), GeneratedCredentials.backend) {
        objects.backendSecret($0)
      }
    } else {
      message += ", which is yours"
    }
    if platform.spec.postgres.external == nil {
      try await secret(context, platform.objectName(.postgres, "secrets"), GeneratedCredentials.postgres) {
        objects.postgresSecret($0)
      }
    }
    try await context.writer.reconcile(.configuration, [objects.configMap])
    let condition = ComponentCondition.available(message)
    return ComponentReport(condition: condition) { $0.credentialsSecret = platform.credentialsSecretName }
  }

  private typealias Generator = (
    _ existing: [String: String], _ random: inout SystemRandomNumberGenerator
  ) -> [String: String]

  /// Keeps every value that was ever seen, generates what was never there.
  private func secret(
    _ context: PlatformContext, _ name: String, _ generate: Generator, _ build: ([String: String]) -> Secret
  ) async throws {
    guard !context.writer.isPaused else { return }
    let platform = context.platform
    let present = try await Self.secret(context, name)
    let owner = "\(platform.metadata.uid ?? "")/\(name)"
    let known = context.memory.recall(owner, adding: present?.data ?? [:])
    var random = SystemRandomNumberGenerator()
    let data = context.memory.recall(owner, adding: generate(known, &random))
    try await context.writer.ensure(build(data))
  }

  /// A Secret by name. The server is asked when the store has none: one that lags must not lead to a second set of
  /// passwords, and the user's own Secret is never in it.
  private static func secret(_ context: PlatformContext, _ name: String) async throws -> Secret? {
    if let known = context.informers.secrets.get(name, in: context.platform.namespace) { return known }
    return try await context.client.getIfPresent(Secret.self, name, in: context.platform.namespace)
  }

  /// A fingerprint of what the trading server's pods read at their start, without giving any of it away: of the user's
  /// own Secret only its version goes in.
  static func checksum(_ context: PlatformContext) async throws -> (backend: String, credentials: String) {
    let platform = context.platform
    let name = platform.credentialsSecretName
    guard let current = try await secret(context, name) else {
      throw ReconcileError.waitForChange(
        reason: ConditionReason.waiting.rawValue, message: "waits for Secret \(name)")
    }
    let credentials =
      platform.generatesCredentials
      ? ContentHash.of(current.data ?? [:])
      : ContentHash.of([current.metadata.uid ?? "", current.metadata.resourceVersion ?? ""])
    let configuration = ContentHash.of(ConfigurationObjects(platform: platform).configuration)
    return (ContentHash.of([configuration, credentials]), credentials)
  }
}
