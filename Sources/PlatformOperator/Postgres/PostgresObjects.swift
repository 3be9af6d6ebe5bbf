import KubernetesModels
import RTXPlatformAPI

/// PostgreSQL's objects (deployment architecture: "4. PostgreSQL StatefulSet", "5. PostgreSQL Services", "Database High
/// Availability").
struct PostgresObjects {
  /// The user that the image's programs run as.
  static let user = 999

  let platform: RTXPlatform
  /// The StatefulSet that is there: its claim templates cannot be changed.
  var observed: StatefulSet?
  /// Of the ServiceAccount that is there. A token dies with the account it was made for, so members of an account that
  /// was deleted and made anew have to restart: the kubelet would keep the dead token for most of an hour.
  var serviceAccountUID: String?

  private var spec: PostgresSpec { platform.spec.postgres }
  private var configuration: PatroniConfiguration { PatroniConfiguration(platform: platform) }
  private var secret: String { platform.objectName(.postgres, "secrets") }

  /// In the order in which they have to be there.
  var objects: [any KubernetesResource] {
    var objects: [any KubernetesResource] = [
      serviceAccount, role, platform.roleBinding(.postgres), configMap, headless, readWrite, readOnly,
    ]
    if spec.disruptionBudget.enabled { objects.append(disruptionBudget) }
    objects.append(statefulSet)
    return objects
  }

  // MARK: Members

  var statefulSet: StatefulSet {
    StatefulSet(
      metadata: platform.objectMetadata(.postgres),
      spec: StatefulSetSpec(
        // Patroni decides who is first; members need not wait for each other.
        podManagementPolicy: "Parallel",
        replicas: spec.instances,
        selector: LabelSelector(matchLabels: platform.selectorLabels(.postgres)),
        serviceName: platform.objectName(.postgres, "headless"),
        template: template,
        updateStrategy: StatefulSetUpdateStrategy(type: "RollingUpdate"),
        volumeClaimTemplates: [claimTemplate]))
  }

  /// With the size that it was made with: claims grow one by one, the template cannot.
  private var claimTemplate: PersistentVolumeClaim {
    let present = observed?.spec?.volumeClaimTemplates?.first?.spec?.resources?.requests?["storage"]
    return PersistentVolumeClaim(
      metadata: ObjectMeta(labels: platform.labels(.postgres), name: "data"),
      spec: platform.claimSpec(
        size: present.map { "\($0)" } ?? spec.storage.size, storageClassName: spec.storage.storageClassName))
  }

  /// The claim of one member, as the StatefulSet controller names it.
  func claimName(_ ordinal: Int) -> String { "data-\(platform.objectName(.postgres))-\(ordinal)" }

  private var template: PodTemplateSpec {
    platform.podTemplate(
      PodBlueprint(
        component: .postgres, user: Self.user, main: main,
        volumes: [
          .configMap("configuration", platform.objectName(.postgres)), .scratch("run"), .scratch("tmp"),
        ],
        serviceAccountName: platform.objectName(.postgres), talksToAPIServer: true,
        annotations: [
          PlatformConstants.checksumAnnotation: ContentHash.of(memberFiles),
          PlatformConstants.serviceAccountAnnotation: serviceAccountUID,
        ].compactMapValues { $0 },
        // Patroni sees only pods with this label as members.
        labels: [PlatformConstants.scopeLabel: platform.postgresScope],
        // A primary that is told to stop hands over first; a replica may have much to write out.
        terminationGracePeriodSeconds: 120, spreads: true),
      spec)
  }

  private var main: Container {
    Container(
      command: ["/usr/local/bin/patroni", "\(PatroniConfiguration.directory)/\(PatroniConfiguration.file)"],
      env: environment, image: spec.image, imagePullPolicy: spec.imagePullPolicy,
      livenessProbe: .http("/liveness", port: "patroni", spec.probes.liveness), name: "postgres",
      ports: [.tcp(PlatformPort.postgres, "postgres"), .tcp(PlatformPort.patroni, "patroni")],
      readinessProbe: .http("/readiness", port: "patroni", spec.probes.readiness),
      volumeMounts: [
        VolumeMount(mountPath: "/var/lib/postgresql/data", name: "data"),
        VolumeMount(mountPath: PatroniConfiguration.directory, name: "configuration", readOnly: true),
        VolumeMount(mountPath: PatroniConfiguration.socketDirectory, name: "run"),
        VolumeMount(mountPath: "/tmp", name: "tmp"),
      ])
  }

  private var environment: [EnvVar] {
    func password(_ name: String, _ key: PostgresSecretKey) -> EnvVar {
      .secret(name, from: secret, key: key.rawValue)
    }
    let credentials = platform.credentialsSecretName
    return [
      .field("PATRONI_NAME", "metadata.name"),
      .field("PATRONI_KUBERNETES_NAMESPACE", "metadata.namespace"),
      .field("PATRONI_KUBERNETES_POD_IP", "status.podIP"),
      EnvVar(
        name: "PATRONI_POSTGRESQL_CONNECT_ADDRESS", value: "$(PATRONI_KUBERNETES_POD_IP):\(PlatformPort.postgres)"),
      EnvVar(name: "PATRONI_RESTAPI_CONNECT_ADDRESS", value: "$(PATRONI_KUBERNETES_POD_IP):\(PlatformPort.patroni)"),
      EnvVar(name: "PATRONI_RESTAPI_USERNAME", value: "patroni"),
      password("PATRONI_RESTAPI_PASSWORD", .patroniPassword),
      EnvVar(name: "PATRONI_SUPERUSER_USERNAME", value: "postgres"),
      password("PATRONI_SUPERUSER_PASSWORD", .superuserPassword),
      EnvVar(name: "PATRONI_REPLICATION_USERNAME", value: "replicator"),
      password("PATRONI_REPLICATION_PASSWORD", .replicationPassword),
      EnvVar(name: "RTX_DATABASE", value: spec.database),
      .secret("RTX_DATABASE_USER", from: credentials, key: CredentialKey.databaseUser.rawValue),
      .secret("RTX_DATABASE_PASSWORD", from: credentials, key: CredentialKey.databasePassword.rawValue),
    ]
  }

  private var memberFiles: [String: String] {
    [
      PatroniConfiguration.file: memberFile,
      PatroniConfiguration.bootstrapScript: PatroniConfiguration.postBootstrap,
    ]
  }

  /// The file without the cluster's settings: those are changed in Patroni's store, and must not restart members.
  private var memberFile: String {
    var plain = platform
    plain.spec.postgres.parameters = nil
    plain.spec.postgres.failover = .init()
    plain.spec.postgres.synchronous = true
    plain.spec.postgres.resources = .init()
    return PatroniConfiguration(platform: plain).yaml
  }

  private var configMap: ConfigMap {
    ConfigMap(
      data: [
        PatroniConfiguration.file: configuration.yaml,
        PatroniConfiguration.bootstrapScript: PatroniConfiguration.postBootstrap,
      ],
      metadata: platform.objectMetadata(.postgres))
  }

  // MARK: Access

  /// Gives every member a name, ready or not.
  private var headless: Service {
    service(
      "headless",
      ServiceSpec(
        clusterIP: "None",
        ports: [.tcp(PlatformPort.postgres, "postgres"), .tcp(PlatformPort.patroni, "patroni")],
        publishNotReadyAddresses: true))
  }

  /// Follows the primary: Patroni moves the label, the Service's endpoints move with it.
  private var readWrite: Service {
    service("rw", ServiceSpec(ports: [.tcp(PlatformPort.postgres, "postgres")]), role: "primary")
  }

  private var readOnly: Service {
    service("ro", ServiceSpec(ports: [.tcp(PlatformPort.postgres, "postgres")]), role: "replica")
  }

  private func service(_ part: String, _ spec: ServiceSpec, role: String? = nil) -> Service {
    var spec = spec
    spec.type = "ClusterIP"
    spec.selector = platform.selectorLabels(.postgres)
    if let role { spec.selector?[PlatformConstants.roleLabel] = role }
    return Service(metadata: platform.objectMetadata(.postgres, part), spec: spec)
  }

  private var disruptionBudget: PodDisruptionBudget {
    PodDisruptionBudget(
      metadata: platform.objectMetadata(.postgres),
      spec: PodDisruptionBudgetSpec(
        maxUnavailable: .int(spec.disruptionBudget.maxUnavailable),
        selector: LabelSelector(matchLabels: platform.selectorLabels(.postgres))))
  }

  var serviceAccount: ServiceAccount {
    ServiceAccount(automountServiceAccountToken: false, metadata: platform.objectMetadata(.postgres))
  }

  /// What Patroni needs to keep its lease in ConfigMaps and its roles in pod labels (Patroni: "Using Patroni with
  /// Kubernetes").
  private var role: Role {
    Role(
      metadata: platform.objectMetadata(.postgres),
      rules: [
        PolicyRule(
          apiGroups: [""], resources: ["configmaps"],
          verbs: ["create", "get", "list", "patch", "update", "watch", "delete", "deletecollection"]),
        PolicyRule(apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "patch", "update", "watch"]),
      ])
  }
}
