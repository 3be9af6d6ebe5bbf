import KubernetesModels
import RTXPlatformAPI

/// The trading server's environment: what is no secret as a ConfigMap, the rest as a Secret.
struct ConfigurationObjects {
  let platform: RTXPlatform

  /// Keys and values of the deployment architecture, "2. ConfigMap"; the user's own beside them.
  var configuration: [String: String] {
    let backend = platform.spec.backend
    let (postgres, redis) = (platform.postgresAddress, platform.redisAddress)
    let own: [PlatformConfigurationKey: String] = [
      .brokerName: backend.brokerName,
      .priceFeed: backend.priceFeed,
      .executionMode: backend.executionMode,
      .environment: platform.spec.environment,
      .databaseHost: postgres.host,
      .databasePort: String(postgres.port),
      .databaseName: platform.spec.postgres.database,
      .redisHost: redis.host,
      .redisPort: String(redis.port),
      .port: String(backend.port),
      .logLevel: backend.logLevel,
    ]
    let named = Dictionary(uniqueKeysWithValues: own.map { ($0.key.rawValue, $0.value) })
    return named.merging(backend.extraConfig ?? [:]) { own, _ in own }
  }

  var configMap: ConfigMap {
    ConfigMap(data: configuration, metadata: platform.objectMetadata(.configuration))
  }

  /// - Parameter data: Base64 by key; see ``GeneratedCredentials``.
  func backendSecret(_ data: [String: String]) -> Secret {
    Secret(data: data, metadata: platform.dataMetadata(.backend, "secrets"), type: "Opaque")
  }

  func postgresSecret(_ data: [String: String]) -> Secret {
    Secret(data: data, metadata: platform.dataMetadata(.postgres, "secrets"), type: "Opaque")
  }
}
