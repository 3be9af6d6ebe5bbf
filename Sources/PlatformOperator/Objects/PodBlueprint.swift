import KubernetesModels
import RTXPlatformAPI

/// What is particular about a component's pods. ``RTXPlatform/podTemplate(_:_:)`` adds what they all share.
struct PodBlueprint {
  var component: PlatformComponent
  /// The user and group that the image's program runs as; also the group of its volumes.
  var user: Int
  var main: Container
  var initContainers: [Container] = []
  var volumes: [Volume] = []
  var serviceAccountName: String?
  /// Whether the pods talk to the API server; others get no token.
  var talksToAPIServer = false
  var annotations: [String: String] = [:]
  /// Labels beside the common ones.
  var labels: [String: String] = [:]
  var restartPolicy: String?
  var terminationGracePeriodSeconds: Int?
  /// Whether pods of this component are to run on different nodes where they can.
  var spreads = false
}

extension RTXPlatform {
  /// A pod that the `restricted` Pod Security Standard admits, with the user's additions.
  func podTemplate(_ blueprint: PodBlueprint, _ custom: some PodCustomization) -> PodTemplateSpec {
    var main = hardened(blueprint.main)
    main.env = (main.env ?? []) + (custom.extraEnv ?? [])
    if main.env?.isEmpty == true { main.env = nil }
    main.resources = custom.resources
    let initContainers = blueprint.initContainers.map { container in
      var container = hardened(container)
      container.resources = custom.resources
      return container
    }
    let annotations = blueprint.annotations.merging(custom.podAnnotations ?? [:]) { _, users in users }
    return PodTemplateSpec(
      metadata: ObjectMeta(
        annotations: annotations.isEmpty ? nil : annotations,
        labels: labels(blueprint.component).merging(blueprint.labels) { common, _ in common }),
      spec: PodSpec(
        affinity: custom.affinity ?? (blueprint.spreads ? spread(blueprint.component) : nil),
        automountServiceAccountToken: blueprint.talksToAPIServer,
        containers: [main] + (custom.sidecars ?? []),
        enableServiceLinks: false,
        imagePullSecrets: spec.security.imagePullSecrets?.map { LocalObjectReference(name: $0) },
        initContainers: initContainers.isEmpty ? nil : initContainers,
        nodeSelector: custom.nodeSelector,
        priorityClassName: custom.priorityClassName,
        restartPolicy: blueprint.restartPolicy,
        securityContext: PodSecurityContext(
          fsGroup: blueprint.user, fsGroupChangePolicy: "OnRootMismatch", runAsGroup: blueprint.user,
          runAsNonRoot: true, runAsUser: blueprint.user, seccompProfile: SeccompProfile(type: "RuntimeDefault")),
        serviceAccountName: blueprint.serviceAccountName,
        terminationGracePeriodSeconds: blueprint.terminationGracePeriodSeconds,
        tolerations: custom.tolerations,
        topologySpreadConstraints: custom.topologySpreadConstraints,
        volumes: blueprint.volumes.isEmpty ? nil : blueprint.volumes))
  }

  /// What the `restricted` standard asks of each container, and a root file system that cannot be written.
  private func hardened(_ container: Container) -> Container {
    var container = container
    container.securityContext = SecurityContext(
      allowPrivilegeEscalation: false, capabilities: Capabilities(drop: ["ALL"]), readOnlyRootFilesystem: true)
    return container
  }

  private func spread(_ component: PlatformComponent) -> Affinity {
    let term = PodAffinityTerm(
      labelSelector: LabelSelector(matchLabels: selectorLabels(component)), topologyKey: "kubernetes.io/hostname")
    return Affinity(
      podAntiAffinity: PodAntiAffinity(
        preferredDuringSchedulingIgnoredDuringExecution: [WeightedPodAffinityTerm(podAffinityTerm: term, weight: 100)]))
  }
}
