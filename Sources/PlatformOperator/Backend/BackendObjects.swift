import KubernetesModels
import RTXPlatformAPI

/// The trading server's objects (deployment architecture: "8. Backend Deployment", "9. Backend Service",
/// "11. HorizontalPodAutoscaler", "12. ServiceAccount & RBAC").
struct BackendObjects {
  /// The user that the image's program runs as.
  static let user = 1000

  let platform: RTXPlatform
  /// Of everything that the pods read at their start.
  let checksum: String
  let replicas: ReplicaOwnership.Desired
  /// The ConfigMap that the pods read; nil takes the platform's own.
  var configMapName: String?

  private var spec: BackendSpec { platform.spec.backend }
  private var name: String { platform.objectName(.backend) }

  /// Everything but the Deployment, which the reconciler applies last.
  var supporting: [any KubernetesResource] {
    var objects: [any KubernetesResource] = identity + [service(selecting: platform.selectorLabels(.backend))]
    if spec.autoscaling.enabled { objects.append(autoscaler(of: name)) }
    if spec.disruptionBudget.enabled { objects.append(disruptionBudget(of: platform.selectorLabels(.backend))) }
    return objects
  }

  /// What the pods run as, whichever Deployment they are of.
  var identity: [any KubernetesResource] { [serviceAccount, role, roleBinding] }

  /// Names the version of everything that is in a pod: a change of any of it is a new release.
  var revision: String {
    let json = (try? JSONValue(encoding: template(migrations: ["migrate", "up"]))) ?? .null
    return String(ContentHash.of([json.serializedString()]).prefix(10))
  }

  var deployment: Deployment {
    let rollout = platform.spec.rollout
    return Deployment(
      metadata: platform.objectMetadata(
        .backend,
        annotations: [
          PlatformConstants.replicasOwnerAnnotation: replicas.owner, PlatformConstants.revisionLabel: revision,
        ]),
      spec: DeploymentSpec(
        progressDeadlineSeconds: rollout.progressDeadlineSeconds,
        replicas: replicas.count,
        revisionHistoryLimit: rollout.revisionHistoryLimit,
        selector: LabelSelector(matchLabels: platform.selectorLabels(.backend)),
        strategy: DeploymentStrategy(
          rollingUpdate: RollingUpdateDeployment(
            maxSurge: .int(rollout.maxSurge), maxUnavailable: .int(rollout.maxUnavailable)),
          type: "RollingUpdate"),
        template: template(migrations: ["migrate", "up"])))
  }

  func template(migrations: [String]) -> PodTemplateSpec {
    var annotations = [PlatformConstants.checksumAnnotation: checksum]
    if platform.spec.monitoring.scrapeAnnotations {
      annotations["prometheus.io/scrape"] = "true"
      annotations["prometheus.io/port"] = String(spec.port)
      annotations["prometheus.io/path"] = "/metrics"
    }
    return platform.podTemplate(
      PodBlueprint(
        component: .backend, user: Self.user, main: main,
        initContainers: [
          container(
            "wait-for-dependencies",
            [
              "wait", "--for", "postgres", "--for", "redis", "--timeout",
              String(spec.dependencyTimeoutSeconds),
            ]),
          container("run-migrations", migrations),
        ],
        volumes: [.scratch("tmp")], serviceAccountName: name, annotations: annotations,
        terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds, spreads: true),
      spec)
  }

  private var main: Container {
    var main = container("backend", ["serve"])
    main.livenessProbe = .http("/health", port: "http", spec.probes.liveness)
    main.readinessProbe = .http("/ready", port: "http", spec.probes.readiness)
    main.startupProbe = .http("/health", port: "http", spec.probes.startup)
    main.ports = [.tcp(spec.port, "http")]
    return main
  }

  /// A container of the trading server's image with its configuration.
  func container(_ name: String, _ arguments: [String]) -> Container {
    Container(
      command: ["/usr/local/bin/rtx-server"] + arguments,
      envFrom: [
        EnvFromSource(
          configMapRef: ConfigMapEnvSource(name: configMapName ?? platform.objectName(.configuration))),
        EnvFromSource(secretRef: SecretEnvSource(name: platform.credentialsSecretName)),
      ],
      image: spec.image, imagePullPolicy: spec.imagePullPolicy, name: name,
      volumeMounts: [VolumeMount(mountPath: "/tmp", name: "tmp")])
  }

  /// Keeps a client on one trading server for as long as a WebSocket session may last.
  func service(selecting selector: [String: String]) -> Service {
    Service(
      metadata: platform.objectMetadata(.backend),
      spec: ServiceSpec(
        ports: [.tcp(PlatformPort.service, "http")],
        selector: selector,
        sessionAffinity: "ClientIP",
        sessionAffinityConfig: SessionAffinityConfig(
          clientIP: ClientIPConfig(timeoutSeconds: spec.sessionAffinityTimeoutSeconds)),
        type: "ClusterIP"))
  }

  /// Follows the load of one Deployment.
  func autoscaler(of deployment: String) -> HorizontalPodAutoscaler {
    let scaling = spec.autoscaling
    func metric(_ name: String, _ percent: Int) -> MetricSpec {
      MetricSpec(
        resource: ResourceMetricSource(
          name: name, target: MetricTarget(averageUtilization: percent, type: "Utilization")),
        type: "Resource")
    }
    func rules(_ window: Int, _ percent: Int, _ period: Int) -> HPAScalingRules {
      HPAScalingRules(
        policies: [HPAScalingPolicy(periodSeconds: period, type: "Percent", value: percent)],
        stabilizationWindowSeconds: window)
    }
    return HorizontalPodAutoscaler(
      metadata: platform.objectMetadata(.backend),
      spec: HorizontalPodAutoscalerSpec(
        behavior: HorizontalPodAutoscalerBehavior(
          scaleDown: rules(
            scaling.scaleDown.stabilizationWindowSeconds, scaling.scaleDown.percent, scaling.scaleDown.periodSeconds),
          scaleUp: rules(
            scaling.scaleUp.stabilizationWindowSeconds, scaling.scaleUp.percent, scaling.scaleUp.periodSeconds)),
        maxReplicas: scaling.maxReplicas,
        metrics: [
          metric("cpu", scaling.targetCPUUtilizationPercentage),
          metric("memory", scaling.targetMemoryUtilizationPercentage),
        ],
        minReplicas: scaling.minReplicas,
        scaleTargetRef: CrossVersionObjectReference(apiVersion: "apps/v1", kind: "Deployment", name: deployment)))
  }

  /// - Parameter part: of the budget's name, where a platform has several.
  func disruptionBudget(_ part: String? = nil, of selector: [String: String]) -> PodDisruptionBudget {
    PodDisruptionBudget(
      metadata: platform.objectMetadata(.backend, part),
      spec: PodDisruptionBudgetSpec(
        maxUnavailable: .int(spec.disruptionBudget.maxUnavailable), selector: LabelSelector(matchLabels: selector)))
  }

  private var serviceAccount: ServiceAccount {
    var metadata = platform.objectMetadata(.backend)
    metadata.annotations = platform.spec.security.serviceAccountAnnotations
    return ServiceAccount(automountServiceAccountToken: false, metadata: metadata)
  }

  /// The deployment architecture's rules, with Secrets narrowed to the one that the trading server uses.
  private var role: Role {
    Role(
      metadata: platform.objectMetadata(.backend),
      rules: [
        PolicyRule(apiGroups: [""], resources: ["pods", "services", "configmaps"], verbs: ["get", "list"]),
        PolicyRule(
          apiGroups: [""], resourceNames: [platform.credentialsSecretName], resources: ["secrets"], verbs: ["get"]),
      ])
  }

  private var roleBinding: RoleBinding {
    platform.roleBinding(.backend)
  }
}

extension RTXPlatform {
  /// Binds a component's Role to its ServiceAccount; all three have the same name.
  func roleBinding(_ component: PlatformComponent) -> RoleBinding {
    RoleBinding(
      metadata: objectMetadata(component),
      roleRef: RoleRef(apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: objectName(component)),
      subjects: [Subject(kind: "ServiceAccount", name: objectName(component), namespace: namespace)])
  }
}
