import KubernetesModels
import RTXPlatformAPI

/// What each section of the spec that makes pods lets its user say about them.
protocol PodCustomization {
  var resources: ResourceRequirements { get }
  var affinity: Affinity? { get }
  var tolerations: [Toleration]? { get }
  var topologySpreadConstraints: [TopologySpreadConstraint]? { get }
  var nodeSelector: [String: String]? { get }
  var priorityClassName: String? { get }
  var extraEnv: [EnvVar]? { get }
  var podAnnotations: [String: String]? { get }
  var sidecars: [Container]? { get }
}

extension BackendSpec: PodCustomization {}
extension PostgresSpec: PodCustomization {}
extension RedisSpec: PodCustomization {}
extension BackupSpec: PodCustomization {}
