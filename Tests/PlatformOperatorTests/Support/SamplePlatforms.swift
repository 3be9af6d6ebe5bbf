import KubernetesModels

@testable import PlatformOperator
@testable import RTXPlatformAPI

/// Platforms that between them make every object and every branch of the builders.
enum SamplePlatforms {
  static func plain(_ change: (inout RTXPlatform) -> Void = { _ in }) -> RTXPlatform {
    var platform = RTXPlatform(
      metadata: ObjectMeta(
        creationTimestamp: Timestamp(secondsSinceEpoch: 1_790_000_000), generation: 1, name: "trading",
        namespace: "rtx-trading", uid: "5f1c0a7e-0000-4000-8000-000000000001"))
    platform.spec.backend.priceFeed = "SIM"
    change(&platform)
    return platform
  }

  /// Every escape hatch used.
  static let adorned = plain { platform in
    platform.spec.backend.affinity = Affinity(nodeAffinity: NodeAffinity())
    platform.spec.backend.tolerations = [Toleration(key: "dedicated", operator: "Exists")]
    platform.spec.backend.topologySpreadConstraints = [
      TopologySpreadConstraint(
        labelSelector: LabelSelector(matchLabels: ["a": "b"]), maxSkew: 1, topologyKey: "zone",
        whenUnsatisfiable: "ScheduleAnyway")
    ]
    platform.spec.backend.extraEnv = [EnvVar(name: "SENTRY_DSN", value: "https://example.com")]
    platform.spec.backend.podAnnotations = ["team": "fx"]
    platform.spec.backend.sidecars = [Container(image: "proxy", name: "proxy")]
    platform.spec.backend.priorityClassName = "high"
    platform.spec.postgres.nodeSelector = ["disk": "ssd"]
    platform.spec.postgres.parameters = ["work_mem": "8MB", "max_connections": "300"]
    platform.spec.postgres.storage.storageClassName = "fast"
    platform.spec.security.imagePullSecrets = ["registry"]
    platform.spec.security.serviceAccountAnnotations = ["role": "trader"]
    platform.spec.network.ingress.host = "trading.example.com"
    platform.spec.backup.timeZone = "Europe/Zurich"
    platform.spec.backend.autoscaling.enabled = false
  }

  /// A database and a cache that others run.
  static let external = plain { platform in
    platform.spec.security.credentialsSecretName = "own"
    platform.spec.postgres.external = PostgresExternalSpec(host: "db.example.com")
    platform.spec.redis.external = RedisExternalSpec(host: "cache.example.com", port: 6380)
    platform.spec.network.policy.enabled = false
  }

  static let all = [plain(), adorned, external]

  /// Everything that the operator would write for a platform.
  static func objects(_ platform: RTXPlatform) -> [any KubernetesResource] {
    [NamespaceReconciler.namespace(platform)] + Preflight.objects(of: platform)
  }
}

extension KubernetesResource {
  var json: JSONValue { (try? JSONValue(encoding: self)) ?? .null }
}
