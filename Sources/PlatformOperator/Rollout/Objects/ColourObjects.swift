import KubernetesModels
import RTXPlatformAPI

/// The trading server's objects where releases go from colour to colour.
struct ColourObjects {
  let platform: RTXPlatform
  /// Of everything that the pods read at their start.
  let checksum: String

  var backend: BackendObjects {
    BackendObjects(platform: platform, checksum: checksum, replicas: .byAutoscaler)
  }

  /// What the spec asks for.
  var revision: String { backend.revision }

  /// The configuration that a colour was released with: its pods read it again when they restart, and a colour that may
  /// have to take over must not find the next release's.
  func configMap(_ colour: Colour) -> ConfigMap {
    ConfigMap(
      data: ConfigurationObjects(platform: platform).configuration,
      metadata: platform.objectMetadata(.backend, colour.suffix))
  }

  /// Without replicas: they have a field manager of their own, the autoscaler's or ``ReplicaOwnership/keeper``.
  func deployment(_ colour: Colour) -> Deployment {
    let revision = revision
    var backend = backend
    backend.configMapName = platform.deploymentName(colour)
    var deployment = backend.deployment
    deployment.metadata.name = platform.deploymentName(colour)
    deployment.metadata.annotations = [PlatformConstants.revisionLabel: revision]
    deployment.spec?.replicas = nil
    // Going back is a matter of colours, not of old ReplicaSets.
    deployment.spec?.revisionHistoryLimit = 1
    deployment.spec?.selector = LabelSelector(matchLabels: platform.selectorLabels(of: colour))
    // Pods may start beside an older colour, also after the release's own Job has run: on a restored database, say.
    var template = backend.template(migrations: ["migrate", "up", "--phase", "expand"])
    template.metadata?.labels?.merge(
      [PlatformConstants.colourLabel: colour.rawValue, PlatformConstants.revisionLabel: revision]
    ) { $1 }
    deployment.spec?.template = template
    return deployment
  }

  func service(selecting selector: [String: String]) -> Service { backend.service(selecting: selector) }

  /// Reaches the colour that is being released, for tests; no client's requests come this way.
  func preview(of colour: Colour) -> Service {
    Service(
      metadata: platform.objectMetadata(.backend, "preview"),
      spec: ServiceSpec(
        ports: [.tcp(PlatformPort.service, "http")], selector: platform.selectorLabels(of: colour), type: "ClusterIP"))
  }

  /// One for each colour: a pod that two budgets select cannot be evicted at all, and a colour that does not start must
  /// not hold up the drain of a node with the other.
  func disruptionBudget(_ colour: Colour, _ selector: [String: String]) -> PodDisruptionBudget {
    backend.disruptionBudget(colour.suffix, of: selector)
  }
}

extension Colour {
  /// The end of its objects' names.
  var suffix: String? { self == .plain ? nil : rawValue }
}

extension RTXPlatform {
  func deploymentName(_ colour: Colour) -> String { objectName(.backend, colour.suffix) }

  /// Labels that select the pods of blue or green. The pods of `plain` have no label of their own.
  func selectorLabels(of colour: Colour) -> [String: String] {
    selectorLabels(.backend).merging([PlatformConstants.colourLabel: colour.rawValue]) { $1 }
  }

  /// Whether releases go from colour to colour, or have not yet ceased to.
  var hasColours: Bool { spec.rollout.strategy == "BlueGreen" || status?.rollout != nil }
}
