import KubernetesClient
import KubernetesModels
import OperatorRuntime
import RTXPlatformAPI

/// What has to hold before the first write, so that a platform that cannot be made is not half made: every name is free
/// or ours, and the user's Secret has what is needed.
struct Preflight: Sendable {
  let platform: RTXPlatform
  let client: KubernetesClient
  let informers: PlatformInformers

  /// - Returns: The objects that are certainly not there yet, by ``ObjectWriter/identity(_:)``.
  /// - Throws: `ReconcileError` that says what is in the way.
  func run() async throws -> Set<String> {
    try await checkCredentials()
    let absent = try await withThrowingTaskGroup(of: String?.self) { group in
      for object in Self.objects(of: platform) { group.addTask { try await check(object) } }
      return try await group.reduce(into: Set<String>()) { names, name in if let name { names.insert(name) } }
    }
    return absent
  }

  /// Everything that this platform would have. Only kinds and names matter here.
  static func objects(of platform: RTXPlatform) -> [any KubernetesResource] {
    let configuration = ConfigurationObjects(platform: platform)
    var objects: [any KubernetesResource] = [configuration.configMap]
    if platform.generatesCredentials { objects.append(configuration.backendSecret([:])) }
    objects += NetworkPolicyObjects(platform: platform).objects + IngressObjects(platform: platform).objects
    if platform.spec.postgres.external == nil {
      objects.append(configuration.postgresSecret([:]))
      objects += PostgresObjects(platform: platform).objects
    }
    if platform.spec.redis.external == nil {
      let redis = RedisObjects(platform: platform, checksum: "")
      objects += [redis.claim] + redis.objects
    }
    if platform.spec.backup.enabled {
      let backup = BackupObjects(platform: platform)
      objects += [backup.claim] + backup.objects
    }
    let backend = BackendObjects(platform: platform, checksum: "", replicas: .byAutoscaler)
    return objects + backend.supporting + [backend.deployment]
  }

  private func check<Object: KubernetesResource>(_ desired: Object) async throws -> String? {
    var found = informers.informer(Object.self)?.get(desired.key)
    if found == nil {
      // The informer sees only labelled objects; a stranger's is looked for at the server.
      found = try await client.getIfPresent(Object.self, desired.key.name, in: desired.key.namespace)
    }
    guard let found else { return ObjectWriter.identity(desired) }
    try Ownership.check(found, for: platform)
    return nil
  }

  private func checkCredentials() async throws {
    guard !platform.generatesCredentials else { return }
    let secret = try await client.getIfPresent(Secret.self, platform.credentialsSecretName, in: platform.namespace)
    if let problem = SuppliedCredentials.problem(secret, of: platform) {
      throw ReconcileError.stalled(
        reason: ConditionReason.missingCredentials.rawValue, message: problem.description)
    }
  }
}
